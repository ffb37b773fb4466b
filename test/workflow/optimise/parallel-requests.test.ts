/** Requests that wait for one another without need: put side by side, and left alone where something depends on it. */
import { describe, expect, test } from "vitest";
import { PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "#workflow/optimise/limits.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import {
  answering,
  chain,
  definitionOf,
  edge,
  expectSameRuns,
  get,
  pass,
  patchedBy,
  post,
  suggestionsOf,
  value,
  type Workflow,
} from "./versions.ts";

const both = value("end", "[nodes.a.body.path, nodes.b.body.path]");
const NOTE =
  "Should one of them fail, the others may have been asked already, and the run names the one that failed first.";

/** Nodes that must have ended before another starts, whatever the order of answers: the levels of the graph. */
function levelsOf({ nodes, edges }: { nodes: { id: string }[]; edges: { from: string; to: string }[] }): string[][] {
  const level = new Map<string, number>();
  const levelOf = (id: string): number => {
    const known = level.get(id);
    if (known !== undefined) return known;
    const own = Math.max(0, ...edges.filter(({ to }) => to === id).map(({ from }) => levelOf(from) + 1));
    level.set(id, own);
    return own;
  };
  const levels: string[][] = [];
  for (const { id } of nodes) levels[levelOf(id)] = [...(levels[levelOf(id)] ?? []), id];
  return levels;
}

