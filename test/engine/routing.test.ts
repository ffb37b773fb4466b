/** Routing rules 1, 2, 4, 6, 7 and 8 on small graphs. Retries and deadlines: `tasks.test.ts`. */
import { describe, expect, test } from "vitest";
import { VISITS_PER_TRANSITION } from "#engine/limits.ts";
import { RunDriver } from "../support/run-driver.ts";

const pass = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const value = (id: string, expression: string, more: object = {}) => ({
  id,
  type: "transform",
  config: { expression },
  ...more,
});
const http = (id: string, more: object = {}) => ({
  id,
  type: "http",
  config: { url: "https://api.example.com/" },
  retry: { max_attempts: 1 },
  ...more,
});
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const failure = { ok: false as const, error: { code: "http_status" as const, message: "503" } };

describe("routing: success edges (rule 2)", () => {
  test("without conditions every edge is taken", () => {
    const run = new RunDriver({
      nodes: [value("a", "1"), value("b", "2"), value("c", "3")],
      edges: [edge("a", "b"), edge("a", "c")],
    });
    expect(run.view.status).toBe("completed");
    expect(run.outputs).toEqual({ b: 2, c: 3 });
  });

  test("the first condition that holds takes every edge with the same condition, and no other", () => {
    const run = new RunDriver(
      {
        nodes: [value("a", "inputs.n"), ...["b", "c", "d", "e"].map((id) => value(id, "output"))],
        edges: [
          edge("a", "b", { condition: "output > 10.0" }),
          edge("a", "c", { condition: "output > 5.0" }),
          edge("a", "d", { condition: "output > 5.0" }),
          edge("a", "e"),
        ],
      },
      { n: 7 },
    );
    expect(run.outputs).toEqual({ c: 7, d: 7 });
    expect(run.status("b")).toBe("skipped");
    expect(run.status("e")).toBe("skipped");
  });

  test("if none holds, the edges without condition are the default", () => {
    const run = new RunDriver(
      {
        nodes: [value("a", "inputs.n"), value("b", "1"), value("c", "2")],
        edges: [edge("a", "b", { condition: "output > 10.0" }), edge("a", "c")],
      },
      { n: 7 },
    );
    expect(run.outputs).toEqual({ c: 2 });
  });

  test("parallel is inclusive: every edge that holds or has no condition", () => {
    const run = new RunDriver(
      {
        nodes: [pass("a"), value("b", "1"), value("c", "2"), value("d", "3")],
        edges: [
          edge("a", "b", { condition: "output.n > 1.0" }),
          edge("a", "c", { condition: "output.n > 100.0" }),
          edge("a", "d"),
        ],
      },
      { n: 7 },
    );
    expect(run.outputs).toEqual({ b: 1, d: 3 });
  });

  test.each([
    [true, { yes: 1 }],
    [false, { no: 2 }],
  ])("a conditional with a condition takes its if or its else edges (%s)", (flag, outputs) => {
    const run = new RunDriver(
      {
        nodes: [
          { id: "choose", type: "conditional", config: { condition: "output.flag" } },
          value("yes", "1"),
          value("no", "2"),
        ],
        edges: [edge("choose", "yes", { branch: "if" }), edge("choose", "no", { branch: "else" })],
      },
      { flag },
    );
    expect(run.outputs).toEqual(outputs);
  });

  test("a missing field makes a condition false and leaves a warning", () => {
    const run = new RunDriver({
      nodes: [value("a", "{'x': 1}"), value("b", "1"), value("c", "2")],
      edges: [edge("a", "b", { condition: "output.absent.deep == 1.0" }), edge("a", "c")],
    });
    expect(run.outputs).toEqual({ c: 2 });
    expect(run.events.filter((event) => event.type === "warning")).toMatchObject([
      { code: "missing_field", node: "a" },
    ]);
  });

  test("any other error in a condition fails the node", () => {
    const run = new RunDriver({
      nodes: [value("a", "'text'"), value("b", "1")],
      edges: [edge("a", "b", { condition: "output > 1.0" })],
    });
    expect(run.view).toMatchObject({ status: "failed", error: { code: "expression_failed", node: "a" } });
    expect(run.status("b")).toBe("pending");
  });
});

