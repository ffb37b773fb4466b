/** All metrics, by group: what `/metrics`, docs/metrics.md and the Meter go by. A new metric is an export of a group's file. */
import type { Metric } from "./metric.ts";
import * as modelMetrics from "./model-metrics.ts";
import * as platformMetrics from "./platform-metrics.ts";
import * as runMetrics from "./run-metrics.ts";
import * as trafficMetrics from "./traffic-metrics.ts";

export interface MetricGroup {
  title: string;
  metrics: readonly Metric[];
}

export const METRIC_GROUPS: readonly MetricGroup[] = [
  { title: "Runs, nodes, patches, people", metrics: Object.values(runMetrics) as Metric[] },
  { title: "Models and limits", metrics: Object.values(modelMetrics) as Metric[] },
  { title: "API, queues, streams, health", metrics: Object.values(trafficMetrics) as Metric[] },
  { title: "Platform and self", metrics: Object.values(platformMetrics) as Metric[] },
];

export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);

const BY_NAME: ReadonlyMap<string, Metric> = new Map(METRICS.map((metric) => [metric.name, metric]));

/** Null for a name that this version does not know. */
export function metricNamed(name: string): Metric | null {
  return BY_NAME.get(name) ?? null;
}
