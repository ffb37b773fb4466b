/** Replays: of a node within its run, and of a run as a new one with earlier results taken over. */
import { describe, expect, test } from "vitest";
import { planStart } from "#engine/plan.ts";
import type { PriorResults } from "#engine/prior-results.ts";
import type { Json } from "#kernel/json.ts";
import { graphOf, RunDriver, START_MS } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const http = (id: string, config: object = {}) => ({
  id,
  type: "http",
  config: { url: "https://a.example.com/", ...config },
  retry: { max_attempts: 1 },
});
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const bad = { ok: false as const, error: { code: "http_status" as const, message: "500", retryable: false } };

const chain = {
  nodes: [http("a"), http("b"), http("c")],
  edges: [edge("a", "b"), edge("b", "c")],
};
const replay = (run: RunDriver, path: string, more: object = {}) =>
  run.command({ type: "replay_node", node: path, reason: null, force: false, by: "key_a", ...more });

/** `a` gave 1, `b` failed. */
function failed(): RunDriver {
  const run = new RunDriver(chain);
  run.answer("a", 1);
  run.answer("b", bad);
  expect(run.state.status).toBe("failed");
  return run;
}

describe("replay of a node", () => {
  test("reopens a failed run, runs the node with the input it had, and goes on downstream", () => {
    const run = failed();
    expect(replay(run, "b", { reason: "the server is back" })).toEqual({ value: null });
    expect(run.view).toMatchObject({ status: "running", generation: 2, ended_at: null });
    expect(run.view.error).toBeUndefined();
    expect(run.tasks).toMatchObject([{ path: "b", visit: 2, attempt: 1 }]);
    run.answer("b", 2);
    run.answer("c", 3);
    expect(run.view).toMatchObject({ status: "completed", outputs: { c: 3 } });
    expect(run.types().slice(run.types().indexOf("run.failed"))).toEqual([
      "run.failed",
      "replay.requested",
      "run.reopened",
      "node.queued",
      "node.started",
      "node.completed",
      "edge.resolved",
      "node.queued",
      "node.started",
      "node.completed",
      "run.completed",
    ]);
  });

  test("a loop that is led into once more begins from its first pass, and its head waits for that", () => {
    const run = new RunDriver({
      nodes: [
        http("before"),
        http("head"),
        { id: "loop", type: "loop", config: { max_iterations: 2, loop_back_to: "head" } },
      ],
      edges: [edge("before", "head"), edge("head", "loop")],
    });
    run.answer("before", 1);
    run.answer("head", 2);
    run.answer("head", 3);
    expect(run.state.status).toBe("completed");
    replay(run, "before", { force: true });
    expect(run.status("head")).toBe("pending");
    run.answer("before", 4);
    expect(run.state.nodes.get("head")).toMatchObject({ status: "queued", visit: 3, iteration: 0 });
    run.answer("head", 5);
    run.answer("head", 6);
    expect(run.outputs).toMatchObject({ loop: { value: 6, loop: { iteration: 1, outcome: "exhausted" } } });
  });

  test("a config override holds for this visit, and is judged as if it were saved", () => {
    const run = failed();
    expect(replay(run, "b", { config: { method: "BREW" } })).toMatchObject({
      code: "invalid",
      details: [{ pointer: "/config/method" }],
    });
    replay(run, "b", { config: { url: "https://b.example.com/" } });
    expect(run.tasks[0]?.config).toMatchObject({ url: "https://b.example.com/", method: "GET" });
    run.answer("b", bad);
    replay(run, "b");
    expect(run.tasks[0]?.config).toMatchObject({ url: "https://a.example.com/" });
  });

  test.each([
    ["a node that is not there", "ghost", {}, "not_found"],
    ["a node that has not run", "c", {}, "conflict"],
    ["a node of a run that has not failed, without force", "a", {}, "conflict"],
  ])("%s is refused and changes nothing", (_, path, more, code) => {
    const run = path === "a" ? new RunDriver(chain) : failed();
    expect(replay(run, path, more)).toMatchObject({ code });
  });

  test("by force on a run under way: what is downstream is taken back and runs again", () => {
    const run = new RunDriver(chain);
    run.answer("a", 1);
    replay(run, "a", { force: true });
    expect([run.status("a"), run.status("b")]).toEqual(["queued", "pending"]);
    expect(run.state.generation).toBe(1);
    const stale = run.tasks.find((task) => task.path === "b");
    if (stale === undefined) throw new Error("b was queued");
    run.tasks.splice(run.tasks.indexOf(stale), 1);
    run.answer("a", 10);
    run.answerTask(stale, "late");
    run.answer("b", 2);
    run.answer("c", 3);
    expect(run.outputs).toEqual({ c: 3 });
  });

  test("by force on a completed run", () => {
    const run = new RunDriver({ nodes: [http("a"), node("b")], edges: [edge("a", "b")] });
    run.answer("a", 1);
    replay(run, "a", { force: true });
    run.answer("a", 2);
    expect(run.view).toMatchObject({ status: "completed", generation: 2, outputs: { b: 2 } });
  });

  test("what the failure had cancelled runs again, so that a join is reached", () => {
    const run = new RunDriver({
      nodes: [http("a"), http("b"), node("join")],
      edges: [edge("a", "join"), edge("b", "join")],
    });
    run.answer("a", bad);
    expect(run.status("b")).toBe("cancelled");
    replay(run, "a");
    expect(
      run.tasks
        .filter((task) => task.visit === 2)
        .map((task) => task.path)
        .sort(),
    ).toEqual(["a", "b"]);
    run.tasks.splice(0, run.tasks.length, ...run.tasks.filter((task) => task.visit === 2));
    run.answer("a", 1);
    run.answer("b", 2);
    expect(run.outputs).toEqual({ join: { a: 1, b: 2 } });
  });

  test("another failure that no edge took still fails the run in the end", () => {
    const run = new RunDriver({ nodes: [http("a"), http("b"), http("c")], edges: [edge("a", "c")] });
    for (const path of ["a", "b"]) {
      const task = run.tasks.find((each) => each.path === path);
      if (task !== undefined) run.give({ type: "task_started", start: { ...task, worker: "http-worker" } });
    }
    run.answer("a", bad);
    run.answer("b", bad);
    expect(run.state.error?.node).toBe("a");
    replay(run, "a");
    run.answer("a", 1);
    run.answer("c", 2);
    expect(run.view).toMatchObject({ status: "failed", error: { node: "b" } });
    expect(run.status("c")).toBe("completed");
  });

  test("in a loop the pass goes on from there", () => {
    const run = new RunDriver({
      nodes: [
        http("head"),
        http("tail"),
        { id: "again", type: "loop", config: { max_iterations: 2, loop_back_to: "head" } },
      ],
      edges: [edge("head", "tail"), edge("tail", "again")],
    });
    run.answer("head", 1);
    run.answer("tail", 1);
    run.answer("head", 2);
    run.answer("tail", bad);
    replay(run, "tail");
    run.answer("tail", 3);
    expect(run.outputs).toEqual({ again: { value: 3, loop: { iteration: 1, outcome: "exhausted" } } });
  });
});