describe("routing: failure (rules 1 and 6)", () => {
  test("a failure edge carries the error object and the run does not fail", () => {
    const run = new RunDriver({
      nodes: [http("a"), value("ok", "1"), value("rescue", "output.code")],
      edges: [edge("a", "ok"), edge("a", "rescue", { on: "failure" })],
    });
    run.answer("a", failure);
    expect(run.view.status).toBe("completed");
    expect(run.outputs).toEqual({ rescue: "http_status" });
    expect(run.status("ok")).toBe("skipped");
  });

  test("failure edges are dead on success, and a node with nothing but those is terminal", () => {
    const run = new RunDriver({
      nodes: [http("a"), value("rescue", "1")],
      edges: [edge("a", "rescue", { on: "failure" })],
    });
    run.answer("a", { body: "fine" });
    expect(run.status("rescue")).toBe("skipped");
    expect(run.outputs).toEqual({ a: { body: "fine" } });
  });

  test("a failure that no failure edge takes fails the run", () => {
    const run = new RunDriver({
      nodes: [http("a"), value("rescue", "1")],
      edges: [edge("a", "rescue", { on: "failure", condition: "output.code == 'timeout'" })],
    });
    run.answer("a", failure);
    expect(run.view).toMatchObject({ status: "failed", error: { code: "http_status", message: "503", node: "a" } });
  });

  test("on_error continue gives the error object as output along the plain edges", () => {
    const run = new RunDriver({
      nodes: [http("a", { on_error: "continue" }), value("b", "output.message")],
      edges: [edge("a", "b")],
    });
    run.answer("a", failure);
    expect(run.outputs).toEqual({ b: "503" });
  });

  test("on_error continue also covers a condition that cannot be evaluated", () => {
    const run = new RunDriver({
      nodes: [value("a", "'text'", { on_error: "continue" }), value("b", "output.code")],
      edges: [edge("a", "b", { condition: "type(output) == type({}) || output > 1.0" })],
    });
    expect(run.outputs).toEqual({ b: "expression_failed" });
  });

  test("after an unhandled failure nothing starts, what waits is cancelled, what runs may end, then the run fails", () => {
    const run = new RunDriver({
      nodes: [pass("start"), http("bad"), http("slow"), http("queued"), value("after", "1")],
      edges: [edge("start", "bad"), edge("start", "slow"), edge("start", "queued"), edge("slow", "after")],
    });
    const slow = run.tasks.find((task) => task.path === "slow");
    if (slow === undefined) throw new Error("slow was not dispatched");
    run.give({ type: "task_started", start: { ...slow, worker: "http-worker" } });
    run.answer("bad", failure);
    expect(run.status("queued")).toBe("cancelled");
    expect(run.status("slow")).toBe("running");
    expect(run.view.status).toBe("running");
    run.answer("slow", "done");
    expect(run.status("slow")).toBe("completed");
    expect(run.status("after")).toBe("pending");
    expect(run.view.status).toBe("failed");
    expect(run.events.filter((event) => event.type.startsWith("run.")).map((event) => event.type)).toEqual([
      "run.queued",
      "run.started",
      "run.failed",
    ]);
  });
});

describe("routing: joins and dead paths (rule 4)", () => {
  const diamond = (join: "all" | "any") => ({
    nodes: [pass("s"), http("a"), http("b"), value("j", "output", { join })],
    edges: [edge("s", "a"), edge("s", "b"), edge("a", "j"), edge("b", "j")],
  });

  test.each([
    ["a", "b"],
    ["b", "a"],
  ])("all: starts once, when both have come (%s first)", (first, second) => {
    const run = new RunDriver(diamond("all"));
    run.answer(first, first);
    expect(run.status("j")).toBe("pending");
    run.answer(second, second);
    expect(run.outputs).toEqual({ j: { a: "a", b: "b" } });
    expect(run.types("j")).toEqual(["node.started", "node.completed"]);
  });

  test("any: starts on the first with its bare output, and ignores the later one", () => {
    const run = new RunDriver({
      ...diamond("any"),
      nodes: [pass("s"), http("a"), http("b"), value("j", "[output, run.via]", { join: "any" })],
    });
    run.answer("b", "second");
    expect(run.status("j")).toBe("completed");
    expect(run.view.status).toBe("running");
    run.answer("a", "first");
    expect(run.outputs).toEqual({ j: ["second", "b"] });
    expect(run.types("j")).toEqual(["node.started", "node.completed"]);
  });

  test("a join after a branch does not hang and gets only what was taken", () => {
    const run = new RunDriver(
      {
        nodes: [
          { id: "c", type: "conditional", config: { condition: "output.flag" } },
          value("yes", "1"),
          value("no", "2"),
          value("no2", "3"),
          value("j", "output"),
        ],
        edges: [
          edge("c", "yes", { branch: "if" }),
          edge("c", "no", { branch: "else" }),
          edge("no", "no2"),
          edge("yes", "j"),
          edge("no2", "j"),
        ],
      },
      { flag: true },
    );
    expect(run.outputs).toEqual({ j: { yes: 1 } });
    expect(run.view.node_counts).toMatchObject({ completed: 3, skipped: 2 });
  });

  test("a node whose incoming edges are all dead is skipped, and so is all that only it leads to", () => {
    const run = new RunDriver({
      nodes: [value("a", "false"), value("b", "1"), value("c", "2"), value("d", "3")],
      edges: [edge("a", "b", { condition: "output" }), edge("b", "c"), edge("c", "d")],
    });
    expect(["b", "c", "d"].map((id) => run.status(id))).toEqual(["skipped", "skipped", "skipped"]);
    expect(run.view.status).toBe("completed");
    expect(run.outputs).toEqual({});
  });
});

