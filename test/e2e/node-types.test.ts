/** Every node type that is not a request, over HTTP on a real Weir; and the bounds of definitions at their edges. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
const api = follow(() => weir);

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    if (request.url?.startsWith("/bad/")) answerJson(response, 404, {});
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

describe("loop", () => {
  test("a branch with its join inside a loop runs once for each iteration, and the run ends", async () => {
    const run = await api.run({
      nodes: [
        node("start"),
        { id: "which", type: "conditional", config: { condition: "iteration % 2 == 0" } },
        { id: "even", type: "http", config: { url: `${witness.url}/even/\${$iteration}` } },
        node("odd"),
        node("join"),
        { id: "again", type: "loop", config: { max_iterations: 6, loop_back_to: "which" } },
      ],
      edges: [
        edge("start", "which"),
        edge("which", "even", { branch: "if" }),
        edge("which", "odd", { branch: "else" }),
        edge("even", "join"),
        edge("odd", "join"),
        edge("join", "again"),
      ],
    });
    expect(run.status).toBe("completed");
    const events = await api.events(run.run_id);
    const joins = events.filter((event) => event.type === "node.completed" && event.node === "join");
    expect(joins.map((event) => event.iteration)).toEqual([0, 1, 2, 3, 4, 5]);
    const keys = witness.requests
      .filter(({ url }) => url.startsWith("/even/"))
      .map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys).size).toBe(3);
  });

  test("five thousand iterations end, and the run's detail opens", async () => {
    const run = await api.run({
      nodes: [
        { id: "step", type: "transform", config: { expression: "{'n': iteration}" } },
        { id: "again", type: "loop", config: { max_iterations: 5_000, loop_back_to: "step" } },
      ],
      edges: [edge("step", "again")],
    });
    expect(run.outputs).toEqual({ again: { n: 4_999, loop: { iteration: 4_999, outcome: "exhausted" } } });
    const { body } = await api.get(`/runs/${run.run_id}/details`);
    expect(body.node_executions.step).toMatchObject({ visit: 5_000, iteration: 4_999 });
  });
});

describe("delay and wait_for_event", () => {
  test("a delay waits its time and says so", async () => {
    const run = await api.run({ nodes: [{ id: "d", type: "delay", config: { duration_ms: 300 } }] });
    expect(run.outputs.d.waited_ms).toBeGreaterThanOrEqual(300);
  });

  test("a signal before the wait is taken by it, one that does not match is not", async () => {
    const id = await api.start({
      nodes: [
        { id: "d", type: "delay", config: { duration_ms: 400 } },
        { id: "w", type: "wait_for_event", config: { event: "paid", match: "output.amount >= 10" } },
      ],
      edges: [edge("d", "w")],
    });
    expect((await api.post(`/runs/${id}/signals/paid`, { amount: 1 })).status).toBe(202);
    expect((await api.post(`/runs/${id}/signals/paid`, { amount: 12 })).status).toBe(202);
    expect((await api.end(id)).outputs).toEqual({ w: { amount: 12 } });
    expectError(await api.post(`/runs/${id}/signals/paid`, { amount: 12 }), 409, "conflict");
  });

  test("an event that does not come in time fails the node", async () => {
    const run = await api.run({
      nodes: [{ id: "w", type: "wait_for_event", config: { event: "never", timeout_ms: 200 } }],
    });
    expect(run.error).toMatchObject({ code: "event_timeout", node: "w" });
  });
});

describe("workflow", () => {
  test("a child gives its outputs; both know of each other", async () => {
    await api.post("/workflows", {
      tag: "double",
      workflow: { nodes: [{ id: "twice", type: "transform", config: { expression: "inputs.n * 2" } }] },
    });
    const run = await api.run(
      { nodes: [{ id: "sub", type: "workflow", config: { workflow: "double", inputs: { n: "$inputs.n" } } }] },
      { n: 21 },
    );
    expect(run.outputs).toEqual({ sub: { twice: 42 } });
    const { body } = await api.get(`/runs/${run.run_id}/details`);
    const child = (await api.get(`/runs/${body.node_executions.sub.child_run_id}`)).body;
    expect(child).toMatchObject({
      parent: { run_id: run.run_id, node: "sub" },
      workflow: "double",
      trigger: "workflow",
    });
  });

  test("a failed child fails the node, a cancelled parent cancels the child", async () => {
    await api.post("/workflows", {
      tag: "wait",
      workflow: { nodes: [{ id: "w", type: "wait_for_event", config: { event: "go", timeout_ms: "$inputs.ms" } }] },
    });
    const sub = (ms: number) => ({
      nodes: [{ id: "sub", type: "workflow", config: { workflow: "wait", inputs: { ms } } }],
    });
    expect((await api.run(sub(50))).error).toMatchObject({
      code: "child_failed",
      message: expect.stringContaining("event_timeout"),
    });
    const id = await api.start(sub(60_000));
    const childOf = async () => (await api.get(`/runs/${id}/details`)).body.node_executions.sub.child_run_id as string;
    const child = await childOf();
    await api.until(child, (run) => run.status === "waiting");
    await api.post(`/runs/${id}/cancel`);
    expect((await api.end(child)).status).toBe("cancelled");
  });

  test("recursion ends at depth 8, and a workflow that is not there is told", async () => {
    await api.post("/workflows", {
      tag: "self",
      workflow: { nodes: [{ id: "again", type: "workflow", config: { workflow: "self" } }] },
    });
    const { body } = await api.post("/workflows/self/execute", { wait_ms: 20_000 });
    expect(body.error.code).toBe("child_failed");
    let depth = 0;
    for (let run = body; ; depth++) {
      const detail = (await api.get(`/runs/${run.run_id}/details`)).body;
      const child = detail.node_executions.again.child_run_id;
      if (child === undefined) break;
      run = (await api.get(`/runs/${child}`)).body;
    }
    expect(depth).toBe(8);
    const absent = await api.run({ nodes: [{ id: "s", type: "workflow", config: { workflow: "ghost" } }] });
    expect(absent.error).toMatchObject({ code: "child_failed", message: 'there is no workflow "ghost"' });
  });
});

describe("map", () => {
  test("requests side by side, results in order, failures in their places", async () => {
    const run = await api.run(
      {
        nodes: [
          {
            id: "m",
            type: "map",
            config: {
              items: "$inputs.paths",
              concurrency: 3,
              on_item_error: "collect",
              node: { type: "http", config: { url: `${witness.url}\${$item}` } },
            },
          },
        ],
      },
      { paths: ["/a", "/bad/b", "/c", "/d"] },
    );
    expect(run.status).toBe("completed");
    expect(
      run.outputs.m.map((item: { body?: { path: string }; code?: string }) => item.body?.path ?? item.code),
    ).toEqual(["/a", "http_status", "/c", "/d"]);
  });

  test("ten thousand items are taken, one more is not; what is no list is told", async () => {
    const map = {
      nodes: [
        {
          id: "m",
          type: "map",
          config: {
            items: "$inputs.xs",
            concurrency: 100,
            node: { type: "transform", config: { expression: "item + 1" } },
          },
        },
      ],
    };
    const most = await api.run(map, { xs: Array(10_000).fill(1) });
    expect(most.outputs.m).toHaveLength(10_000);
    expect((await api.run(map, { xs: Array(10_001).fill(1) })).error).toMatchObject({ code: "map_failed" });
    expect((await api.run(map, { xs: "no list" })).error).toMatchObject({
      code: "map_failed",
      message: expect.stringContaining("not a string"),
    });
    const literal = {
      nodes: [
        { id: "m", type: "map", config: { items: 7, node: { type: "transform", config: { expression: "item" } } } },
      ],
    };
    expectError(await api.post("/runs", { definition: literal }), 422, "invalid");
  });
});

describe("types that are not there", () => {
  test("one that is coming is skipped with a warning; an unknown one is 422 with the nearest", async () => {
    const run = await api.run({
      nodes: [{ id: "f", type: "file-search" }, node("after")],
      edges: [edge("f", "after")],
    });
    expect(run.status).toBe("completed");
    const events = await api.events(run.run_id);
    expect(events.filter((event) => event.type === "warning")).toMatchObject([{ code: "node_type_unavailable" }]);
    const answer = await api.post("/runs", { definition: { nodes: [{ id: "x", type: "lop" }] } });
    expectError(answer, 422, "invalid");
    expect(answer.body.error.details[0].message).toContain('did you mean "loop"');
  });
});

describe("bounds at their edges", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i}`));

  test("a thousand nodes run, one more is refused", async () => {
    const run = await api.run({ nodes: many(1_000), edges: many(999).map((_, i) => edge(`n${i}`, `n${i + 1}`)) });
    expect(run).toMatchObject({ status: "completed", node_counts: { completed: 1_000 } });
    expectError(await api.post("/runs", { definition: { nodes: many(1_001) } }), 422, "invalid");
  });

  test("four thousand edges run, one more is refused", async () => {
    const edges = (count: number) =>
      Array.from({ length: 100 }, (_, from) =>
        Array.from({ length: 99 - from }, (__, k) => edge(`n${from}`, `n${from + k + 1}`)),
      )
        .flat()
        .slice(0, count);
    // Steps that do not hand on what they are given: inputs of inputs would grow without end.
    const nodes = many(100).map(({ id }) => ({ id, type: "transform", config: { expression: "1" } }));
    expect((await api.run({ nodes, edges: edges(4_000) })).status).toBe("completed");
    expectError(await api.post("/runs", { definition: { nodes, edges: edges(4_001) } }), 422, "invalid");
  });

  test("an expression of 2 KB is taken, one byte more is refused", async () => {
    const text = (bytes: number) => ({
      nodes: [{ id: "t", type: "transform", config: { expression: `'${"x".repeat(bytes - 2)}'` } }],
    });
    expect((await api.run(text(2_048))).status).toBe("completed");
    expectError(await api.post("/runs", { definition: text(2_049) }), 422, "invalid");
  });

  test("a loop without a maximum is refused", async () => {
    const loop = {
      nodes: [node("a"), { id: "l", type: "loop", config: { loop_back_to: "a" } }],
      edges: [edge("a", "l")],
    };
    const answer = await api.post("/runs", { definition: loop });
    expectError(answer, 422, "invalid");
    expect(answer.body.error.details[0].pointer).toBe("/definition/nodes/1/config/max_iterations");
  });
});
