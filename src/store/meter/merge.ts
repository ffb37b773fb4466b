/** What all Meters hold, as one: counters and histograms are sums, gauges as their metric has it. */
import { METRICS, metricNamed } from "#telemetry/catalogue/catalogue.ts";
import { metricsFlushed, metricsSeries } from "#telemetry/catalogue/platform-metrics.ts";
import { type Family, knownValues, type Sample, withZeros } from "#telemetry/exposition/samples.ts";
import { keyOf } from "#telemetry/metrics/label-set.ts";
import { SeriesBook } from "#telemetry/metrics/series-book.ts";
import { mergeGauge } from "./merge-gauge.ts";
import type { MeterView, SeriesView } from "./protocol.ts";

/** A gauge that is looked at when somebody asks. */
export interface LookedAt {
  metric: string;
  labels: string[];
  value: number;
}

/** Every metric of the catalogue with what there is of it, zeros included. */
export function familiesOf(views: readonly [name: string, view: MeterView][], looked: readonly LookedAt[]): Family[] {
  const samples = new Map<string, Sample[]>(METRICS.map(({ name }) => [name, []]));
  const put = (metric: string, sample: Sample) => samples.get(metric)?.push(sample);
  const [only] = views;
  if (views.length === 1 && only !== undefined) putSeries(only[1], put);
  else putSum(views, put);
  for (const [metric, labels, value] of mergedGauges(views)) put(metric, gaugeSample(labels, value));
  for (const { metric, labels, value } of [...looked, ...ofMeters(views)]) put(metric, gaugeSample(labels, value));
  const families = METRICS.map((metric): Family => ({ metric, samples: samples.get(metric.name) ?? [] }));
  const known = knownValues(families);
  return families.map((family) => withZeros(family, known));
}

function gaugeSample(labels: string[], value: number): Sample {
  return { labels, value, counts: null, exemplars: [] };
}

function putSeries(view: MeterView, put: (metric: string, sample: Sample) => void): void {
  for (const [metric, family] of view.series) {
    for (const [labels, , value, counts, exemplars] of family) put(metric, { labels, value, counts, exemplars });
  }
}

/**
 * The bounds of series hold for all Meters together: series are taken in the order in which they first appeared, which
 * is the same at every scrape, so that one which is shown once stays shown and only grows.
 */
function putSum(
  views: readonly [name: string, view: MeterView][],
  put: (metric: string, sample: Sample) => void,
): void {
  const all = views.flatMap(([, view]) =>
    view.series.flatMap(([metric, family]) => family.map((series): [string, SeriesView] => [metric, series])),
  );
  all.sort(([, [left, leftSince]], [, [right, rightSince]]) => {
    if (leftSince !== rightSince) return leftSince - rightSince;
    const [one, other] = [keyOf(left), keyOf(right)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
  const book = new SeriesBook(metricNamed);
  for (const [metric, [labels, since, value, counts, exemplars]] of all) {
    if (counts === null) book.add({ counters: [[metric, labels, value]], histograms: [], gauges: [] }, since);
    else
      book.add({ counters: [], histograms: [[metric, labels, { sum: value, counts, exemplars }]], gauges: [] }, since);
  }
  for (const [metric, family] of book.families()) for (const series of family.values()) put(metric, series);
}

function mergedGauges(views: readonly [name: string, view: MeterView][]): MeterView["gauges"] {
  const merged = new Map<string, MeterView["gauges"][number]>();
  for (const [, view] of views) {
    for (const [metric, labels, value, at] of view.gauges) {
      const key = `${metric} ${keyOf(labels)}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, [metric, labels, value, at]);
      else mergeGauge(known, value, at);
    }
  }
  return [...merged.values()];
}

function ofMeters(views: readonly [name: string, view: MeterView][]): LookedAt[] {
  return views.flatMap(([shard, view]) => {
    const series = view.series.reduce((sum, [, family]) => sum + family.length, 0);
    return [
      { metric: metricsFlushed.name, labels: [shard], value: view.flushed_at / 1_000 },
      { metric: metricsSeries.name, labels: [shard], value: series },
    ];
  });
}
