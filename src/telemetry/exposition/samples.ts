/** What is shown of a metric: a sample for each label set, zeros for those that nothing has happened to yet. */
import { EACH, type Metric } from "#telemetry/catalogue/metric.ts";
import type { Exemplar } from "#telemetry/metrics/batch.ts";
import { keyOf } from "#telemetry/metrics/label-set.ts";

export interface Sample {
  labels: readonly string[];
  /** Of a histogram its sum. */
  value: number;
  /** Of a histogram: by bucket, not cumulative. */
  counts: readonly number[] | null;
  exemplars: readonly Exemplar[];
}

export interface Family {
  metric: Metric;
  samples: readonly Sample[];
}

/** Values that labels have anywhere, by the label's name. */
export type KnownValues = ReadonlyMap<string, ReadonlySet<string>>;

export function knownValues(families: readonly Family[]): KnownValues {
  const known = new Map<string, Set<string>>();
  for (const { metric, samples } of families) {
    for (const [index, { name, values }] of metric.labels.entries()) {
      if (values !== null) continue;
      const found = known.get(name) ?? new Set();
      known.set(name, found);
      for (const { labels } of samples) found.add(labels[index] ?? "");
    }
  }
  return known;
}

/** The samples, and a zero for each registered label set that none of them has. */
export function withZeros({ metric, samples }: Family, values: KnownValues): Family {
  const known = new Set(samples.map(({ labels }) => keyOf(labels)));
  const counts = metric.type === "histogram" ? new Array<number>(metric.buckets.length + 1).fill(0) : null;
  const zeros = metric.zeros
    .flatMap((labels) => written(labels, metric, values))
    .filter((labels) => !known.has(keyOf(labels)))
    .map((labels): Sample => ({ labels, value: 0, counts, exemplars: [] }));
  return { metric, samples: [...samples, ...zeros] };
}

function written(labels: readonly string[], { labels: named }: Metric, values: KnownValues): (readonly string[])[] {
  const at = labels.indexOf(EACH);
  if (at === -1) return [labels];
  return [...(values.get(named[at]?.name ?? "") ?? [])].map((value) => labels.with(at, value));
}