describe("replay of a run", () => {
  /** A new run that takes over what it can of the other; `answers` to its tasks by path. */
  function replayRun(source: RunDriver, from: string, document: unknown = source.graph.definition, mode = "freeze") {
    const graph = graphOf(document);
    const readStored = (path: string, visit: number) => JSON.parse(source.stored(path, visit)) as Json;
    const prior: PriorResults = { state: source.state, graph: source.graph, readStored, from };
    return planStart(
      {
        run_id: "run_xx00001HG0000000000000000000000",
        tenant: "default",
        workflow: "test",
        artifact_id: "sha256:other",
        inputs: {},
        labels: {},
        priority: 3,
        trigger: "replay",
        replay_of: { run_id: source.state.run_id, mode: mode as "freeze", from },
      },
      { graph, nowMs: START_MS, readStored: () => null, system: {} },
      prior,
    );
  }
  const tasks = (planned: ReturnType<typeof replayRun>) =>
    planned.effects.flatMap((effect) => (effect.type === "dispatch" ? [effect.task.path] : []));
  const outputs = (planned: ReturnType<typeof replayRun>) =>
    planned.events.flatMap((event) => (event.type === "node.completed" ? [[event.node, event.output]] : []));

  test("freeze takes the results of earlier nodes over, byte for byte, and runs the rest", () => {
    const source = failed();
    const planned = replayRun(source, "b");
    expect(tasks(planned)).toEqual(["b"]);
    expect(outputs(planned)).toEqual([["a", { value: 1 }]]);
    expect(planned.events.find((event) => event.type === "node.completed")).toMatchObject({
      reused_from: source.state.run_id,
    });
  });

  test("a large result is the same text", () => {
    const source = new RunDriver(chain);
    const large = { text: "é".repeat(10_000), n: 1.5e300 };
    source.answer("a", large);
    source.answer("b", bad);
    const planned = replayRun(source, "b");
    const stored = planned.effects.find((effect) => effect.type === "store");
    expect(stored).toMatchObject({ path: "a", visit: 1, text: source.stored("a", 1) });
  });

  test("branches that are not downstream are taken over too, with skipped nodes and handled failures", () => {
    const source = new RunDriver({
      nodes: [http("a"), http("b"), node("saved"), node("never"), node("join"), http("last")],
      edges: [
        edge("a", "saved", { on: "failure" }),
        edge("a", "never"),
        edge("saved", "join"),
        edge("never", "join"),
        edge("b", "join"),
        edge("join", "last"),
      ],
    });
    source.answer("a", bad);
    source.answer("b", 2);
    source.answer("last", bad);
    const planned = replayRun(source, "last");
    expect(tasks(planned)).toEqual(["last"]);
    expect(planned.state.nodes.get("never")?.status).toBe("skipped");
    expect(planned.state.nodes.get("a")).toMatchObject({ status: "failed", error: { code: "http_status" } });
  });

  test("with another version only what is the same in both is taken over, with all that led to it", () => {
    const source = failed();
    const changed = { ...chain, nodes: [http("a", { url: "https://new.example.com/" }), http("b"), http("c")] };
    expect(tasks(replayRun(source, "b", changed))).toEqual(["a"]);
    const longer = { nodes: [...chain.nodes, node("d")], edges: [...chain.edges, edge("c", "d")] };
    expect(tasks(replayRun(source, "b", longer))).toEqual(["b"]);
  });

  test("from inside a loop it begins again with the first pass", () => {
    const source = new RunDriver({
      nodes: [
        http("start"),
        http("head"),
        http("tail"),
        { id: "again", type: "loop", config: { max_iterations: 2, loop_back_to: "head" } },
      ],
      edges: [edge("start", "head"), edge("head", "tail"), edge("tail", "again")],
    });
    source.answer("start", 0);
    source.answer("head", 1);
    source.answer("tail", bad);
    expect(tasks(replayRun(source, "tail"))).toEqual(["head"]);
  });

  test("a shadow run makes no request that changes something, and says what it would have sent", () => {
    const source = new RunDriver({
      nodes: [http("read"), http("write", { method: "POST", payload: { n: "$nodes.read" } }), http("after")],
      edges: [edge("read", "write"), edge("write", "after")],
    });
    source.answer("read", 7);
    source.answer("write", bad);
    const planned = replayRun(source, "write", undefined, "shadow");
    expect(tasks(planned)).toEqual(["after"]);
    expect(outputs(planned).at(-1)).toMatchObject([
      "write",
      { value: { status_code: 200, shadow: true, method: "POST", request: { payload: { n: 7 } } } },
    ]);
  });
});