describe("requests side by side", () => {
  test("what follows waits for each where its input does not matter", () => {
    const workflow = { nodes: [get("a"), get("b"), both], edges: chain("a", "b", "end") };
    expect(suggestionsOf(workflow, "parallel_requests")).toEqual([
      {
        kind: "parallel_requests",
        message: '"a" and "b" only read and need nothing of each other, so they can run side by side',
        nodes: ["a", "b"],
        patch: [
          { op: "test", path: "/edges/0", value: edge("a", "b") },
          { op: "replace", path: "/edges/0", value: edge("a", "end") },
        ],
        note: NOTE,
        saves: { path_weight: 100 },
      },
    ]);
  });

  test("else a node passes the last answer on, so that the input keeps its shape", () => {
    const workflow = { nodes: [get("a"), get("b"), value("end", "output.body.path")], edges: chain("a", "b", "end") };
    const [suggestion] = suggestionsOf(workflow, "parallel_requests");
    expect(suggestion?.patch).toEqual([
      { op: "add", path: "/nodes/-", value: value("b_joined", "nodes.b") },
      { op: "test", path: "/edges/1", value: edge("b", "end") },
      { op: "replace", path: "/edges/1", value: edge("b_joined", "end") },
      { op: "test", path: "/edges/0", value: edge("a", "b") },
      { op: "replace", path: "/edges/0", value: edge("a", "b_joined") },
      { op: "add", path: "/edges/-", value: edge("b", "b_joined") },
    ]);
  });

  test.each<[string, Workflow, string[][]]>([
    [
      "two before a node that reads both by name",
      { nodes: [get("a"), get("b"), both], edges: chain("a", "b", "end") },
      [["a", "b"], ["end"]],
    ],
    [
      "four in a row",
      { nodes: [...["a", "b", "c", "d"].map((id) => get(id)), both], edges: chain("a", "b", "c", "d", "end") },
      [["a", "b", "c", "d"], ["end"]],
    ],
    [
      "HEAD beside GET",
      { nodes: [get("a", { method: "HEAD" }), get("b", { method: "GET" }), both], edges: chain("a", "b", "end") },
      [["a", "b"], ["end"]],
    ],
    [
      "before a request that writes",
      { nodes: [get("a"), get("b"), post("end", { payload: "$nodes.a.body.path" })], edges: chain("a", "b", "end") },
      [["a", "b"], ["end"]],
    ],
    [
      "up to the last, which ends the workflow",
      { nodes: [get("a"), get("b"), get("end")], edges: chain("a", "b", "end") },
      [["a", "b"], ["end"]],
    ],
    [
      "each with what is computed of its answer",
      {
        nodes: [
          get("a"),
          value("of_a", "output.body.number"),
          get("b"),
          value("of_b", "output.body.number"),
          value("end", "nodes.of_a + nodes.of_b"),
        ],
        edges: chain("a", "of_a", "b", "of_b", "end"),
      },
      [["a", "b"], ["of_a", "of_b"], ["end"]],
    ],
    [
      "the end reads its input, which is a computed value",
      {
        nodes: [get("a"), get("b"), value("of_b", "output.body.number"), value("end", "[output, nodes.a.body.number]")],
        edges: chain("a", "b", "of_b", "end"),
      },
      [["a", "b"], ["b_joined"], ["of_b"], ["end"]],
    ],
    [
      "behind a condition, which both get",
      {
        nodes: [
          { id: "if", type: "conditional", config: { condition: "inputs.n > 1.0" } },
          get("a"),
          get("b"),
          both,
          value("other", "0"),
        ],
        edges: [edge("if", "a", { branch: "if" }), edge("if", "other", { branch: "else" }), ...chain("a", "b", "end")],
      },
      [["if"], ["a", "b", "other"], ["end"]],
    ],
    [
      "behind the first condition that holds",
      {
        nodes: [value("s", "inputs.n"), get("a"), get("b"), both, value("other", "0")],
        edges: [edge("s", "a", { condition: "output > 1.0" }), edge("s", "other"), ...chain("a", "b", "end")],
      },
      [["s"], ["a", "b", "other"], ["end"]],
    ],
    [
      "behind a failure",
      {
        nodes: [post("missing"), get("a"), get("b"), both, value("fine", "1")],
        edges: [edge("missing", "a", { on: "failure" }), edge("missing", "fine"), ...chain("a", "b", "end")],
      },
      [["missing"], ["a", "b", "fine"], ["end"]],
    ],
    [
      "behind a join",
      {
        nodes: [get("p"), get("q"), get("a"), get("b"), both],
        edges: [edge("p", "a"), edge("q", "a"), ...chain("a", "b", "end")],
      },
      [["p", "q"], ["a", "b"], ["end"]],
    ],
    [
      "with several nodes that wait for the last",
      { nodes: [get("a"), get("b"), both, post("more")], edges: [...chain("a", "b", "end"), edge("b", "more")] },
      [
        ["a", "b"],
        ["end", "more"],
      ],
    ],
    [
      "the dependent one starts a group of its own",
      {
        nodes: [
          get("a"),
          get("b", { query: { q: "$nodes.a.body.path" } }),
          get("c"),
          value("end", "nodes.c.body.path"),
        ],
        edges: chain("a", "b", "c", "end"),
      },
      [["a"], ["b", "c"], ["end"]],
    ],
    [
      "two that go on when they fail",
      {
        nodes: [
          get("a", {}, { on_error: "continue" }),
          get("b", {}, { on_error: "continue" }),
          value("end", "[nodes.a, nodes.b]"),
        ],
        edges: chain("a", "b", "end"),
      },
      [["a", "b"], ["end"]],
    ],
    [
      "read behind an any join whose other way is never taken",
      {
        nodes: [
          pass("s"),
          get("a"),
          get("b"),
          both,
          value("x", "1"),
          pass("j", { join: "any" }),
          value("late", "nodes.a.body.path"),
        ],
        edges: [...chain("s", "a", "b", "end", "j", "late"), edge("s", "x", { condition: "false" }), edge("x", "j")],
      },
      [["s"], ["a", "b", "x"], ["end"], ["j"], ["late"]],
    ],
    [
      "under names that CEL would read otherwise",
      { nodes: [get("a"), get("in"), value("end", "output.body.path")], edges: chain("a", "in", "end") },
      [["a", "in"], ["in_joined"], ["end"]],
    ],
    [
      "with a name for the joining node that is free",
      { nodes: [get("a"), get("b"), value("b_joined", "output.body.path")], edges: chain("a", "b", "b_joined") },
      [["a", "b"], ["b_joined_2"], ["b_joined"]],
    ],
  ])("%s", (_, workflow, levels) => {
    const [suggestion] = suggestionsOf(workflow, "parallel_requests");
    if (suggestion === undefined) throw new Error("nothing was suggested");
    expect(levelsOf(patchedBy(workflow, suggestion))).toEqual(levels);
    for (const inputs of [{ n: 0 }, { n: 2 }]) {
      for (const failing of ["none", "missing", "a", "b", "p"]) {
        expectSameRuns(workflow, suggestion, inputs, answering({ [failing]: 404 }));
      }
    }
  });

  test("a chain longer than one patch may tell is cut into several, each as long as it may be", () => {
    const ids = Array.from({ length: 119 }, (_, index) => `r${index}`);
    const workflow = { nodes: [...ids.map((id) => get(id)), value("end", "1")], edges: chain(...ids, "end") };
    const found = suggestionsOf(workflow, "parallel_requests");
    expect(found.map(({ patch }) => patch.length)).toEqual([PATCH_OPERATIONS_MAX, 99, 99]);
    expect(found.flatMap(({ nodes }) => nodes)).toEqual(ids);
    for (const suggestion of found) patchedBy(workflow, suggestion);
  });

  test("groups of one answer are bounded", () => {
    const of = (count: number) => {
      const indexes = Array.from({ length: count }, (_, index) => index);
      return {
        nodes: indexes.flatMap((index) => [get(`a${index}`), get(`b${index}`), value(`e${index}`, "1")]),
        edges: indexes.flatMap((index) => chain(`a${index}`, `b${index}`, `e${index}`)),
      };
    };
    expect(suggestionsOf(of(SUGGESTIONS_PER_KIND_MAX), "parallel_requests")).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
    expect(suggestionsOf(of(SUGGESTIONS_PER_KIND_MAX + 1), "parallel_requests")).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
  });
});

