/** What a run waits for, said of runs that the engine itself has brought there. */
import { describe, expect, test } from "vitest";
import { explainEnd, explainRun, NAMES_MAX } from "#engine/explain.ts";
import { DISPATCH_DEADLINE_MS, EXECUTION_GRACE_MS, VISITS_PER_TRANSITION } from "#engine/limits.ts";
import { planStart } from "#engine/plan.ts";
import { nodeError } from "#kernel/errors.ts";
import { graphOf, RunDriver, START_MS } from "../support/run-driver.ts";

const at = (ms: number) => new Date(START_MS + ms).toISOString();
const http = (id: string, more: object = {}) => ({
  id,
  type: "http",
  config: { url: "https://example.com/" },
  retry: { max_attempts: 3, jitter: false, backoff_ms: 4_000 },
  ...more,
});
const explain = (run: RunDriver) => explainRun(run.state, run.graph, run.nowMs);

function started(run: RunDriver, id: string) {
  const task = run.tasks.find((each) => each.path === id);
  if (task === undefined) throw new Error(`no task of ${id}`);
  const { run_id, path, visit, attempt } = task;
  run.give({ type: "task_started", start: { run_id, path, visit, attempt, worker: "http-worker" } });
}

const joined = () =>
  new RunDriver({
    nodes: [http("a"), http("b"), { id: "both", type: "parallel" }],
    edges: [
      { from: "a", to: "both" },
      { from: "b", to: "both" },
    ],
  });

describe("explain", () => {
  test("queued nodes, and the one behind them", () => {
    const run = joined();
    run.nowMs += 2_500;
    expect(explain(run)).toEqual({
      summary:
        'The run waits for "a" (queued for 2.5 s for a worker, attempt 1 of 3), "b" (queued for 2.5 s for a worker, attempt 1 of 3).',
      waiting: [
        { node: "a", kind: "queue", since: at(0), detail: "queued for 2.5 s for a worker, attempt 1 of 3" },
        { node: "b", kind: "queue", since: at(0), detail: "queued for 2.5 s for a worker, attempt 1 of 3" },
        {
          node: "both",
          kind: "predecessors",
          since: at(0),
          predecessors: ["a", "b"],
          detail: 'waits for "a", "b" to end',
        },
      ],
    });
  });

  test("an executing node says since when, by whom and until when", () => {
    const run = joined();
    run.nowMs += 1_000;
    started(run, "a");
    run.nowMs += 61_000;
    expect(explain(run).waiting[0]).toEqual({
      node: "a",
      kind: "execution",
      since: at(1_000),
      until: at(1_000 + 30_000 + EXECUTION_GRACE_MS),
      detail: "executing for 1 min 1 s by http-worker, attempt 1 of 3",
    });
  });

  test("a retry says after what, and when the next attempt comes; then since when that one is queued", () => {
    const run = joined();
    run.answer("b", {});
    run.nowMs += 1_000;
    run.answer("a", { ok: false, error: nodeError("network", "connection refused") });
    run.nowMs += 1_000;
    expect(explain(run)).toMatchObject({
      summary: 'The run waits for "a" (attempt 2 of 3 in 3.0 s after network: connection refused).',
      waiting: [
        { node: "a", kind: "retry", since: at(1_000), until: at(5_000) },
        { node: "both", predecessors: ["a"], detail: 'waits for "a" to end' },
      ],
    });
    run.nowMs = START_MS + 5_000;
    run.give({ type: "tick" });
    run.nowMs += 400;
    expect(explain(run).waiting[0]).toMatchObject({
      kind: "queue",
      since: at(5_000),
      detail: "queued for 400 ms for a worker, attempt 2 of 3",
    });
  });

  test("a task that was sent again says when and how often", () => {
    const run = new RunDriver({ nodes: [http("a", { retry: { max_attempts: 1 } })] });
    run.nowMs += DISPATCH_DEADLINE_MS;
    run.give({ type: "tick" });
    run.nowMs += 2 * 3_600_000;
    expect(explain(run).waiting).toEqual([
      {
        node: "a",
        kind: "queue",
        since: at(DISPATCH_DEADLINE_MS),
        detail: "queued for 2 h 0 min for a worker, sent 2 times",
      },
    ]);
  });

  test("an `any` join waits for the first", () => {
    const nodes = [http("a"), http("b"), { id: "first", type: "parallel", join: "any" }];
    const edges = ["a", "b"].map((from) => ({ from, to: "first" }));
    expect(explain(new RunDriver({ nodes, edges })).waiting.at(-1)?.detail).toBe(
      'waits for the first of "a", "b" to end',
    );
  });

  test("a failing run waits only for what still executes", () => {
    const run = joined();
    started(run, "b");
    run.answer("a", { ok: false, error: nodeError("http_status", "answered 404") });
    const { summary, waiting } = explain(run);
    expect(summary).toBe(
      'The run fails because of "a" (http_status) once this has ended: "b" (executing for 0 ms by http-worker, attempt 1 of 3).',
    );
    expect(waiting.map(({ node }) => node)).toEqual(["b"]);
  });

  test("long lists are counted, not recited; the data has all of them", () => {
    const ids = Array.from({ length: NAMES_MAX + 2 }, (_, index) => `n${index}`);
    const nodes = [...ids.map((id) => http(id)), { id: "end", type: "parallel" }];
    const run = new RunDriver({ nodes, edges: ids.map((from) => ({ from, to: "end" })) });
    const { summary, waiting } = explain(run);
    expect(summary).toMatch(/ and 2 more\.$/);
    expect(waiting).toHaveLength(ids.length + 1);
    expect(waiting.at(-1)).toMatchObject({
      predecessors: ids,
      detail: expect.stringMatching(/"n4" and 2 more to end$/),
    });
  });

  test("a node whose turn was cut off has nobody to wait for", () => {
    const ids = Array.from({ length: VISITS_PER_TRANSITION + 1 }, (_, index) => `n${index}`);
    const graph = graphOf({ nodes: ids.map((id) => ({ id, type: "parallel" })) });
    const request = {
      run_id: "run_x",
      tenant: "t",
      workflow: null,
      artifact_id: "sha256:x",
      inputs: {},
      labels: {},
      priority: 3,
      trigger: "test",
    };
    const { state } = planStart(request, { graph, nowMs: START_MS, readStored: () => null, system: {} });
    expect(explainRun(state, graph, START_MS).waiting).toEqual([
      { node: ids.at(-1), kind: "turn", since: at(0), detail: "ready: its turn comes in a moment" },
    ]);
  });

  test("a run that has ended waits for nothing", () => {
    const run = joined();
    run.nowMs += 1_500;
    run.give({ type: "cancel" });
    expect(explain(run)).toEqual({ summary: "The run was cancelled after 1.5 s.", waiting: [] });
    const done = new RunDriver({ nodes: [{ id: "a", type: "parallel" }] });
    expect(explain(done).summary).toBe("The run completed after 0 ms.");
    const error = { code: "network" as const, message: "no route", node: "a" };
    expect(explainEnd({ status: "failed", error, durationMs: null }).summary).toBe(
      'The run failed at "a" (network): no route.',
    );
  });
});

