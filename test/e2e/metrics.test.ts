/**
 * `/metrics` against the event logs: whatever happens to the runtime, every counter is what the logs say, to the unit.
 * Then Prometheus itself scrapes it and answers with the same figures.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { METRICS } from "../../src/telemetry/catalogue/catalogue.ts";
import { countsOf, parseExposition, sumOf, type TextSample } from "../support/exposition-text.ts";
import { allRuns, type Counts, countLogs } from "../support/log-counts.ts";
import { answerLoad, prepareLoad, runLoad } from "../support/mixed-load.ts";
import { checkMetrics, hasPrometheus, type PrometheusProcess, startPrometheus } from "../support/prometheus.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { startWitness, type Witness } from "../support/witness-server.ts";

/** More by hand: WEIR_LOAD_RUNS=1000. */
const RUNS = Number(process.env.WEIR_LOAD_RUNS ?? 200);

let weir: WeirProcess;
let witness: Witness;
let counts: Counts;

beforeAll(async () => {
  witness = await startWitness(answerLoad);
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  await prepareLoad(() => weir, witness.url);
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const scrape = (accept = "text/plain") => weir.api("GET", "/metrics", undefined, { accept });
const read = async (): Promise<TextSample[]> => parseExposition((await scrape()).body);

/** The counts of the logs and of the metrics, once they are the same or five seconds have gone by. */
async function compared(names: readonly string[]): Promise<[metrics: Counts, logs: Counts]> {
  const wanted = (all: Counts): Counts => Object.fromEntries(names.map((name) => [name, all[name] ?? {}]));
  for (let tries = 0; ; tries++) {
    const samples = await read();
    const found = Object.fromEntries(names.map((name) => [name, countsOf(samples, name)]));
    if (JSON.stringify(sorted(found)) === JSON.stringify(sorted(wanted(counts))) || tries === 10) {
      return [found, wanted(counts)];
    }
    await sleep(500);
  }
}

function sorted(all: Counts): unknown {
  return Object.entries(all).map(([name, family]) => [name, Object.entries(family).sort()]);
}

const FROM_LOGS = [
  "weir_runs_started_total",
  "weir_runs_reopened_total",
  "weir_runs_total",
  "weir_runs_active",
  "weir_run_duration_seconds_count",
  "weir_run_start_latency_seconds_count",
  "weir_nodes_total",
  "weir_node_retries_total",
  "weir_node_queue_wait_seconds_count",
  "weir_node_execution_seconds_count",
  "weir_node_duration_seconds_count",
  "weir_http_client_requests_total",
  "weir_ssrf_blocked_total",
  "weir_tool_calls_total",
  "weir_hitl_requests_total",
  "weir_hitl_decisions_total",
  "weir_hitl_wait_seconds_count",
  "weir_patches_total",
  "weir_patch_operations_count",
  "weir_patch_operations_sum",
];

describe("counters", () => {
  test(`after ${RUNS} runs of every kind and two SIGKILLs each is what the logs say, to the unit`, {
    timeout: 600_000,
  }, async () => {
    const kills: Promise<void>[] = [];
    const kill = async (times: number) => {
      await weir.kill9Workerd();
      await weir.waitForReady(times);
    };
    await runLoad(
      () => weir,
      RUNS,
      (begun) => {
        if (begun === Math.floor(RUNS / 3)) kills.push(kill(2));
        if (begun === Math.floor((RUNS * 2) / 3)) kills.push(Promise.all(kills).then(() => kill(3)));
      },
    );
    await Promise.all(kills);
    const isOver = (run: { ended_at?: string | null; status: string }) =>
      (run.ended_at ?? null) !== null || ["waiting", "paused"].includes(run.status);
    let ids: string[] = [];
    for (let tries = 0; tries < 60; tries++) {
      ids = await allRuns(weir);
      const all = await Promise.all(ids.map(async (id) => (await weir.api("GET", `/api/v1/runs/${id}`)).body));
      // A parent, and what expires, wait for a moment only.
      const isQuiet =
        all.every(isOver) && !all.some((run) => ["parent", "expires"].includes(run.workflow) && !run.ended_at);
      if (isQuiet) break;
    }
    counts = await countLogs(weir, ids);
    expect(ids.length).toBeGreaterThan(RUNS);
    const [metrics, logs] = await compared(FROM_LOGS);
    expect(metrics).toEqual(logs);
  });

  test("runs that were started and reopened are those that ended and those that have not", async () => {
    const samples = await read();
    const begun = sumOf(samples, "weir_runs_started_total") + sumOf(samples, "weir_runs_reopened_total");
    expect(sumOf(samples, "weir_runs_total") + sumOf(samples, "weir_runs_active")).toBe(begun);
    expect(sumOf(samples, "weir_runs_active", { state: "paused" })).toBeGreaterThan(0);
    const { body } = await weir.api("GET", "/api/v1/approvals?status=pending&limit=200");
    expect(sumOf(samples, "weir_hitl_pending")).toBe(body.items.length);
  });

  test("calls of models are those that are kept for billing", async () => {
    const { body: usage } = await weir.api("GET", "/api/v1/usage");
    const samples = await read();
    expect(usage.calls).toBeGreaterThan(0);
    expect(sumOf(samples, "weir_llm_requests_total")).toBe(usage.calls);
    expect(sumOf(samples, "weir_llm_request_duration_seconds_count")).toBe(usage.calls);
    expect(sumOf(samples, "weir_llm_tokens_total", { type: "input" })).toBe(usage.input_tokens);
    expect(sumOf(samples, "weir_llm_tokens_total", { type: "output" })).toBe(usage.output_tokens);
    expect(sumOf(samples, "weir_llm_cost_usd_total")).toBeCloseTo(usage.cost_usd, 9);
  });

  test("another SIGKILL, with nothing going on, changes none of them", async () => {
    const before = await read();
    await weir.kill9Workerd();
    await weir.waitForReady(4);
    await sleep(3_000);
    const after = await read();
    for (const name of FROM_LOGS) expect([name, countsOf(after, name)]).toEqual([name, countsOf(before, name)]);
  });
});

describe("the route", () => {
  test("has every metric of the catalogue", async () => {
    // The local runtime tells of its process every five seconds.
    await sleep(6_000);
    const names = new Set((await scrape()).body.match(/^# TYPE \S+/gm)?.map((line: string) => line.slice(7)));
    expect(METRICS.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  });

  test("answers in both formats, and tells which", async () => {
    const text = await scrape();
    expect(text.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const open = await scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    expect(open.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(open.body).toMatch(/\n# EOF\n$/);
    expect(open.body).toMatch(/_bucket\{.*\} \d+ # \{trace_id="[0-9a-f]{32}"\} /);
    expect(text.body).not.toContain("trace_id");
  });

  test("is for the scope metrics alone", async () => {
    const key = async (scopes: string[]) =>
      (await weir.api("POST", "/api/v1/keys", { name: "scraper", scopes })).body.key as string;
    const status = async (bearer: string) =>
      (await weir.api("GET", "/metrics", undefined, { authorization: `Bearer ${bearer}` })).status;
    expect(await status(await key(["metrics"]))).toBe(200);
    expect(await status(await key(["read"]))).toBe(403);
    expect(await status(await key(["operator"]))).toBe(403);
    expect((await weir.api("GET", "/metrics", undefined, { authorization: "" })).status).toBe(401);
    expect((await weir.api("POST", "/metrics")).status).toBe(405);
  });

  test("promtool has nothing against it", ({ skip }) => {
    if (!hasPrometheus()) skip();
    return scrape().then(({ body }) => expect(checkMetrics(body)).toBe(""));
  });

  test("figures of the process come from the operator's key alone, and are judged", async () => {
    const wrong = await weir.api("POST", "/internal/process", { threads: -1 });
    expect(wrong.status).toBe(422);
    const { body } = await weir.api("POST", "/api/v1/keys", { name: "x", scopes: ["read", "write", "admin"] });
    const headers = { authorization: `Bearer ${body.key}` };
    expect((await weir.api("POST", "/internal/process", {}, headers)).status).toBe(403);
  });
});

describe("Prometheus", () => {
  test("scrapes it and answers with the figures of the logs", async ({ skip }) => {
    if (!hasPrometheus()) skip();
    const prometheus: PrometheusProcess = await startPrometheus(weir);
    try {
      await prometheus.scraped(3);
      const one = async (expression: string) => (await prometheus.query(expression))[0]?.value;
      const total = (name: string) => Object.values(counts[name] ?? {}).reduce((sum, value) => sum + value, 0);
      expect(await one("sum(weir_runs_started_total)")).toBe(total("weir_runs_started_total"));
      expect(await one('sum(weir_runs_total{state="failed",workflow="gone"})')).toBe(
        counts.weir_runs_total?.["gone,failed,http_status"],
      );
      expect(
        await one(
          "sum(weir_runs_started_total) + sum(weir_runs_reopened_total) - sum(weir_runs_total) - sum(weir_runs_active)",
        ),
      ).toBe(0);
      const p95 = await one("histogram_quantile(0.95, sum by (le) (weir_node_execution_seconds_bucket))");
      expect(p95).toBeGreaterThan(0);
      expect(await one("weir_build_info")).toBe(1);
      const [exemplar] = await prometheus.exemplars("weir_run_duration_seconds_bucket");
      expect(exemplar?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    } finally {
      await prometheus.stop();
    }
  });
});