describe("requests stay in a row", () => {
  const agent = (id: string, tools?: string[]) => ({
    id,
    type: "agent",
    config: { task: "Look into it", ...(tools === undefined ? {} : { tools }) },
  });
  const row = (...nodes: { id: string; type: string; config?: object }[]) => ({
    nodes,
    edges: chain(...nodes.map(({ id }) => id)),
  });
  test.each<[string, object]>([
    ["a request that writes comes first", row(post("a"), get("b"), both)],
    ["a request that writes comes second", row(get("a"), post("b"), both)],
    ["the second reads the first's answer", row(get("a"), get("b", { query: { q: "$nodes.a.body.path" } }), both)],
    [
      "the second reads it in a text",
      row(get("a"), get("b", { url: "https://x.example.com/$" + "{$ctx.a.body.path}" }), both),
    ],
    ["the second asks how it was reached", row(get("a"), get("b", { headers: { via: "$" + "{$run.via}" } }), both)],
    ["what follows asks how it was reached", row(get("a"), get("b"), value("end", "run.via"))],
    [
      "a condition on what follows asks that",
      {
        nodes: [get("a"), get("b"), both, value("f", "1")],
        edges: [...chain("a", "b", "end"), edge("end", "f", { condition: "run.via == 'b'" })],
      },
    ],
    [
      "a condition lies between them",
      {
        nodes: [get("a"), get("b"), both],
        edges: [edge("a", "b", { condition: "output.body.number > 0.0" }), edge("b", "end")],
      },
    ],
    [
      "a condition lies behind them",
      {
        nodes: [get("a"), get("b"), both],
        edges: [edge("a", "b"), edge("b", "end", { condition: "output.body.number > 0.0" })],
      },
    ],
    [
      "the second is for the first's failure",
      {
        nodes: [get("a"), get("b"), value("ok", "1"), both],
        edges: [edge("a", "b", { on: "failure" }), edge("a", "ok"), edge("b", "end")],
      },
    ],
    [
      "the first's failure leads elsewhere",
      {
        nodes: [get("a"), get("b"), both, value("f", "1")],
        edges: [...chain("a", "b", "end"), edge("a", "f", { on: "failure" })],
      },
    ],
    [
      "the second's failure leads elsewhere",
      {
        nodes: [get("a"), get("b"), both, value("f", "1")],
        edges: [...chain("a", "b", "end"), edge("b", "f", { on: "failure" })],
      },
    ],
    [
      "the first leads elsewhere too",
      { nodes: [get("a"), get("b"), both, value("more", "1")], edges: [...chain("a", "b", "end"), edge("a", "more")] },
    ],
    [
      "the second waits for something else too",
      { nodes: [get("a"), post("p"), get("b"), both], edges: [...chain("a", "b", "end"), edge("p", "b")] },
    ],
    ["the second ends the workflow", row(get("a"), get("b"))],
    [
      "the time is taken between them",
      row(get("a"), { id: "t", type: "function", config: { function_name: "now" } }, get("b"), both),
    ],
    [
      "a pause lies between them",
      row(get("a"), { id: "p", type: "delay", config: { duration_ms: 5 } }, get("b"), both),
    ],
    [
      "somebody must approve between them",
      row(get("a"), { id: "p", type: "hitl", config: { message: "Go on?" } }, get("b"), both),
    ],
    [
      "what follows goes on with the first that arrives",
      {
        nodes: [get("a"), get("b"), get("c"), pass("end", { join: "any" })],
        edges: [...chain("a", "b", "end"), edge("c", "end")],
      },
    ],
    [
      "what follows is a join that looks at its input",
      { nodes: [get("a"), get("b"), get("c"), pass("end")], edges: [...chain("a", "b", "end"), edge("c", "end")] },
    ],
    [
      "a reader beside an any join could meet the second answer without the first",
      {
        nodes: [
          get("s"),
          get("a"),
          get("b"),
          pass("end"),
          get("c"),
          { id: "any", type: "parallel", join: "any" },
          value("early", "[nodes.a == null, nodes.b == null]"),
        ],
        edges: [...chain("s", "a", "b", "end", "any", "early"), ...chain("s", "c", "any")],
      },
    ],
    ["an expression reads all nodes", row(get("a"), get("b"), value("end", "size(nodes)"))],
    [
      "they are in a loop",
      {
        nodes: [
          get("a"),
          get("b"),
          value("c", "1"),
          { id: "l", type: "loop", config: { max_iterations: 3, loop_back_to: "a" } },
        ],
        edges: chain("a", "b", "c", "l"),
      },
    ],
    [
      "a loop leads to them",
      {
        nodes: [
          pass("h"),
          { id: "l", type: "loop", config: { max_iterations: 3, loop_back_to: "h" } },
          get("a"),
          get("b"),
          both,
        ],
        edges: chain("h", "l", "a", "b", "end"),
      },
    ],
    [
      "the first starts with whatever arrives first",
      {
        nodes: [get("p"), get("q"), get("a", {}, { join: "any" }), get("b"), both],
        edges: [edge("p", "a"), edge("q", "a"), ...chain("a", "b", "end")],
      },
    ],
    [
      "a loop follows",
      {
        nodes: [
          get("a"),
          get("b"),
          post("h"),
          { id: "l", type: "loop", config: { max_iterations: 2, loop_back_to: "h" } },
        ],
        edges: chain("a", "b", "h", "l"),
      },
    ],
    ["an agent stands before them that may lead to work of its own", row(agent("s"), get("a"), get("b"), both)],
    [
      "one that works on items does",
      row(
        { id: "s", type: "map", config: { items: [1], node: { type: "agent", config: { task: "Look" } } } },
        get("a"),
        get("b"),
        both,
      ),
    ],
    [
      "they are never reached",
      {
        nodes: [pass("s"), get("a"), get("b"), both, value("o", "1")],
        edges: [edge("s", "a", { condition: "false" }), ...chain("a", "b", "end"), edge("s", "o")],
      },
    ],
  ])("%s", (_, workflow) => {
    expect(suggestionsOf(workflow, "parallel_requests")).toEqual([]);
  });

  test("behind an agent that changes nothing they do not, nor before one that does", () => {
    for (const tools of [[], ["search_tools"]]) {
      expect(suggestionsOf(row(agent("s", tools), get("a"), get("b"), both), "parallel_requests")).toHaveLength(1);
    }
    for (const tools of [undefined, [], ["patch_workflow"]]) {
      expect(suggestionsOf(row(get("a"), get("b"), agent("end", tools)), "parallel_requests")).toHaveLength(1);
    }
  });

  test("a second answer that only one of two branches waits for", () => {
    const workflow = {
      nodes: [get("a"), get("b"), value("end", "1"), get("c")],
      edges: [...chain("a", "b", "end"), edge("a", "c")],
    };
    expect(optimise(definitionOf(workflow)).suggestions).toEqual([]);
  });
});

