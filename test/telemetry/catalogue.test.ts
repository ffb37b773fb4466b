/** The catalogue: what a name promises, and that the page made from it is up to date. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { METRICS, metricNamed } from "#telemetry/catalogue/catalogue.ts";
import { metricsDocument } from "#telemetry/catalogue/document.ts";
import { closedCombinations, EACH, hasOpenLabel } from "#telemetry/catalogue/metric.ts";
import { SERIES_MAX } from "#telemetry/metrics/series-book.ts";

/** What others rely on, as the design lists it. */
const PROMISED: Record<string, string[]> = {
  weir_build_info: [],
  weir_component_up: ["component"],
  weir_http_server_requests_total: ["method", "route", "code_class"],
  weir_http_server_request_duration_seconds: ["route"],
  weir_runs_started_total: ["workflow", "trigger"],
  weir_runs_reopened_total: [],
  weir_runs_total: ["workflow", "state", "error_class"],
  weir_runs_active: ["state"],
  weir_run_duration_seconds: ["workflow", "state"],
  weir_nodes_total: ["node_type", "state", "error_class"],
  weir_node_queue_wait_seconds: ["node_type"],
  weir_node_execution_seconds: ["node_type"],
  weir_node_duration_seconds: ["node_type"],
  weir_node_retries_total: ["node_type", "reason"],
  weir_orchestration_overhead_seconds: ["phase"],
  weir_queue_messages_total: ["queue", "action"],
  weir_queue_backlog_messages: ["queue"],
  weir_queue_oldest_message_age_seconds: ["queue"],
  weir_queue_duplicates_total: ["queue"],
  weir_llm_requests_total: ["provider", "model", "outcome"],
  weir_llm_request_duration_seconds: ["model"],
  weir_llm_tokens_total: ["model", "type"],
  weir_llm_cost_usd_total: ["model"],
  weir_llm_prompt_cache_requests_total: ["model", "result"],
  weir_tool_calls_total: ["tool", "outcome"],
  weir_http_client_requests_total: ["code_class"],
  weir_ssrf_blocked_total: ["reason"],
  weir_patches_total: ["result", "reason"],
  weir_hitl_requests_total: [],
  weir_hitl_decisions_total: ["decision"],
  weir_hitl_wait_seconds: [],
  weir_hitl_pending: [],
  weir_ratelimit_decisions_total: ["limiter", "outcome"],
  weir_ws_connections: [],
  weir_d1_query_duration_seconds: ["op"],
  weir_d1_database_size_bytes: [],
  weir_do_storage_bytes: ["class"],
  weir_watchdog_recovered_total: ["reason"],
  weir_dlq_messages_total: ["queue"],
  weir_metrics_last_flush_timestamp_seconds: [],
  weir_alerts_firing: ["severity"],
};

describe("the catalogue", () => {
  test.each(Object.entries(PROMISED))("has %s with the labels that are promised", (name, labels) => {
    const found = metricNamed(name)?.labels.map((label) => label.name);
    for (const label of labels) expect(found).toContain(label);
  });

  test("names are there once, begin with weir_, and counters alone end with _total", () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const { name, type } of METRICS) {
      expect(name).toMatch(/^weir_[a-z0-9_]+$/);
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    }
  });

  test("no label names what has no end of values, and none is reserved", () => {
    const names = METRICS.flatMap(({ labels }) => labels.map(({ name }) => name));
    for (const name of ["run_id", "user", "url", "tenant", "path", "le", "quantile"]) expect(names).not.toContain(name);
  });

  test("closed labels leave room for open ones below the bound of series", () => {
    for (const metric of METRICS) {
      if (hasOpenLabel(metric))
        expect([metric.name, closedCombinations(metric) <= SERIES_MAX / 2]).toEqual([metric.name, true]);
      const explicit = metric.zeros.filter((labels) => !labels.includes(EACH));
      expect(explicit.length).toBeLessThanOrEqual(SERIES_MAX / 2);
      for (const labels of metric.zeros)
        expect([metric.name, labels.length]).toEqual([metric.name, metric.labels.length]);
    }
  });

  test("zeros hold values that their labels have", () => {
    for (const { name, labels, zeros } of METRICS) {
      for (const zero of zeros) {
        for (const [index, value] of zero.entries()) {
          const { values } = labels[index] ?? { values: null };
          if (values !== null) expect([name, values]).toEqual([name, expect.arrayContaining([value])]);
        }
      }
    }
  });

  test("buckets grow, and histograms alone have them", () => {
    for (const { name, type, buckets } of METRICS) {
      expect([name, buckets.length > 0]).toEqual([name, type === "histogram"]);
      expect(buckets).toEqual([...new Set(buckets)].sort((left, right) => left - right));
    }
  });

  test("docs/metrics.md is what npm run docs:metrics writes", () => {
    expect(readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8")).toBe(metricsDocument());
  });
});