describe("explain: nodes that park in the coordinator", () => {
  const waitOf = (run: RunDriver, node: string) => {
    const { waiting } = explainRun(run.state, run.graph, run.nowMs);
    return waiting.find((wait) => wait.node === node);
  };
  const one = (type: string, config: object) => ({ nodes: [{ id: "w", type, config }], edges: [] });

  test.each([
    ["delay", { duration_ms: 60_000 }, "timer", "1 min 0 s more"],
    ["wait_for_event", { event: "paid", timeout_ms: 5_000 }, "event", 'waits for the event "paid", at most 5.0 s more'],
    ["hitl", { message: "?", quorum: 2 }, "approval", "by anybody who may approve: 0 of 2 have approved"],
    ["hitl", { message: "?", approvers: ["key_a"] }, "approval", 'by "key_a"'],
    ["workflow", { workflow: "child" }, "child", "waits for the run run_xx000"],
  ])("%s names what it waits for", (type, config, kind, detail) => {
    const run = new RunDriver(one(type, config));
    expect(waitOf(run, "w")).toMatchObject({ kind, detail: expect.stringContaining(detail) });
    expect(explainRun(run.state, run.graph, run.nowMs).summary).toContain('"w"');
  });

  test("a map says how far it has come, and what its items do", () => {
    const node = { type: "http", config: { url: "https://a.example.com/" }, retry: { max_attempts: 1 } };
    const run = new RunDriver(one("map", { items: [1, 2, 3], concurrency: 2, on_item_error: "collect", node }));
    run.answer("w[0]", { ok: false, error: { code: "http_status", message: "404" } });
    expect(waitOf(run, "w")).toMatchObject({ kind: "items", detail: "1 of 3 items have ended, 1 failed, 2 under way" });
    expect(waitOf(run, "w[1]")).toMatchObject({ kind: "queue" });
  });

  test("a paused run says so, and which nodes are held", () => {
    const run = new RunDriver({
      nodes: [
        { id: "a", type: "http", config: { url: "https://a.example.com/" } },
        { id: "b", type: "parallel" },
      ],
      edges: [{ from: "a", to: "b" }],
    });
    run.command({ type: "pause" });
    expect(explainRun(run.state, run.graph, run.nowMs).summary).toContain(
      'paused: nothing starts until it is resumed. Under way: "a"',
    );
    run.answer("a", 1);
    expect(waitOf(run, "b")).toMatchObject({ kind: "paused", detail: "ready: starts on resume" });
  });
});