describe("the longest chain", () => {
  test("is named when a suggestion shortens it, with that suggestion's patch", () => {
    const workflow = { nodes: [value("s", "1"), get("a"), get("b"), both], edges: chain("s", "a", "b", "end") };
    const [parallel] = suggestionsOf(workflow, "parallel_requests");
    expect(suggestionsOf(workflow, "critical_path")).toEqual([
      {
        ...parallel,
        kind: "critical_path",
        message:
          'the longest chain is "s", "a", "b" and "end": "a" and "b" only read and need nothing of each other, so they can run side by side, which shortens it from 202 to 102',
        nodes: ["s", "a", "b", "end"],
        saves: { path_weight: 100 },
      },
    ]);
  });

  test("of several it offers the one that shortens it most", () => {
    const workflow = {
      nodes: [get("a"), get("b"), post("p"), get("c"), get("d"), get("e"), value("end", "1")],
      edges: chain("a", "b", "p", "c", "d", "e", "end"),
    };
    const [found] = suggestionsOf(workflow, "critical_path");
    expect(found?.saves).toEqual({ path_weight: 200 });
    expect(found?.patch).toEqual(suggestionsOf(workflow, "parallel_requests")[1]?.patch);
  });

  test("is not named when the requests are not on it", () => {
    const workflow = {
      nodes: [get("a"), get("b"), value("end", "1"), post("p"), post("q"), post("r")],
      edges: [...chain("a", "b", "end"), ...chain("p", "q", "r")],
    };
    expect(suggestionsOf(workflow, "parallel_requests")).toHaveLength(1);
    expect(suggestionsOf(workflow, "critical_path")).toEqual([]);
  });
});