describe("routing: long transitions (rule 8)", () => {
  test.each([VISITS_PER_TRANSITION - 1, VISITS_PER_TRANSITION, VISITS_PER_TRANSITION + 1, 999])(
    "a chain of %i nodes ends, however often its transition is cut",
    (length) => {
      const nodes = Array.from({ length }, (_, index) => value(`n${index}`, index === 0 ? "0" : "output + 1"));
      const edges = Array.from({ length: length - 1 }, (_, index) => edge(`n${index}`, `n${index + 1}`));
      const run = new RunDriver({ nodes, edges });
      expect(run.outputs).toEqual({ [`n${length - 1}`]: length - 1 });
      expect(run.events.filter((event) => event.type === "node.started")).toHaveLength(length);
    },
  );
});

describe("routing: bounds of a transition", () => {
  const wide = (count: number) => ({
    nodes: [http("call"), ...Array.from({ length: count }, (_, index) => value(`n${index}`, "1"))],
  });

  test("an input between a cut and its continuation does not end the run early", () => {
    const run = new RunDriver(wide(VISITS_PER_TRANSITION + 50), {}, { holdCut: true });
    expect(run.view.node_counts.pending).toBe(51);
    run.holdCut = false;
    run.answer("call", "done");
    expect(run.view.status).toBe("completed");
    expect(run.view.node_counts.completed).toBe(VISITS_PER_TRANSITION + 51);
  });

  test("nor does a cancel or a failure leave anything running", () => {
    const cancelled = new RunDriver(wide(VISITS_PER_TRANSITION + 50), {}, { holdCut: true });
    cancelled.give({ type: "cancel" });
    expect(cancelled.give({ type: "continue" })).toBe("too_late");
    const failed = new RunDriver(wide(VISITS_PER_TRANSITION + 50), {}, { holdCut: true });
    failed.answer("call", failure);
    expect(failed.view.status).toBe("failed");
    expect(failed.view.node_counts.pending).toBe(51);
  });

  test("a large value that is passed through a hundred nodes is stored once", () => {
    const ids = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const run = new RunDriver({
      nodes: [http("call"), ...ids.map((id) => pass(id))],
      edges: ["call", ...ids.slice(0, -1)].map((from, index) => edge(from, ids[index] ?? "")),
    });
    const large = "x".repeat(1_000_000);
    run.answer("call", large);
    expect(run.outputs).toEqual({ p99: large });
    expect(run.storedBytes).toBe(large.length + 2);
  });

  test("a transition is cut by the text it adds to the log, well below a row's two megabytes", () => {
    const ids = Array.from({ length: 250 }, (_, index) => `t${index}`);
    const run = new RunDriver(
      {
        nodes: ids.map((id, index) => value(id, index === 0 ? "inputs.text" : "output")),
        edges: ids.slice(1).map((id, index) => edge(ids[index] ?? "", id)),
      },
      { text: "x".repeat(4_000) },
    );
    expect(run.view.status).toBe("completed");
    expect(run.logUnitsMax).toBeLessThan(600_000);
    expect(run.logUnitsMax).toBeGreaterThan(400_000);
  });

  test("a filter whose items together take too much work fails its node", () => {
    const list = Array.from({ length: 250 }, (_, index) => index);
    const condition = "inputs.l.exists(a, inputs.l.exists(b, a + b == item))";
    const run = new RunDriver(
      { nodes: [{ id: "f", type: "filter", config: { condition, from: "$inputs.items" } }] },
      { l: list, items: Array.from({ length: 2_000 }, () => -1) },
    );
    expect(run.view).toMatchObject({ status: "failed", error: { code: "expression_limit", node: "f" } });
  });

  test("a filter over the most items there may be, with a plain condition, is no problem", () => {
    const items = Array.from({ length: 10_000 }, (_, index) => ({ n: index }));
    const run = new RunDriver(
      {
        nodes: [
          { id: "f", type: "filter", config: { condition: "item.n % 2 == 0 && index > 1", from: "$inputs.items" } },
        ],
      },
      { items },
    );
    expect(run.outputs?.f).toHaveLength(4_999);
  });
});

describe("routing: unavailable node types", () => {
  test("a node type that is coming soon is skipped with a warning and the run goes on", () => {
    const run = new RunDriver({
      nodes: [{ id: "find", type: "file-search", config: { query: "x" } }, value("b", "output == null")],
      edges: [edge("find", "b")],
    });
    expect(run.status("find")).toBe("skipped");
    expect(run.outputs).toEqual({ b: true });
    expect(run.events).toContainEqual(expect.objectContaining({ type: "warning", code: "node_type_unavailable" }));
  });

  test("if an edge's condition cannot be evaluated the node fails, and is not skipped first", () => {
    const run = new RunDriver({
      nodes: [{ id: "find", type: "file-search", config: {} }, value("b", "1")],
      edges: [edge("find", "b", { condition: "output > 1.0" })],
    });
    expect(run.view).toMatchObject({ status: "failed", error: { node: "find", code: "expression_failed" } });
    expect(run.types("find")).not.toContain("node.skipped");
  });
});
