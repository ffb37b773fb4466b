/** Points: the platform's limits, and that events of a run always give the same points. */
import { describe, expect, test } from "vitest";
import { PRICE_VERSION } from "#agent/prices.ts";
import type { CallRow } from "#store/llm-calls.ts";
import { BLOBS, columnsOf, DATASET_NAMES, DATASETS, DOUBLES, positionsOf } from "#telemetry/analytics/columns.ts";
import { batchPoints } from "#telemetry/batch-points.ts";
import { llmPoint } from "#telemetry/llm-points.ts";
import type { Point } from "#telemetry/point.ts";
import { BUFFERED_POINTS_MAX, PointBuffer } from "#telemetry/point-buffer.ts";
import { BLOB_BYTES_MAX, cutCounts, INDEX_BYTES_MAX, makePoint, POINTS_PER_INVOCATION_MAX } from "#telemetry/points.ts";
import { describeNode, pointsOf } from "#telemetry/run-points.ts";
import { RunDriver, START_MS } from "../support/run-driver.ts";

const ORIGIN = { env: "local", version: "9.9.9" } as const;

/** A point's values by readable name. */
function fieldsOf({ dataset, blobs, doubles }: Point): Record<string, string | number> {
  const positions = positionsOf(DATASETS[dataset]);
  return Object.fromEntries([
    ...[...positions.blobs].map(([name, position]) => [name, blobs[position] ?? ""] as const),
    ...[...positions.doubles].map(([name, position]) => [name, doubles[position] ?? 0] as const),
  ]);
}

const bytes = (text: string) => new TextEncoder().encode(text).length;

