/** Figures over time for charts: each is an expression over a dataset, which may be split by some of its columns. */
import type { DatasetName } from "./columns.ts";
import { mean, N, quantile, step, weighed, within } from "./sampled-sql.ts";
import type { TimeWindow } from "./time-window.ts";

/** Points of a series, and series of an answer. */
export const TIME_SERIES_POINTS_MAX = 500;
export const TIME_SERIES_MAX = 20;

/** Rows that a query may answer: beyond it the oldest points are kept. */
const ROWS_MAX = 20_000;

interface TimeSeries {
  title: string;
  unit: string;
  dataset: DatasetName;
  value: string;
  where?: string;
  by: readonly string[];
  /** What a step without points is: nothing happened, or nothing is known. */
  empty: 0 | null;
}

const p95 = (column: string) => quantile(0.95, column);

const API = { dataset: "weir_api", by: ["route", "method", "code_class", "auth_kind"] } as const;
const RUN = { dataset: "weir_run", by: ["workflow", "state", "trigger", "error_type"] } as const;
const NODE = { dataset: "weir_node", by: ["node_type", "workflow", "outcome", "error_type", "worker_kind"] } as const;
const LLM = { dataset: "weir_llm", by: ["model", "provider", "workflow", "agent", "outcome"] } as const;
const HTTP = { dataset: "weir_http", by: ["host", "code_class", "method", "workflow"] } as const;
const QUEUE = { dataset: "weir_queue", by: ["queue", "action"] } as const;

export const TIME_SERIES = {
  requests: { ...API, title: "Requests", unit: "requests", value: N, empty: 0 },
  request_errors: {
    ...API,
    title: "Requests that failed on our side",
    unit: "requests",
    value: N,
    where: "code_class = '5xx'",
    empty: 0,
  },
  request_mean_ms: { ...API, title: "Latency of requests, mean", unit: "ms", value: mean("total_ms"), empty: null },
  request_p95_ms: { ...API, title: "Latency of requests, p95", unit: "ms", value: p95("total_ms"), empty: null },
  runs: { ...RUN, title: "Runs that ended", unit: "runs", value: N, empty: 0 },
  run_failures: { ...RUN, title: "Runs that failed", unit: "runs", value: N, where: "state = 'failed'", empty: 0 },
  run_mean_ms: { ...RUN, title: "Duration of runs, mean", unit: "ms", value: mean("total_ms"), empty: null },
  run_p95_ms: { ...RUN, title: "Duration of runs, p95", unit: "ms", value: p95("total_ms"), empty: null },
  patches: { ...RUN, title: "Patches of runs that ended", unit: "patches", value: weighed("patches"), empty: 0 },
  attempts: { ...NODE, title: "Attempts of nodes", unit: "attempts", value: N, empty: 0 },
  attempt_failures: {
    ...NODE,
    title: "Attempts of nodes that failed",
    unit: "attempts",
    value: N,
    where: "outcome = 'failed'",
    empty: 0,
  },
  queue_wait_p95_ms: {
    ...NODE,
    title: "Waiting of attempts, p95",
    unit: "ms",
    value: p95("queue_wait_ms"),
    empty: null,
  },
  execution_p95_ms: {
    ...NODE,
    title: "Execution of attempts, p95",
    unit: "ms",
    value: p95("execution_ms"),
    empty: null,
  },
  model_calls: { ...LLM, title: "Calls of models", unit: "calls", value: N, empty: 0 },
  tokens: { ...LLM, title: "Tokens", unit: "tokens", value: weighed("total_tokens"), empty: 0 },
  cost_usd: { ...LLM, title: "Cost of models", unit: "US dollars", value: weighed("cost_usd"), empty: 0 },
  http_calls: { ...HTTP, title: "Requests of HTTP nodes", unit: "requests", value: N, empty: 0 },
  http_p95_ms: { ...HTTP, title: "Requests of HTTP nodes, p95", unit: "ms", value: p95("execution_ms"), empty: null },
  queue_messages: {
    ...QUEUE,
    title: "Messages that queues delivered",
    unit: "messages",
    value: weighed("batch_size"),
    where: "action = 'ack'",
    empty: 0,
  },
} as const satisfies Record<string, TimeSeries>;

export type TimeSeriesName = keyof typeof TIME_SERIES;
export const TIME_SERIES_NAMES = Object.keys(TIME_SERIES) as [TimeSeriesName, ...TimeSeriesName[]];

/** `by` must be one of the columns that the figure may be split by; null: as a whole. */
export function timeSeriesSql(name: TimeSeriesName, by: string | null, window: TimeWindow): string {
  const series: TimeSeries = TIME_SERIES[name];
  const { dataset, value, where } = series;
  const split = by === null ? "" : `, ${by} AS split`;
  return (
    `SELECT ${step(window)} AS t${split}, ${value} AS value FROM ${dataset} ` +
    `WHERE ${within(window)}${where === undefined ? "" : ` AND ${where}`} ` +
    `GROUP BY t${by === null ? "" : ", split"} ORDER BY t${by === null ? "" : ", split"} LIMIT ${ROWS_MAX}`
  );
}

export interface Series {
  /** What it was split by; null: nothing. */
  label: string | null;
  points: { at: string; value: number | null }[];
}

interface Row {
  t: string;
  split?: string;
  value: number | string | null;
}

/** Rows as series with a point for each step; those with most in them first. */
export function seriesOf(
  name: TimeSeriesName,
  rows: readonly Row[],
  { seconds, stepSeconds }: TimeWindow,
  nowMs: number,
): { series: Series[]; omitted: number } {
  const { empty } = TIME_SERIES[name];
  const stepMs = stepSeconds * 1_000;
  const first = Math.floor((nowMs - seconds * 1_000) / stepMs) * stepMs;
  const steps = Math.floor((nowMs - first) / stepMs) + 1;
  const found = new Map<string | null, Map<number, number>>();
  for (const { t, split = null, value } of rows) {
    const at = Date.parse(`${t.replace(" ", "T")}Z`);
    const values = found.get(split) ?? new Map<number, number>();
    found.set(split, values.set(at, Number(value)));
  }
  if (found.size === 0) found.set(null, new Map());
  const sum = (values: Map<number, number>) => [...values.values()].reduce((total, value) => total + value, 0);
  const ranked = [...found].sort(([, left], [, right]) => sum(right) - sum(left));
  const series = ranked.slice(0, TIME_SERIES_MAX).map(([label, values]): Series => {
    const points = Array.from({ length: steps }, (_, index) => {
      const at = first + index * stepMs;
      return { at: new Date(at).toISOString(), value: values.get(at) ?? empty };
    });
    return { label, points };
  });
  return { series, omitted: ranked.length - series.length };
}
