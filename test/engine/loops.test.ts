/** Loops by rule 5: passes, ways out, joins and branches inside, nesting, failure edges that leave a body. */
import { describe, expect, test } from "vitest";
import { RunDriver } from "../support/run-driver.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const transform = (id: string, expression: string, more: object = {}) => ({
  id,
  type: "transform",
  config: { expression },
  ...more,
});
const http = (id: string, more: object = {}) => ({
  id,
  type: "http",
  config: { url: "https://a.example.com/" },
  retry: { max_attempts: 1 },
  ...more,
});
const loop = (id: string, config: object) => ({ id, type: "loop", config: { max_iterations: 3, ...config } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const visits = (run: RunDriver, id: string) => run.state.nodes.get(id)?.visit ?? 0;

describe("loops: passes", () => {
  test("without a condition the body runs max_iterations times, and the loop's output says so", () => {
    const run = new RunDriver({
      nodes: [transform("step", "{'n': iteration}"), loop("again", { loop_back_to: "step" })],
      edges: [edge("step", "again")],
    });
    expect(run.state.status).toBe("completed");
    expect(visits(run, "step")).toBe(3);
    expect(run.outputs).toEqual({ again: { n: 2, loop: { iteration: 2, outcome: "exhausted" } } });
  });

  test("with max_iterations 1 the body runs once", () => {
    const run = new RunDriver({
      nodes: [node("step"), loop("again", { loop_back_to: "step", max_iterations: 1 })],
      edges: [edge("step", "again")],
    });
    expect(visits(run, "step")).toBe(1);
    expect(run.outputs).toEqual({ again: { loop: { iteration: 0, outcome: "exhausted" } } });
  });

  test("the head gets its own input in the first pass, and the loop node's output in the later ones", () => {
    const run = new RunDriver(
      {
        nodes: [
          node("start"),
          transform("add", "{'sum': output.sum + 1}"),
          loop("again", { loop_back_to: "add", condition: "output.sum < 5", max_iterations: 100 }),
          node("done"),
        ],
        edges: [edge("start", "add"), edge("add", "again"), edge("again", "done")],
      },
      { sum: 0 },
    );
    expect(run.outputs).toEqual({ done: { sum: 5, loop: { iteration: 4, outcome: "break" } } });
  });

  test("an input that is no object stands under value", () => {
    const run = new RunDriver({
      nodes: [transform("seven", "7.0"), loop("again", { loop_back_to: "seven", max_iterations: 1 })],
      edges: [edge("seven", "again")],
    });
    expect(run.outputs).toEqual({ again: { value: 7, loop: { iteration: 0, outcome: "exhausted" } } });
  });

  test("a loop node may lead back to itself", () => {
    const run = new RunDriver({ nodes: [loop("again", { loop_back_to: "again" })], edges: [] });
    expect(visits(run, "again")).toBe(3);
    expect(run.state.status).toBe("completed");
  });

  test("a condition that reads a missing field breaks with a warning", () => {
    const run = new RunDriver({
      nodes: [node("step"), loop("again", { loop_back_to: "step", condition: "output.more" })],
      edges: [edge("step", "again")],
    });
    expect(visits(run, "step")).toBe(1);
    expect(run.events.filter((event) => event.type === "warning")).toMatchObject([{ code: "missing_field" }]);
  });

  test("a condition that gives no boolean fails the node", () => {
    const run = new RunDriver({
      nodes: [node("step"), loop("again", { loop_back_to: "step", condition: "1 + 1" })],
      edges: [edge("step", "again")],
    });
    expect(run.state.error).toMatchObject({ code: "expression_failed", node: "again" });
  });

  test("each pass of a task has its own visit, and with it its own idempotency key", () => {
    const run = new RunDriver({
      nodes: [http("call"), loop("again", { loop_back_to: "call" })],
      edges: [edge("call", "again")],
    });
    for (let pass = 1; pass <= 3; pass++) {
      expect(run.tasks).toMatchObject([{ path: "call", visit: pass, attempt: 1 }]);
      run.answer("call", { pass });
    }
    expect(run.outputs).toMatchObject({ again: { pass: 3 } });
    const queued = run.events.filter((event) => event.type === "node.queued");
    expect(queued.map((event) => event.iteration)).toEqual([0, 1, 2]);
  });

  test("a result of an earlier pass that comes late changes nothing", () => {
    const run = new RunDriver({
      nodes: [http("call"), loop("again", { loop_back_to: "call" })],
      edges: [edge("call", "again")],
    });
    const [first] = run.tasks;
    run.answer("call", 1);
    if (first === undefined) throw new Error("no task");
    expect(run.answerTask(first, 9)).toBe("duplicate");
    expect(run.state.nodes.get("call")).toMatchObject({ status: "queued", visit: 2 });
  });
});

describe("loops: ways out", () => {
  const document = (config: object, edges: object[] = []) => ({
    nodes: [
      transform("step", "{'n': iteration}"),
      loop("again", { loop_back_to: "step", ...config }),
      node("broke"),
      node("ran_out"),
      node("plain"),
    ],
    edges: [edge("step", "again"), edge("again", "plain"), ...edges],
  });
  const completed = (run: RunDriver) => Object.keys(run.outputs ?? {}).sort();

  test("a condition that does not hold takes break_path, and the others are dead", () => {
    const run = new RunDriver(document({ condition: "output.n < 1", break_path: "broke", timeout_path: ["ran_out"] }));
    expect(completed(run)).toEqual(["broke"]);
    expect(run.status("ran_out")).toBe("skipped");
    expect(run.status("plain")).toBe("skipped");
  });

  test("all passes done take timeout_path", () => {
    const run = new RunDriver(document({ condition: "true", break_path: ["broke"], timeout_path: ["ran_out"] }));
    expect(completed(run)).toEqual(["ran_out"]);
  });

  test("a path that is not given is the plain edges", () => {
    expect(completed(new RunDriver(document({ condition: "false", timeout_path: "ran_out" })))).toContain("plain");
    expect(completed(new RunDriver(document({ break_path: "broke" })))).toContain("plain");
  });

  test("an edge that says the same as the config is one with it", () => {
    const run = new RunDriver(
      document({ condition: "false", break_path: "broke" }, [edge("again", "broke"), edge("again", "step")]),
    );
    expect(completed(run)).toEqual(["broke", "ran_out"]);
  });

  test("plain edges of a loop may carry conditions on what it gives", () => {
    const run = new RunDriver({
      nodes: [node("step"), loop("again", { loop_back_to: "step" }), node("even"), node("odd")],
      edges: [
        edge("step", "again"),
        edge("again", "even", { condition: "output.loop.iteration % 2 == 0" }),
        edge("again", "odd"),
      ],
    });
    expect(completed(run)).toEqual(["even"]);
  });
});

describe("loops: bodies", () => {
  test("a join inside a loop runs once for each iteration", () => {
    const run = new RunDriver({
      nodes: [node("fork"), node("a"), node("b"), node("join"), loop("again", { loop_back_to: "fork" })],
      edges: [edge("fork", "a"), edge("fork", "b"), edge("a", "join"), edge("b", "join"), edge("join", "again")],
    });
    expect(run.events.filter((event) => event.type === "node.completed" && event.node === "join")).toHaveLength(3);
    expect(run.state.status).toBe("completed");
  });

  test("a branch inside a loop: each pass takes its own way, and the join never hangs", () => {
    const run = new RunDriver({
      nodes: [
        node("start"),
        node("which", { type: "conditional", config: { condition: "iteration % 2 == 0" } }),
        node("even"),
        node("odd"),
        node("join"),
        loop("again", { loop_back_to: "which", max_iterations: 4 }),
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
    expect(run.state.status).toBe("completed");
    expect([visits(run, "even"), visits(run, "odd"), visits(run, "join")]).toEqual([2, 2, 4]);
    const skipped = run.events.filter((event) => event.type === "node.skipped").map((event) => event.node);
    expect(skipped).toEqual(["odd", "even", "odd", "even"]);
  });

  test("loops nest: the inner one begins anew in each pass of the outer one", () => {
    const run = new RunDriver({
      nodes: [
        node("outer_head"),
        transform("work", "{'i': iteration}"),
        loop("inner", { loop_back_to: "work", max_iterations: 3 }),
        node("between"),
        loop("outer", { loop_back_to: "outer_head", max_iterations: 2 }),
      ],
      edges: [edge("outer_head", "work"), edge("work", "inner"), edge("inner", "between"), edge("between", "outer")],
    });
    expect(run.state.status).toBe("completed");
    expect([visits(run, "work"), visits(run, "inner"), visits(run, "between"), visits(run, "outer")]).toEqual([
      6, 6, 2, 2,
    ]);
    const passes = run.events.filter((event) => event.type === "node.completed" && event.node === "work");
    expect(passes.map((event) => ("iteration" in event ? event.iteration : null))).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test("two loops may share a head", () => {
    const run = new RunDriver({
      nodes: [
        node("head"),
        loop("inner", { loop_back_to: "head", max_iterations: 2 }),
        loop("outer", { loop_back_to: "head", max_iterations: 3 }),
      ],
      edges: [edge("head", "inner"), edge("inner", "outer")],
    });
    expect(run.state.status).toBe("completed");
    expect(visits(run, "head")).toBe(6);
  });

  test("a next pass cancels what its body still does", () => {
    const run = new RunDriver({
      nodes: [
        node("fork"),
        http("slow"),
        node("quick"),
        loop("again", { loop_back_to: "fork", max_iterations: 2 }),
      ].map((each) => (each.id === "again" ? { ...each, join: "any" } : each)),
      edges: [edge("fork", "slow"), edge("fork", "quick"), edge("slow", "again"), edge("quick", "again")],
    });
    const slow = run.events.filter((event) => "node" in event && event.node === "slow").map((event) => event.type);
    expect(slow).toEqual(["node.queued", "node.cancelled", "node.queued"]);
    expect(run.tasks.map((task) => task.visit)).toEqual([1, 2]);
  });

  test("edges from outside the body keep their resolution", () => {
    const run = new RunDriver({
      nodes: [node("start"), http("late"), node("head"), node("tail"), loop("again", { loop_back_to: "head" })],
      edges: [
        edge("start", "head"),
        edge("start", "late"),
        edge("head", "tail"),
        edge("late", "tail"),
        edge("tail", "again"),
      ],
    });
    expect(run.status("tail")).toBe("pending");
    run.answer("late", "here");
    expect(run.state.status).toBe("completed");
    expect(visits(run, "tail")).toBe(3);
    expect(visits(run, "late")).toBe(1);
  });

  test("a node of the body reads what others gave in the pass before, and null in the first", () => {
    const run = new RunDriver({
      nodes: [
        { id: "head", type: "function", config: { function_name: "identity", params: { before: "$nodes.tail" } } },
        transform("tail", "{'n': iteration}"),
        loop("again", { loop_back_to: "head", max_iterations: 2 }),
      ],
      edges: [edge("head", "tail"), edge("tail", "again")],
    });
    const outputs = run.events.flatMap((event) =>
      event.type === "node.completed" && event.node === "head" && "value" in event.output ? [event.output.value] : [],
    );
    expect(outputs).toEqual([{ before: null }, { before: { n: 0 } }]);
  });
});

describe("loops: failure edges that leave a body", () => {
  const document = {
    nodes: [
      node("head"),
      http("call"),
      loop("again", { loop_back_to: "head", max_iterations: 2 }),
      node("rescue"),
      node("after"),
    ],
    edges: [
      edge("head", "call"),
      edge("call", "again"),
      edge("call", "rescue", { on: "failure" }),
      edge("again", "after"),
    ],
  };
  const bad = { ok: false as const, error: { code: "network" as const, message: "gone", retryable: false } };

  test("are not dead before the loop has ended: a later pass may take them", () => {
    const run = new RunDriver(document);
    run.answer("call", 1);
    expect(run.status("rescue")).toBe("pending");
    run.answer("call", bad);
    expect(run.state.status).toBe("completed");
    expect(run.status("rescue")).toBe("completed");
    expect(run.status("again")).toBe("skipped");
    expect(run.status("after")).toBe("skipped");
  });

  test("are dead once it has: what only they lead to is skipped", () => {
    const run = new RunDriver(document);
    run.answer("call", 1);
    run.answer("call", 2);
    expect(run.status("rescue")).toBe("skipped");
    expect(run.status("after")).toBe("completed");
    expect(run.state.status).toBe("completed");
  });
});
