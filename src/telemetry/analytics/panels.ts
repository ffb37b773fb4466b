/** The named panels of the dashboard: each is a few queries of the dialect over a window of time. */
import { mean, N, percentiles, quantile, share, step, weighed, within } from "./sampled-sql.ts";
import type { TimeWindow } from "./time-window.ts";

export interface PanelQuery {
  name: string;
  title: string;
  /** What its numbers are in. */
  unit: string;
  sql: (window: TimeWindow) => string;
}

export interface Panel {
  name: string;
  title: string;
  queries: readonly PanelQuery[];
}

export const PANELS: readonly Panel[] = [
  {
    name: "overview",
    title: "System overview",
    queries: [
      {
        name: "requests",
        title: "Requests a second, share of errors, latency",
        unit: "1/s, %, ms",
        sql: (window) =>
          `SELECT ${N} / ${window.seconds} AS per_second, ${share("code_class = '5xx'")} AS error_percent, ` +
          `${mean("total_ms")} AS mean_ms, ${quantile(0.95, "total_ms")} AS p95_ms FROM weir_api WHERE ${within(window)}`,
      },
      {
        name: "requests_over_time",
        title: "Requests and errors over time",
        unit: "requests",
        sql: (window) =>
          `SELECT ${step(window)} AS t, ${N} AS requests, sumIf(_sample_interval, code_class = '5xx') AS errors, ` +
          `${mean("total_ms")} AS mean_ms FROM weir_api WHERE ${within(window)} GROUP BY t ORDER BY t`,
      },
      {
        name: "runs_by_state",
        title: "Runs that ended",
        unit: "runs",
        sql: (window) =>
          `SELECT state, ${N} AS runs, ${mean("total_ms")} AS mean_ms FROM weir_run WHERE ${within(window)} ` +
          "GROUP BY state ORDER BY runs DESC",
      },
      {
        name: "errors",
        title: "What failed most",
        unit: "attempts",
        sql: (window) =>
          `SELECT error_type, node_type, ${N} AS attempts FROM weir_node WHERE ${within(window)} AND error_type != '' ` +
          "GROUP BY error_type, node_type ORDER BY attempts DESC, error_type, node_type LIMIT 20",
      },
    ],
  },
  {
    name: "performance",
    title: "Performance",
    queries: [
      {
        name: "latency_by_route",
        title: "Latency of each route",
        unit: "ms",
        sql: (window) =>
          `SELECT route, ${N} AS requests, ${percentiles("total_ms")}, ${share("code_class = '5xx'")} AS error_percent ` +
          `FROM weir_api WHERE ${within(window)} GROUP BY route ORDER BY requests DESC, route LIMIT 50`,
      },
      {
        name: "latency_histogram",
        title: "Requests by latency",
        unit: "requests",
        sql: (window) =>
          "SELECT if(total_ms <= 10, 10, if(total_ms <= 50, 50, if(total_ms <= 250, 250, if(total_ms <= 1000, 1000, " +
          `if(total_ms <= 5000, 5000, 60000))))) AS up_to_ms, ${N} AS requests FROM weir_api WHERE ${within(window)} ` +
          "GROUP BY up_to_ms ORDER BY up_to_ms",
      },
      {
        name: "wait_and_execution",
        title: "Waiting and executing, by type of node",
        unit: "ms",
        sql: (window) =>
          `SELECT node_type, ${N} AS attempts, ${quantile(0.5, "queue_wait_ms")} AS wait_p50_ms, ` +
          `${quantile(0.95, "queue_wait_ms")} AS wait_p95_ms, ${quantile(0.5, "execution_ms")} AS execution_p50_ms, ` +
          `${quantile(0.95, "execution_ms")} AS execution_p95_ms FROM weir_node WHERE ${within(window)} ` +
          "GROUP BY node_type ORDER BY attempts DESC, node_type",
      },
      {
        name: "queues",
        title: "Queues",
        unit: "messages, ms",
        sql: (window) =>
          "SELECT queue, sumIf(_sample_interval * batch_size, action = 'ack') AS messages, " +
          "sumIf(_sample_interval, action = 'retry') AS retries, sumIf(_sample_interval, action = 'dlq') AS dead, " +
          `max(backlog) AS backlog_max, ${quantile(0.99, "queue_wait_ms")} AS wait_p99_ms FROM weir_queue ` +
          `WHERE ${within(window)} GROUP BY queue ORDER BY queue`,
      },
      {
        name: "hosts",
        title: "Hosts that HTTP nodes call",
        unit: "ms",
        sql: (window) =>
          `SELECT host, ${N} AS requests, ${percentiles("execution_ms")}, ${share("code_class != '2xx'")} AS other_percent ` +
          `FROM weir_http WHERE ${within(window)} GROUP BY host ORDER BY requests DESC, host LIMIT 20`,
      },
    ],
  },
  {
    name: "business",
    title: "Business",
    queries: [
      {
        name: "runs",
        title: "Runs, success, duration, patches",
        unit: "runs, %, ms",
        sql: (window) =>
          `SELECT ${N} AS runs, ${N} * 3600 / ${window.seconds} AS per_hour, ${share("state = 'completed'")} AS success_percent, ` +
          `${mean("total_ms")} AS mean_ms, ${quantile(0.5, "total_ms")} AS p50_ms, ${weighed("patches")} AS patches, ` +
          `${weighed("cost_usd")} AS cost_usd, ${weighed("input_tokens + output_tokens")} AS tokens ` +
          `FROM weir_run WHERE ${within(window)}`,
      },
      {
        name: "runs_over_time",
        title: "Runs over time",
        unit: "runs",
        sql: (window) =>
          `SELECT ${step(window)} AS t, ${N} AS runs, sumIf(_sample_interval, state = 'failed') AS failed, ` +
          `${mean("total_ms")} AS mean_ms FROM weir_run WHERE ${within(window)} GROUP BY t ORDER BY t`,
      },
      {
        name: "workflows",
        title: "Workflows",
        unit: "runs, %, ms",
        sql: (window) =>
          `SELECT workflow, ${N} AS runs, ${share("state = 'completed'")} AS success_percent, ${mean("total_ms")} AS mean_ms, ` +
          `${weighed("patches")} AS patches, ${weighed("cost_usd")} AS cost_usd FROM weir_run WHERE ${within(window)} ` +
          "GROUP BY workflow ORDER BY runs DESC, workflow LIMIT 50",
      },
      {
        name: "approvals",
        title: "Decisions of people",
        unit: "approvals, %, ms",
        sql: (window) =>
          `SELECT ${N} AS requests, ${share("outcome = 'completed'")} AS approved_percent, ${mean("total_ms")} AS mean_wait_ms ` +
          `FROM weir_node WHERE ${within(window)} AND node_type = 'hitl'`,
      },
      {
        name: "models",
        title: "Models: tokens, cache, cost",
        unit: "tokens, %, US dollars",
        sql: (window) =>
          `SELECT model, ${N} AS calls, ${weighed("input_tokens")} AS tokens_in, ${weighed("output_tokens")} AS tokens_out, ` +
          `100 * ${weighed("cached_tokens")} / ${weighed("input_tokens")} AS cached_percent, ${weighed("cost_usd")} AS usd ` +
          `FROM weir_llm WHERE ${within(window)} GROUP BY model ORDER BY usd DESC, model LIMIT 50`,
      },
      {
        name: "expensive_runs",
        title: "Most expensive runs",
        unit: "US dollars",
        sql: (window) =>
          `SELECT run_id, workflow, ${weighed("cost_usd")} AS usd, ${N} AS calls FROM weir_llm WHERE ${within(window)} ` +
          "GROUP BY run_id, workflow ORDER BY usd DESC, run_id LIMIT 10",
      },
    ],
  },
];

export function panelOf(name: string): Panel | null {
  return PANELS.find((panel) => panel.name === name) ?? null;
}
