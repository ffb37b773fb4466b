/** All metrics, by group: what `/metrics`, docs/metrics.md and the Meter go by. A new metric is an export of a group's file. */
import { hasOpenLabel, type Metric } from "./metric.ts";
import * as modelMetrics from "./model-metrics.ts";
import * as platformMetrics from "./platform-metrics.ts";
import { seriesOverflow } from "./platform-metrics.ts";
import * as runMetrics from "./run-metrics.ts";
import * as trafficMetrics from "./traffic-metrics.ts";

export interface MetricGroup {
  title: string;
  metrics: readonly Metric[];
}

const groups = [
  group("Runs, nodes, patches, people", runMetrics),
  group("Models and limits", modelMetrics),
  group("API, queues, streams, health", trafficMetrics),
  group("Platform and self", platformMetrics),
];

function group(title: string, exported: object): MetricGroup {
  const metrics = Object.values(exported) as Metric[];
  return { title, metrics: metrics.sort((left, right) => (left.name < right.name ? -1 : 1)) };
}

/** Metrics that may get too many series. */
const mayOverflow = groups.flatMap(({ metrics }) => metrics).filter(hasOpenLabel);
const overflowZeros = mayOverflow.filter(({ feed }) => feed !== "scrape").map(({ name }) => [name]);

export const METRIC_GROUPS: readonly MetricGroup[] = groups.map(({ title, metrics }) => ({
  title,
  metrics: metrics.map((each) => (each.name === seriesOverflow.name ? { ...each, zeros: overflowZeros } : each)),
}));

export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);

const BY_NAME: ReadonlyMap<string, Metric> = new Map(METRICS.map((metric) => [metric.name, metric]));

/** Null for a name that this version does not know. */
export function metricNamed(name: string): Metric | null {
  return BY_NAME.get(name) ?? null;
}
