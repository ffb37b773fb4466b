/** What is shown of a metric: a sample for each label set, zeros for those that nothing has happened to yet. */
import type { Metric } from "#telemetry/catalogue/metric.ts";
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

/** The samples, and a zero for each registered label set that none of them has. */
export function withZeros(metric: Metric, samples: readonly Sample[]): Family {
  const known = new Set(samples.map(({ labels }) => keyOf(labels)));
  const counts = metric.type === "histogram" ? new Array<number>(metric.buckets.length + 1).fill(0) : null;
  const zeros = metric.zeros
    .filter((labels) => !known.has(keyOf(labels)))
    .map((labels): Sample => ({ labels, value: 0, counts, exemplars: [] }));
  return { metric, samples: [...samples, ...zeros] };
}