describe("limits of a point", () => {
  test("no dataset has more columns than the platform", () => {
    for (const name of DATASET_NAMES) {
      expect(DATASETS[name].blobs.length).toBeLessThanOrEqual(BLOBS);
      expect(DATASETS[name].doubles.length).toBeLessThanOrEqual(DOUBLES);
      const columns = columnsOf(DATASETS[name]);
      const names = columns.flatMap(({ name: column, alias }) => (alias === null ? [column] : [column, alias]));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("an index is cut at 96 bytes, between characters, and that is counted", () => {
    const fits = "ä".repeat(48);
    const before = cutCounts.indexes;
    expect(makePoint("weir_api", 0, fits, {}).index).toBe(fits);
    expect(cutCounts.indexes).toBe(before);
    expect(bytes(makePoint("weir_api", 0, `${"ä".repeat(47)}a🌊`, {}).index)).toBe(INDEX_BYTES_MAX - 1);
    expect(cutCounts.indexes).toBe(before + 1);
  });

  test("blobs together keep within 16 KB: the longest are cut, the others stay whole", () => {
    const before = cutCounts.blobs;
    const fits = { tenant: "acme", route: "x".repeat(BLOB_BYTES_MAX - 4) };
    expect(fieldsOf(makePoint("weir_api", 0, "i", fits))).toMatchObject(fits);
    expect(cutCounts.blobs).toBe(before);
    const { blobs } = makePoint("weir_api", 0, "i", { ...fits, code: "200", method: "🌊".repeat(9_000) });
    expect(cutCounts.blobs).toBe(before + 1);
    const total = blobs.reduce((sum, blob) => sum + bytes(blob), 0);
    expect(total).toBeLessThanOrEqual(BLOB_BYTES_MAX);
    expect(total).toBeGreaterThan(BLOB_BYTES_MAX - 8);
    expect(blobs).toContain("acme");
    expect(blobs).toContain("200");
  });

  test("what is no number is 0 and counted; what is absent is empty; an unknown name is a bug", () => {
    const before = cutCounts.numbers;
    const point = makePoint("weir_llm", 0, "i", { cost_usd: Number.NaN, total_ms: null, model: null, cache_hit: true });
    expect(fieldsOf(point)).toMatchObject({ cost_usd: 0, total_ms: 0, model: "", cache_hit: "1", tenant: "" });
    expect(cutCounts.numbers).toBe(before + 1);
    expect(() => makePoint("weir_run", 0, "i", { node_type: "http" })).toThrow(/weir_run has no column node_type/);
  });
});

describe("the column map", () => {
  test("positions of version 1 stand for good: stored points were written by them", () => {
    const positions = Object.fromEntries(
      DATASET_NAMES.map((name) => {
        const { blobs, doubles } = DATASETS[name];
        const first = (columns: typeof blobs) =>
          columns.filter(({ since }) => since === 1).map((column) => column.name);
        return [name, [first(blobs).slice(10).join(" "), first(doubles).slice(6).join(" ")]];
      }),
    );
    expect(positions).toEqual({
      weir_run: [
        "trigger state patched workflow_version",
        "nodes nodes_completed nodes_failed nodes_skipped patches hitl_wait_ms input_tokens output_tokens cost_usd retries events stored_bytes",
      ],
      weir_node: [
        "node_type worker_kind cache_hit",
        "result_bytes tool_calls patches input_tokens output_tokens cost_usd",
      ],
      weir_llm: [
        "provider model response_model operation finish_reason service_tier agent cache_hit price_version",
        "input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens total_tokens cost_usd saved_usd tool_calls time_to_first_token_ms http_status",
      ],
      weir_http: ["method host code_class", "status redirects"],
      weir_api: ["method route code_class code auth_kind limit_outcome", "d1_ms do_ms d1_queries"],
      weir_queue: ["queue action batch_id", "batch_size backlog oldest_age_ms"],
    });
    for (const name of DATASET_NAMES) {
      expect(
        DATASETS[name].blobs
          .slice(0, 10)
          .map((column) => column.name)
          .join(" "),
      ).toBe("tenant env version outcome error_type workflow run_id node_id trace_id colo");
      expect(
        DATASETS[name].doubles
          .slice(0, 6)
          .map((column) => column.name)
          .join(" "),
      ).toBe("total_ms queue_wait_ms execution_ms attempt bytes_in bytes_out");
    }
  });
});

describe("points of a run", () => {
  const definition = {
    nodes: [
      { id: "first", type: "transform", config: { expression: "{'a': 1}" } },
      {
        id: "call",
        type: "http",
        config: { url: "https://API.example.com:8443/${$inputs.x}", method: "PUT" },
        retry: { max_attempts: 2, backoff_ms: 1_000, jitter: false },
      },
      { id: "last", type: "transform", config: { expression: "output.body" } },
      { id: "never", type: "transform", config: { expression: "1" } },
    ],
    edges: [
      { from: "first", to: "call" },
      { from: "call", to: "last" },
      { from: "call", to: "never", on: "failure" },
    ],
  };
  const measured = (sent_at: number, start_time: number, end_time: number) => ({
    worker: "http-worker" as const,
    sent_at,
    start_time,
    end_time,
    bytes_in: 10,
    bytes_out: 20,
    system: {},
  });

  function executed(): RunDriver {
    const run = new RunDriver(definition, { x: "y" });
    const answer = (metrics: ReturnType<typeof measured>, outcome: object) => {
      const task = run.tasks.shift();
      if (task === undefined) throw new Error("no task is open");
      const { run_id, path, visit, attempt } = task;
      run.give({ type: "task_ended", result: { run_id, path, visit, attempt, outcome, metrics } as never });
    };
    run.nowMs += 100;
    const error = { code: "http_status", message: "503", retryable: true, details: { status: 503, body: null } };
    answer(measured(START_MS, START_MS + 30, START_MS + 100), { ok: false, error });
    run.nowMs += 1_000;
    run.give({ type: "tick" });
    run.nowMs += 50;
    const output = {
      status_code: 200,
      body: 7,
      url: "https://api.example.com/y",
      method: "PUT",
      headers: {},
      duration_ms: 9,
    };
    answer(measured(run.nowMs - 50, run.nowMs - 40, run.nowMs), { ok: true, output });
    return run;
  }

  const pointsFor = (run: RunDriver, events = run.events) =>
    pointsOf(events, run.state, (path) => describeNode(run.graph.nodes, path), ORIGIN);

  test("one for each attempt that ended, one for each request, one for the run", () => {
    const run = executed();
    const points = pointsFor(run);
    expect(points.map(({ dataset, index }) => [dataset, index])).toEqual([
      ["weir_node", "default|test"],
      ["weir_node", "default|test"],
      ["weir_http", "api.example.com"],
      ["weir_node", "default|test"],
      ["weir_http", "api.example.com"],
      ["weir_node", "default|test"],
      ["weir_run", "default|test"],
    ]);
    const [first, failed, refused, , answered, last, whole] = points.map(fieldsOf);
    expect(first).toMatchObject({
      node_id: "first",
      node_type: "transform",
      worker_kind: "coordinator",
      result_bytes: 7,
    });
    expect(failed).toMatchObject({
      node_id: "call",
      node_type: "http",
      outcome: "failed",
      error_type: "http_status",
      attempt: 1,
      total_ms: 100,
      queue_wait_ms: 30,
      execution_ms: 70,
      bytes_in: 10,
      bytes_out: 20,
      tenant: "default",
      env: "local",
      version: "9.9.9",
    });
    expect(refused).toMatchObject({
      host: "api.example.com",
      method: "PUT",
      code_class: "5xx",
      status: 503,
      outcome: "failed",
    });
    expect(answered).toMatchObject({ code_class: "2xx", status: 200, attempt: 2, queue_wait_ms: 10, execution_ms: 40 });
    expect(last).toMatchObject({ node_id: "last", outcome: "completed", result_bytes: 1 });
    expect(whole).toMatchObject({
      run_id: run.state.run_id,
      workflow: "test",
      state: "completed",
      outcome: "completed",
      trigger: "test",
      patched: "0",
      nodes: 3,
      nodes_completed: 3,
      nodes_failed: 0,
      retries: 1,
      total_ms: 1_150,
      events: run.state.seq,
    });
  });

  test("the same whether events are taken one transition at a time or all at once", () => {
    const run = executed();
    const whole = pointsFor(run);
    for (let cut = 0; cut <= run.events.length; cut++) {
      expect([...pointsFor(run, run.events.slice(0, cut)), ...pointsFor(run, run.events.slice(cut))]).toEqual(whole);
    }
  });

  test("an agent's tokens and cost stand on its attempt and its run; one that found no room is postponed", () => {
    const run = new RunDriver({ nodes: [{ id: "think", type: "agent", config: { task: "Say yes." } }] });
    const llm = {
      tokens_used: 30,
      input_tokens: 20,
      cached_tokens: 5,
      cache_write_tokens: 0,
      output_tokens: 10,
      reasoning_tokens: 0,
      cache_hit: true,
      llm_model: "m",
      llm_calls: 1,
      tool_calls: ["search", "search"],
      time_to_first_token_ms: 3,
      cost_usd: 0.5,
      price_version: "v",
    };
    const answer = (outcome: object, more: object = {}) => {
      const task = run.tasks.shift();
      if (task === undefined) throw new Error("no task is open");
      const { run_id, path, visit, attempt } = task;
      const metrics = { ...measured(run.nowMs, run.nowMs, run.nowMs), worker: "agent-runner" as const, ...more };
      run.give({ type: "task_ended", result: { run_id, path, visit, attempt, outcome, metrics } as never });
    };
    answer({ ok: false, error: { code: "model_error", message: "no room", retryable: true, postponed: true } });
    run.nowMs += 3_600_000;
    run.give({ type: "tick" });
    answer({ ok: true, output: { answer: "yes" } }, { llm });
    const [postponed, attempt, whole] = pointsFor(run).map(fieldsOf);
    expect(postponed).toMatchObject({ outcome: "postponed", error_type: "model_error", cost_usd: 0, cache_hit: "" });
    expect(attempt).toMatchObject({
      node_type: "agent",
      worker_kind: "agent-runner",
      outcome: "completed",
      cache_hit: "1",
      tool_calls: 2,
      input_tokens: 20,
      output_tokens: 10,
      cost_usd: 0.5,
    });
    expect(whole).toMatchObject({ state: "completed", input_tokens: 20, output_tokens: 10, cost_usd: 0.5, retries: 0 });
  });

  test("a node without a config, one that was skipped, and one that the graph has no more", () => {
    const run = new RunDriver({
      nodes: [
        { id: "a", type: "parallel" },
        { id: "b", type: "transform", config: { expression: "1" } },
      ],
      edges: [{ from: "a", to: "b", condition: "false" }],
    });
    expect(pointsFor(run).map(fieldsOf)).toMatchObject([
      { node_id: "a", node_type: "parallel", outcome: "completed" },
      { state: "completed", nodes_completed: 1, nodes_skipped: 1 },
    ]);
    const [point] = pointsOf(run.events, run.state, () => null, ORIGIN).map(fieldsOf);
    expect(point).toMatchObject({ node_id: "a", node_type: "", outcome: "completed" });
  });

  test("a failed and a cancelled run are measured as such", () => {
    const failing = new RunDriver({
      nodes: [{ id: "a", type: "transform", config: { expression: "inputs.nothing" } }],
    });
    const failed = pointsFor(failing).map(fieldsOf);
    expect(failed).toMatchObject([
      { outcome: "failed", error_type: failing.state.error?.code },
      { state: "failed", nodes_failed: 1 },
    ]);
    const cancelled = new RunDriver(definition, { x: "y" });
    cancelled.nowMs += 10;
    cancelled.give({ type: "cancel" });
    expect(pointsFor(cancelled).map(fieldsOf)).toMatchObject([
      { node_id: "first", outcome: "completed" },
      { node_id: "call", outcome: "cancelled" },
      { state: "cancelled", total_ms: 10, error_type: "" },
    ]);
  });
});

describe("points of model calls", () => {
  const call: CallRow = {
    call_id: "call_1",
    tenant: "acme",
    run_id: "run_1",
    workflow: "flow",
    node: "think",
    visit: 1,
    attempt: 2,
    turn: 1,
    at: START_MS,
    duration_ms: 400,
    provider: "openai",
    requested_model: "gpt-5-mini",
    answered_model: "gpt-5-mini-2025-08-07",
    input_tokens: 2_000,
    cached_tokens: 1_500,
    cache_write_tokens: 0,
    output_tokens: 600,
    reasoning_tokens: 100,
    cost_usd: 0.0013625,
    price_version: PRICE_VERSION,
    time_to_first_token_ms: 90,
    finish_reason: "stop",
    tool_calls: 1,
    outcome: "ok",
    http_status: 200,
  };

  test("one holds what is kept of the call, and what the prompt cache saved", () => {
    const point = llmPoint(call, ORIGIN);
    expect(point).toMatchObject({ dataset: "weir_llm", index: "acme|gpt-5-mini", at: START_MS });
    expect(fieldsOf(point)).toMatchObject({
      outcome: "ok",
      error_type: "",
      model: "gpt-5-mini",
      response_model: "gpt-5-mini-2025-08-07",
      agent: "think",
      attempt: 2,
      cache_hit: "1",
      input_tokens: 2_000,
      cached_tokens: 1_500,
      total_tokens: 2_600,
      cost_usd: 0.0013625,
      tool_calls: 1,
      time_to_first_token_ms: 90,
      http_status: 200,
    });
    // 1,500 tokens at 0.25 instead of 0.025 USD a million.
    expect(fieldsOf(point).saved_usd).toBeCloseTo(0.0003375, 9);
  });

  test("what nobody knows is 0 with no price version, and a lost call's assumed cost is not counted", () => {
    const unpriced = fieldsOf(llmPoint({ ...call, cost_usd: null, price_version: null }, ORIGIN));
    expect(unpriced).toMatchObject({ cost_usd: 0, price_version: "", saved_usd: 0 });
    const lost = fieldsOf(llmPoint({ ...call, outcome: "lost", input_tokens: null, cached_tokens: null }, ORIGIN));
    expect(lost).toMatchObject({
      outcome: "error",
      error_type: "lost",
      cost_usd: 0,
      price_version: "",
      cache_hit: "0",
    });
  });
});

describe("points of a batch", () => {
  test("one for the batch, one for each message that comes again, never more than an invocation may write", () => {
    const message = (id: string, attempts: number) => ({
      id,
      attempts,
      timestamp: new Date(900),
      body: { tenant: "acme", run_id: "run_1", path: "a" },
    });
    const metadata = { metrics: { backlogCount: 4, oldestMessageTimestamp: new Date(500) } };
    const batch = { queue: "weir-http", messages: [message("m1", 1), message("m2", 3)], metadata };
    const [whole, again, ...others] = batchPoints(batch, ORIGIN, 1_000).map(fieldsOf);
    expect(whole).toMatchObject({ action: "ack", batch_size: 2, backlog: 4, oldest_age_ms: 500, queue_wait_ms: 100 });
    expect(again).toMatchObject({ action: "retry", attempt: 3, tenant: "acme", node_id: "a" });
    expect(others).toEqual([]);
    const dead = batchPoints({ queue: "weir-dead", messages: [message("m1", 1)] }, ORIGIN, 1_000).map(fieldsOf);
    expect(dead[1]).toMatchObject({ action: "dlq", queue: "weir-dead" });
    const many = { queue: "weir-http", messages: Array.from({ length: 500 }, (_, index) => message(`m${index}`, 2)) };
    expect(batchPoints(many, ORIGIN, 1_000)).toHaveLength(POINTS_PER_INVOCATION_MAX);
    expect(batchPoints({ queue: "weir-http", messages: [] }, ORIGIN, 1_000)).toEqual([]);
  });
});

describe("points that wait", () => {
  const point = makePoint("weir_api", 0, "i", {});

  test("beyond the bound they are dropped and counted, and numbers never repeat", () => {
    const buffer = new PointBuffer();
    for (let index = 0; index < BUFFERED_POINTS_MAX; index++) expect(buffer.add(point)).toBe(true);
    expect(buffer.add(point)).toBe(false);
    expect(buffer.dropped).toBe(1);
    const taken = buffer.take(10);
    buffer.add(point);
    buffer.putBack(taken);
    expect(buffer.size).toBe(BUFFERED_POINTS_MAX);
    expect(buffer.dropped).toBe(2);
    const numbers = buffer.take(BUFFERED_POINTS_MAX).map(({ seq }) => seq);
    expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
    // The oldest gave way.
    expect(numbers[0]).toBe(1);
  });
});
