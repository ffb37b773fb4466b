/** Work that is done twice: merged where one result serves both, and left alone where the two could differ. */
import { describe, expect, test } from "vitest";
import { SUGGESTIONS_PER_KIND_MAX } from "#workflow/optimise/limits.ts";
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

const twin = (id: string, more: object = {}) => get(id, { url: "https://api.example.com/same" }, more);
const NOTE = "They then always get the same answer; before, the server could have given each its own.";

/** A fork to `middle`, whose members lead to an end of their own each unless told. */
function fork(middle: { id: string }[], ends: object[], edges?: object[]): Workflow {
  return {
    nodes: [pass("s"), ...middle, ...ends],
    edges: [...middle.map(({ id }) => edge("s", id)), ...(edges ?? middle.map(({ id }) => edge(id, `${id}_end`)))],
  };
}
const ends = [value("a_end", "output.body.number"), value("b_end", "[output.body.path]")];

describe("duplicate work is merged", () => {
  test("of two requests one is enough: what the second led to hangs on the first", () => {
    const workflow = fork([twin("a"), twin("b")], ends);
    const [suggestion, ...others] = suggestionsOf(workflow, "duplicate_work");
    expect(others).toEqual([]);
    expect(suggestion).toEqual({
      kind: "duplicate_work",
      message: '"a" and "b" do the same work on the same input, so one of them is enough',
      nodes: ["a", "b"],
      patch: [
        { op: "test", path: "/nodes/2", value: twin("b") },
        { op: "remove", path: "/nodes/2" },
        { op: "test", path: "/edges/3", value: edge("b", "b_end") },
        { op: "replace", path: "/edges/3", value: edge("a", "b_end") },
        { op: "test", path: "/edges/1", value: edge("s", "b") },
        { op: "remove", path: "/edges/1" },
      ],
      note: NOTE,
      saves: { requests: 1 },
    });
  });

  test("a request that is read by name stays as a node that passes the answer on", () => {
    const workflow = fork([twin("a"), twin("b")], [value("a_end", "1"), value("b_end", "nodes.b.body.path")]);
    const [suggestion] = suggestionsOf(workflow, "duplicate_work");
    expect(suggestion?.patch).toEqual([
      { op: "test", path: "/nodes/2", value: twin("b") },
      { op: "replace", path: "/nodes/2", value: value("b", "nodes.a") },
      { op: "test", path: "/edges/1", value: edge("s", "b") },
      { op: "replace", path: "/edges/1", value: edge("a", "b") },
    ]);
  });

  test.each<[string, Workflow, number, string[]]>([
    [
      "three requests",
      fork([twin("a"), twin("b"), twin("c")], [...ends, value("c_end", "1")]),
      2,
      ["s", "a", "a_end", "b_end", "c_end"],
    ],
    [
      "a method and a policy that are the default anyway",
      fork([twin("a"), twin("b", { timeout_ms: 30_000, retry: { max_attempts: 3 } })], ends),
      1,
      ["s", "a", "a_end", "b_end"],
    ],
    [
      "HEAD",
      fork(
        [
          get("a", { url: "https://x.example.com/", method: "HEAD" }),
          get("b", { url: "https://x.example.com/", method: "HEAD" }),
        ],
        [value("a_end", "1"), value("b_end", "2")],
      ),
      1,
      ["s", "a", "a_end", "b_end"],
    ],
    [
      "both read by a join that looks at its input",
      fork([twin("a"), twin("b")], [value("end", "output")], [edge("a", "end"), edge("b", "end")]),
      1,
      ["s", "a", "b", "end"],
    ],
    [
      "both before a join that does not",
      fork([twin("a"), twin("b")], [value("end", "nodes.a.body.path")], [edge("a", "end"), edge("b", "end")]),
      1,
      ["s", "a", "end"],
    ],
    [
      "the second ends the workflow",
      fork([twin("a"), twin("b")], [value("a_end", "1")], [edge("a", "a_end")]),
      1,
      ["s", "a", "b", "a_end"],
    ],
    [
      "the second decides by its answer",
      fork(
        [twin("a"), twin("b")],
        [value("a_end", "1"), value("b_end", "2"), value("c_end", "3")],
        [edge("a", "a_end"), edge("b", "b_end", { condition: "output.body.number > 9.0" }), edge("b", "c_end")],
      ),
      1,
      ["s", "a", "b", "a_end", "b_end", "c_end"],
    ],
    [
      "both start the workflow",
      { nodes: [twin("a"), twin("b"), ...ends], edges: [edge("a", "a_end"), edge("b", "b_end")] },
      1,
      ["a", "a_end", "b_end"],
    ],
    [
      "both start it, and the second is read by name",
      {
        nodes: [twin("a"), twin("b"), value("a_end", "1"), value("b_end", "nodes.b.body.path")],
        edges: [edge("a", "a_end"), edge("b", "b_end")],
      },
      1,
      ["a", "b", "a_end", "b_end"],
    ],
    [
      "behind the same condition",
      {
        nodes: [value("s", "inputs.n"), twin("a"), twin("b"), ...ends, value("o", "0")],
        edges: [
          edge("s", "a", { condition: "output > 1.0" }),
          edge("s", "o"),
          edge("s", "b", { condition: "output > 1.0" }),
          edge("a", "a_end"),
          edge("b", "b_end"),
        ],
      },
      1,
      ["s", "a", "a_end", "b_end", "o"],
    ],
    [
      "behind the same join",
      {
        nodes: [get("p"), post("q"), twin("a"), twin("b"), ...ends],
        edges: [edge("p", "a"), edge("q", "a"), edge("p", "b"), edge("q", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
      1,
      ["p", "q", "a", "a_end", "b_end"],
    ],
    [
      "what is computed twice of one answer",
      {
        nodes: [
          get("s"),
          value("a", "output.body"),
          value("b", "output.body"),
          value("a_end", "output.path"),
          value("b_end", "output.number"),
        ],
        edges: [edge("s", "a"), edge("s", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
      0,
      ["s", "a", "a_end", "b_end"],
    ],
    [
      "a pure function",
      {
        nodes: [
          pass("s"),
          ...["a", "b"].map((id) => ({ id, type: "function", config: { function_name: "to_json" } })),
          value("a_end", "[output]"),
          value("b_end", "output"),
        ],
        edges: [edge("s", "a"), edge("s", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
      0,
      ["s", "a", "a_end", "b_end"],
    ],
    [
      "what works on an input of several, in the same order",
      {
        nodes: [
          get("p"),
          get("q"),
          ...["a", "b"].map((id) => ({ id, type: "aggregate", config: { operation: "collect", field: "body.path" } })),
          value("a_end", "output"),
          value("b_end", "size(output)"),
        ],
        edges: [edge("p", "a"), edge("q", "a"), edge("p", "b"), edge("q", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
      0,
      ["p", "q", "a", "a_end", "b_end"],
    ],
  ])("%s", (_, workflow, saved, left) => {
    const [suggestion] = suggestionsOf(workflow, "duplicate_work");
    if (suggestion === undefined) throw new Error("nothing was suggested");
    const after = patchedBy(workflow, suggestion);
    expect(after.nodes.map(({ id }) => id).sort()).toEqual([...left].sort());
    expect(suggestion.saves?.requests ?? 0).toBe(saved);
    for (const inputs of [{ n: 0 }, { n: 2 }]) {
      for (const failing of ["none", "same", "q"]) {
        expectSameRuns(workflow, suggestion, inputs, answering({ [failing]: 404 }));
      }
    }
    expect(suggestionsOf(after, "duplicate_work")).toEqual([]);
  });

  test("groups of one answer are bounded", () => {
    const of = (count: number) => {
      const indexes = Array.from({ length: count }, (_, index) => index);
      return {
        nodes: indexes.flatMap((index) => [
          get(`a${index}`, { url: `https://x.example.com/${index}` }),
          get(`b${index}`, { url: `https://x.example.com/${index}` }),
          value(`c${index}`, "1"),
        ]),
        edges: indexes.flatMap((index) => [edge(`a${index}`, `c${index}`), edge(`b${index}`, `c${index}`)]),
      };
    };
    expect(suggestionsOf(of(SUGGESTIONS_PER_KIND_MAX), "duplicate_work")).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
    expect(suggestionsOf(of(SUGGESTIONS_PER_KIND_MAX + 1), "duplicate_work")).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
  });
});

describe("what is alike is not always the same", () => {
  const computed = (first: object, second: object) =>
    fork(
      [
        { id: "a", ...first },
        { id: "b", ...second },
      ],
      [value("a_end", "[output]"), value("b_end", "output")],
    );
  const transform = (expression: string) => ({ type: "transform", config: { expression } });
  test.each<[string, object]>([
    [
      "requests that write",
      fork([post("a", { url: "https://x.example.com/" }), post("b", { url: "https://x.example.com/" })], ends),
    ],
    ["another address", fork([get("a"), get("b")], ends)],
    [
      "another header",
      fork([twin("a"), get("b", { url: "https://api.example.com/same", headers: { accept: "text/html" } })], ends),
    ],
    ["another timeout", fork([twin("a"), twin("b", { timeout_ms: 5 })], ends)],
    ["another retry policy", fork([twin("a"), twin("b", { retry: { max_attempts: 1 } })], ends)],
    ["uuid", computed(...(Array(2).fill({ type: "function", config: { function_name: "uuid" } }) as [object, object]))],
    ["now", computed(...(Array(2).fill({ type: "function", config: { function_name: "now" } }) as [object, object]))],
    [
      "the same text on another input",
      {
        nodes: [get("p"), get("q"), value("a", "output.body"), value("b", "output.body"), ...ends],
        edges: [edge("p", "a"), edge("q", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
    [
      "the same request later, as somebody who polls would",
      {
        nodes: [twin("a"), post("p"), twin("b"), value("end", "output.body.path")],
        edges: chain("a", "p", "b", "end"),
      },
    ],
    [
      "the same request under another condition",
      {
        nodes: [value("s", "inputs.n"), twin("a"), twin("b"), ...ends],
        edges: [edge("s", "a", { condition: "output > 1.0" }), edge("s", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
    ["one goes on when it fails", fork([twin("a"), twin("b", { on_error: "continue" })], ends)],
    [
      "both go on when they fail, and say who failed",
      fork(
        [twin("a", { on_error: "continue" }), twin("b", { on_error: "continue" })],
        [value("a_end", "output"), value("b_end", "output")],
      ),
    ],
    [
      "a failure leads on from the first",
      fork(
        [twin("a"), twin("b")],
        [...ends, value("f", "output.node")],
        [edge("a", "a_end"), edge("b", "b_end"), edge("a", "f", { on: "failure" })],
      ),
    ],
    [
      "a failure leads on from the second",
      fork(
        [twin("a"), twin("b")],
        [...ends, value("f", "output.node")],
        [edge("a", "a_end"), edge("b", "b_end"), edge("b", "f", { on: "failure" })],
      ),
    ],
    ["both end the workflow", fork([twin("a"), twin("b")], [], [])],
    [
      "the first decides by its answer",
      fork(
        [twin("a"), twin("b")],
        [...ends, value("o", "1")],
        [edge("a", "a_end", { condition: "output.body.number > 9.0" }), edge("a", "o"), edge("b", "b_end")],
      ),
    ],
    [
      "what is computed is read by name",
      fork([value("a", "1"), value("b", "1")], [value("a_end", "output"), value("b_end", "nodes.b")]),
    ],
    [
      "what is computed gives a join its shape",
      fork([value("a", "1"), value("b", "1")], [value("end", "output")], [edge("a", "end"), edge("b", "end")]),
    ],
    [
      "what is computed meets an any join",
      fork([value("a", "1"), value("b", "1")], [pass("end", { join: "any" })], [edge("a", "end"), edge("b", "end")]),
    ],
    [
      "what is computed meets an any join that does not look at its input",
      {
        nodes: [
          pass("s"),
          value("a", "1"),
          value("b", "1"),
          get("q"),
          get("end", {}, { join: "any" }),
          value("a_end", "2"),
        ],
        edges: [edge("s", "a"), edge("s", "b"), edge("a", "a_end"), edge("b", "end"), edge("q", "end")],
      },
    ],
    [
      "what follows asks how it was reached",
      fork([value("a", "1"), value("b", "1")], [value("a_end", "output"), value("b_end", "run.via")]),
    ],
    [
      "any joins, which may have begun otherwise",
      {
        nodes: [
          get("p"),
          get("q"),
          value("a", "output.body", { join: "any" }),
          value("b", "output.body", { join: "any" }),
          value("a_end", "output"),
          value("b_end", "output"),
        ],
        edges: [edge("p", "a"), edge("q", "a"), edge("p", "b"), edge("q", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
    [
      "the order of edges, in which conditions are tried and inputs are listed, differs",
      {
        nodes: [
          get("p"),
          get("q"),
          ...["a", "b"].map((id) => ({ id, type: "aggregate", config: { operation: "collect" } })),
          value("a_end", "output"),
          value("b_end", "output"),
        ],
        edges: [edge("p", "a"), edge("q", "a"), edge("q", "b"), edge("p", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
    [
      "inline nodes in one order, their edges in the other: which fails first is not sure",
      {
        nodes: [
          pass("s"),
          value("b", "inputs.x"),
          value("a", "inputs.x"),
          value("a_end", "output"),
          value("b_end", "output"),
        ],
        edges: [edge("s", "a"), edge("s", "b"), edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
    ["what is computed twice, but by conditions", computed(transform("1"), transform("1.0"))],
    [
      "an expression reads all nodes",
      fork([twin("a"), twin("b")], [value("a_end", "size(nodes)"), value("b_end", "1")]),
    ],
    [
      "in a loop",
      {
        nodes: [
          pass("h"),
          twin("a"),
          twin("b"),
          value("j", "nodes.a.body.path"),
          { id: "l", type: "loop", config: { max_iterations: 2, loop_back_to: "h" } },
        ],
        edges: [edge("h", "a"), edge("h", "b"), edge("a", "j"), edge("b", "j"), edge("j", "l")],
      },
    ],
    [
      "never reached",
      {
        nodes: [pass("s"), value("o", "1"), twin("a"), twin("b"), ...ends],
        edges: [
          edge("s", "o"),
          edge("s", "a", { condition: "false" }),
          edge("s", "b", { condition: "false" }),
          edge("a", "a_end"),
          edge("b", "b_end"),
        ],
      },
    ],
    [
      "nodes that pass their input on",
      {
        nodes: [pass("a"), pass("b"), value("a_end", "1"), value("b_end", "2")],
        edges: [edge("a", "a_end"), edge("b", "b_end")],
      },
    ],
  ])("%s", (_, workflow) => {
    definitionOf(workflow);
    expect(suggestionsOf(workflow, "duplicate_work")).toEqual([]);
  });
});
