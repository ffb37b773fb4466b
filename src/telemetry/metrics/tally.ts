/** Counts in memory what happens between two flushes: cheap to add to, read out as one batch. */
import type { LabelValues, Metric } from "#telemetry/catalogue/metric.ts";
import type { Exemplar, HistogramDelta, MetricBatch } from "./batch.ts";
import { keyOf, labelsFor } from "./label-set.ts";

interface Entry<Value> {
  labels: string[];
  value: Value;
}

type Entries<Value> = Map<string, Map<string, Entry<Value>>>;

export class Tally {
  #counters: Entries<number> = new Map();
  #histograms: Entries<HistogramDelta> = new Map();
  #gauges: Entries<number> = new Map();
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  count<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, by = 1): void {
    if (!(by >= 0)) return;
    this.#entry(this.#counters, metric, labels, 0, (entry) => {
      entry.value += by;
    });
  }

  /** `runId`: whose trace shows an observation like this one. */
  observe<Labels extends readonly string[]>(
    metric: Metric<Labels>,
    labels: LabelValues<Labels>,
    value: number,
    of?: { runId: string; at: number },
  ): void {
    if (!Number.isFinite(value)) return;
    const nothing = { sum: 0, counts: [], exemplars: [] };
    this.#entry<HistogramDelta>(this.#histograms, metric, labels, nothing, ({ value: delta }) => {
      if (delta.counts.length === 0) delta.counts = new Array(metric.buckets.length + 1).fill(0);
      const bucket = bucketOf(metric.buckets, value);
      delta.sum += value;
      delta.counts[bucket] = (delta.counts[bucket] ?? 0) + 1;
      if (of !== undefined) keep(delta.exemplars, { bucket, value, run_id: of.runId, at: of.at });
    });
  }

  /** As it stands now; the last one counts. */
  set<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, value: number): void {
    if (!Number.isFinite(value)) return;
    this.#entry(this.#gauges, metric, labels, 0, (entry) => {
      entry.value = value;
    });
  }

  /** Everything so far, which is then no longer here. */
  take(): MetricBatch {
    const batch: MetricBatch = {
      counters: listed(this.#counters),
      histograms: listed(this.#histograms),
      gauges: listed(this.#gauges),
    };
    this.#counters = new Map();
    this.#histograms = new Map();
    this.#gauges = new Map();
    this.#size = 0;
    return batch;
  }

  #entry<Value>(
    entries: Entries<Value>,
    metric: Metric,
    labels: readonly string[],
    nothing: Value,
    change: (entry: Entry<Value>) => void,
  ): void {
    let family = entries.get(metric.name);
    if (family === undefined) {
      family = new Map();
      entries.set(metric.name, family);
    }
    const key = keyOf(labels);
    let entry = family.get(key);
    if (entry === undefined) {
      entry = { labels: labelsFor(metric, labels), value: nothing };
      family.set(key, entry);
      this.#size += 1;
    }
    change(entry);
  }
}

function listed<Value>(entries: Entries<Value>): [string, string[], Value][] {
  return [...entries].flatMap(([metric, family]) =>
    [...family.values()].map(({ labels, value }): [string, string[], Value] => [metric, labels, value]),
  );
}

/** The first bucket whose bound is not below the value. */
export function bucketOf(bounds: readonly number[], value: number): number {
  const found = bounds.findIndex((bound) => value <= bound);
  return found === -1 ? bounds.length : found;
}

/** One a bucket: the latest. */
export function keep(exemplars: Exemplar[], exemplar: Exemplar): void {
  const before = exemplars.findIndex(({ bucket }) => bucket === exemplar.bucket);
  if (before === -1) exemplars.push(exemplar);
  else exemplars[before] = exemplar;
}
