/** Branches that no run takes: found with their reason, removed where nothing notices, and left where something would. */
import { describe, expect, test } from "vitest";
import { PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "#workflow/optimise/limits.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import {
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
} from "./versions.ts";

const fork = (condition: string, ...edges: object[]) => ({
  nodes: [
    { id: "a", type: "conditional", config: { condition } },
    value("b", "'b'"),
    value("c", "'c'"),
    value("d", "'d'"),
  ],
  edges,
});

describe("dead branches are found and removed", () => {
  const nothing = { conditions: {} };
  test.each<[string, object, string[], string[], string]>([
    [
      "behind a condition that never holds",
      {
        nodes: [value("a", "1"), get("b"), get("c"), value("d", "2")],
        edges: [edge("a", "b", { condition: "1 > 2" }), edge("b", "c"), edge("a", "d")],
      },
      ["b", "c"],
      ["a>d"],
      'the condition "1 > 2" on the way from "a" never holds',
    ],
    [
      "on the branch that a constant condition does not take",
      fork("true", edge("a", "b", { branch: "if" }), edge("a", "c", { branch: "else" }), edge("c", "d")),
      ["c", "d"],
      ["a>b"],
      'the condition of "a" is always true',
    ],
    [
      "behind the failure of what cannot fail",
      { nodes: [pass("a"), value("b", "1"), get("c")], edges: [edge("a", "b"), edge("a", "c", { on: "failure" })] },
      ["c"],
      ["a>b"],
      'a parallel node such as "a" cannot fail',
    ],
    [
      "after a condition that always holds, and as the default beside it",
      {
        nodes: [value("a", "1"), value("b", "1"), value("c", "2"), value("d", "3")],
        edges: [edge("a", "b", { condition: "2 > 1" }), edge("a", "c", { condition: "output > 5" }), edge("a", "d")],
      },
      ["c", "d"],
      ["a>b"],
      'the condition "2 > 1" of another edge from "a" always holds',
    ],
    [
      "behind a condition of an inclusive fork that never holds",
      {
        nodes: [pass("a"), value("b", "1"), value("c", "2")],
        edges: [edge("a", "b"), edge("a", "c", { condition: "false" })],
      },
      ["c"],
      ["a>b"],
      'the condition "false" on the way from "a" never holds',
    ],
  ])("%s", (_, workflow, dead, left, reason) => {
    const { suggestions, warnings } = optimise(definitionOf(workflow));
    const found = suggestions.filter(({ kind }) => kind === "dead_branch");
    expect(found.flatMap(({ nodes }) => nodes)).toEqual(dead);
    for (const suggestion of found) {
      expect(suggestion.message).toContain(`can never run: ${reason}`);
      expect(suggestion.note).toBeUndefined();
      expectSameRuns(workflow, suggestion, nothing);
    }
    expect(warnings.map(({ message }) => message)).toEqual(found.map(({ message }) => message));
    // One after the other: each stands alone, so the rest is found again.
    let current: object = workflow;
    for (let next = found[0]; next !== undefined; next = suggestionsOf(current, "dead_branch")[0]) {
      current = patchedBy(current, next);
    }
    const { nodes, edges } = definitionOf(current);
    expect(nodes.map(({ id }) => id).filter((id) => dead.includes(id))).toEqual([]);
    expect(edges.map(({ from, to }) => `${from}>${to}`)).toEqual(left);
  });

  test("the patch removes from the end and tests each thing that it removes", () => {
    const workflow = {
      nodes: [pass("a"), value("b", "1"), get("c")],
      edges: [edge("a", "c", { on: "failure" }), edge("a", "b")],
    };
    expect(suggestionsOf(workflow, "dead_branch")).toEqual([
      {
        kind: "dead_branch",
        message: '"c" can never run: a parallel node such as "a" cannot fail',
        nodes: ["c"],
        patch: [
          { op: "test", path: "/nodes/2", value: get("c") },
          { op: "remove", path: "/nodes/2" },
          { op: "test", path: "/edges/0", value: edge("a", "c", { on: "failure" }) },
          { op: "remove", path: "/edges/0" },
        ],
      },
    ]);
  });

  test("a join that keeps two ways in, or does not look at its input, loses a dead one", () => {
    for (const join of [value("j", "output"), value("j", "nodes.b")]) {
      const isRead = join.config.expression === "output";
      const workflow = {
        nodes: [pass("a"), value("b", "1"), value("c", "2"), value("x", "3"), join],
        edges: [
          edge("a", "b"),
          ...(isRead ? [edge("a", "c"), edge("c", "j")] : [edge("a", "c")]),
          edge("a", "x", { condition: "false" }),
          edge("b", "j"),
          edge("x", "j"),
        ],
      };
      const [suggestion] = suggestionsOf(workflow, "dead_branch");
      if (suggestion === undefined) throw new Error("it is found");
      expect(patchedBy(workflow, suggestion).nodes.map(({ id }) => id)).not.toContain("x");
      expectSameRuns(workflow, suggestion, {});
    }
  });

  test("a branch too large to be removed step by step is left out of new lists", () => {
    const ids = Array.from({ length: PATCH_OPERATIONS_MAX }, (_, index) => `x${index}`);
    const workflow = {
      nodes: [pass("a"), ...ids.map((id) => value(id, "1")), value("z", "2")],
      edges: [edge("a", ids[0] ?? "", { condition: "false" }), ...chain(...ids), edge("a", "z")],
    };
    const [suggestion] = suggestionsOf(workflow, "dead_branch");
    if (suggestion === undefined) throw new Error("it is found");
    expect(suggestion.patch.map(({ op, path }) => `${op} ${path}`)).toEqual([
      "test /nodes/1",
      "test /nodes/100",
      "replace /nodes",
      "test /edges/0",
      "test /edges/99",
      "replace /edges",
    ]);
    expect(suggestion.message).toMatch(/^"x0", "x1", "x2", "x3" and 96 more can never run: /);
    expectSameRuns(workflow, suggestion, {});
  });

  test("branches of which one reads the other go together", () => {
    const workflow = {
      nodes: [pass("a"), value("x", "1"), value("b", "2"), value("y", "nodes.x == null"), value("z", "3")],
      edges: [
        edge("a", "x", { condition: "false" }),
        edge("a", "b"),
        edge("x", "b"),
        edge("b", "z"),
        edge("b", "y", { condition: "1 > 2" }),
      ],
    };
    const found = suggestionsOf(workflow, "dead_branch");
    expect(found.map(({ nodes }) => nodes)).toEqual([["x", "y"]]);
    for (const suggestion of found) {
      expect(patchedBy(workflow, suggestion).nodes.map(({ id }) => id)).toEqual(["a", "b", "z"]);
      expectSameRuns(workflow, suggestion, {});
    }
  });

  test("two reasons for one branch are counted", () => {
    const workflow = {
      nodes: [pass("a"), value("b", "1"), value("x", "2")],
      edges: [edge("a", "b"), edge("a", "x", { condition: "false" }), edge("a", "x", { on: "failure" })],
    };
    const [suggestion] = suggestionsOf(workflow, "dead_branch");
    expect(suggestion?.message).toMatch(/^"x" can never run, for 2 reasons, one of them: /);
  });

  test("branches of one answer are bounded", () => {
    const of = (count: number) => ({
      nodes: [pass("a"), value("b", "1"), ...Array.from({ length: count }, (_, index) => value(`x${index}`, "1"))],
      edges: [
        edge("a", "b"),
        ...Array.from({ length: count }, (_, index) => edge("a", `x${index}`, { condition: "false" })),
      ],
    });
    expect(suggestionsOf(of(SUGGESTIONS_PER_KIND_MAX), "dead_branch")).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
    const { suggestions, warnings } = optimise(definitionOf(of(SUGGESTIONS_PER_KIND_MAX + 1)));
    expect(suggestions).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
    expect(warnings).toHaveLength(SUGGESTIONS_PER_KIND_MAX);
  });
});

describe("what may run is not called dead", () => {
  test.each<[string, object]>([
    [
      "a condition that reads something",
      { nodes: [value("a", "1"), value("b", "1")], edges: [edge("a", "b", { condition: "inputs.n > 1.0" })] },
    ],
    [
      "a condition that cannot be evaluated",
      { nodes: [value("a", "1"), value("b", "1")], edges: [edge("a", "b", { condition: "1 / 0 > 1" })] },
    ],
    [
      "a condition that is no yes or no",
      { nodes: [value("a", "1"), value("b", "1")], edges: [edge("a", "b", { condition: "1 + 1" })] },
    ],
    [
      "a failure edge of a request",
      {
        nodes: [get("a"), value("b", "1"), value("c", "1")],
        edges: [edge("a", "b"), edge("a", "c", { on: "failure" })],
      },
    ],
    [
      "a failure edge of a join, whose values together may be too large",
      {
        nodes: [get("a"), get("b"), pass("j"), value("c", "1"), value("d", "1")],
        edges: [edge("a", "j"), edge("b", "j"), edge("j", "c"), edge("j", "d", { on: "failure" })],
      },
    ],
    [
      "a failure edge where a condition on the way out may fail",
      {
        nodes: [pass("a"), value("c", "1"), value("d", "1")],
        edges: [edge("a", "c", { condition: "output.n > 1.0" }), edge("a", "d", { on: "failure" })],
      },
    ],
    [
      "a failure edge of a conditional whose condition may fail",
      fork("output.n > 1.0", edge("a", "b", { branch: "if" }), edge("a", "c", { on: "failure" })),
    ],
    [
      "a failure edge of what passes a failure on, which may be large",
      {
        nodes: [get("a"), pass("p"), value("b", "1"), value("c", "1"), value("o", "1")],
        edges: [edge("a", "o"), edge("a", "p", { on: "failure" }), edge("p", "b"), edge("p", "c", { on: "failure" })],
      },
    ],
    [
      "a way out of a loop that its outcome decides, beside one with a condition that always holds",
      {
        nodes: [
          pass("h"),
          { id: "l", type: "loop", config: { max_iterations: 2, loop_back_to: "h", timeout_path: "late" } },
          value("next", "1"),
          value("late", "2"),
        ],
        edges: [edge("h", "l"), edge("l", "next", { condition: "true" })],
      },
    ],
    [
      "an edge with a condition that is tried before the one that always holds",
      {
        nodes: [value("a", "1"), value("b", "1"), value("c", "1"), value("d", "1")],
        edges: [
          edge("a", "b", { condition: "output > 5" }),
          edge("a", "c", { condition: "true" }),
          edge("a", "d", { condition: "output > 5" }),
        ],
      },
    ],
    [
      "an inclusive way beside one that always holds",
      {
        nodes: [pass("a"), value("b", "1"), value("c", "1")],
        edges: [edge("a", "b", { condition: "true" }), edge("a", "c")],
      },
    ],
    [
      "a join with one way that can be taken",
      {
        nodes: [pass("a"), value("b", "1"), pass("j")],
        edges: [edge("a", "b", { condition: "inputs.n > 1.0" }), edge("b", "j"), edge("a", "j")],
      },
    ],
  ])("%s", (_, workflow) => {
    expect(optimise(definitionOf(workflow))).toMatchObject({ warnings: [] });
    expect(suggestionsOf(workflow, "dead_branch")).toEqual([]);
  });
});

describe("dead branches stay where something would notice", () => {
  const dead = (...more: object[]) => [pass("a"), value("b", "1"), value("x", "2"), ...more];
  const toX = edge("a", "x", { condition: "false" });
  test.each<[string, object, string[]]>([
    [
      "the only way on: without it the node's output would be the run's",
      { nodes: [value("a", "1"), value("x", "2"), value("y", "3")], edges: [toX, edge("x", "y")] },
      ["x"],
    ],
    [
      "a join of two that looks at its input, which is an object by node",
      { nodes: dead(value("j", "output")), edges: [edge("a", "b"), toX, edge("b", "j"), edge("x", "j")] },
      ["x"],
    ],
    [
      "read by name",
      { nodes: dead(value("j", "nodes.x == null")), edges: [edge("a", "b"), toX, edge("b", "j"), edge("x", "j")] },
      ["x"],
    ],
    [
      "read by the condition of an edge",
      {
        nodes: dead(value("j", "1"), value("k", "2")),
        edges: [edge("a", "b"), toX, edge("b", "j"), edge("x", "j"), edge("j", "k", { condition: "nodes.x == null" })],
      },
      ["x"],
    ],
    [
      "read by name in a loop",
      {
        nodes: dead(get("c"), value("h", "nodes.x"), {
          id: "l",
          type: "loop",
          config: { max_iterations: 2, loop_back_to: "h" },
        }),
        edges: [edge("a", "b"), toX, edge("b", "c"), edge("x", "c"), edge("c", "h"), edge("h", "l")],
      },
      ["x"],
    ],
    [
      "a way into an any join",
      {
        nodes: dead(value("c", "3"), value("j", "7", { join: "any" })),
        edges: [edge("a", "b"), edge("a", "c"), toX, edge("b", "j"), edge("c", "j"), edge("x", "j")],
      },
      ["x"],
    ],
    [
      "what makes another node wait",
      {
        nodes: [get("a"), get("b"), value("x", "2"), value("c", "3"), post("j")],
        edges: [edge("a", "x", { condition: "false" }), edge("a", "c"), edge("b", "j"), edge("x", "j")],
      },
      ["x"],
    ],
    [
      "what makes another node wait through an any join that is never reached",
      {
        nodes: [get("a"), get("m"), value("x", "2", { join: "any" }), value("c", "3"), get("b"), post("j")],
        edges: [
          edge("a", "x", { condition: "false" }),
          edge("m", "x", { condition: "false" }),
          edge("a", "c"),
          edge("m", "c"),
          edge("b", "j"),
          edge("x", "j"),
        ],
      },
      ["x"],
    ],
    [
      "an approval's condition: without it the other way would mean approved",
      {
        nodes: [{ id: "a", type: "hitl", config: { message: "Go?" } }, value("b", "1"), value("x", "2")],
        edges: [edge("a", "b"), toX],
      },
      ["x"],
    ],
    [
      "where an expression reads all nodes",
      { nodes: dead(value("j", "size(nodes)")), edges: [edge("a", "b"), toX, edge("b", "j")] },
      ["x"],
    ],
    [
      "behind an agent that may lead to work of its own",
      {
        nodes: [{ id: "s", type: "agent", config: { task: "Look" } }, ...dead()],
        edges: [edge("s", "a"), edge("a", "b"), toX],
      },
      ["x"],
    ],
    [
      "inside a loop",
      {
        nodes: [
          pass("a"),
          value("b", "1"),
          value("x", "2"),
          { id: "l", type: "loop", config: { max_iterations: 2, loop_back_to: "a" } },
        ],
        edges: [edge("a", "b"), toX, edge("b", "l"), edge("x", "l")],
      },
      ["x"],
    ],
  ])("%s", (_, workflow, kept) => {
    const [suggestion] = suggestionsOf(workflow, "dead_branch");
    if (suggestion === undefined) throw new Error("it is found");
    expect(suggestion.note).toMatch(/left in place|Nothing of it/);
    const ids = patchedBy(workflow, suggestion).nodes.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(kept));
  });

  test("a stale patch changes nothing", () => {
    const workflow = { nodes: dead(), edges: [edge("a", "b"), toX] };
    const [suggestion] = suggestionsOf(workflow, "dead_branch");
    if (suggestion === undefined) throw new Error("it is found");
    expect(() => patchedBy(patchedBy(workflow, suggestion), suggestion)).toThrow(/nothing at/);
    const moved = { ...workflow, nodes: [value("new", "1"), ...workflow.nodes] };
    expect(() => patchedBy(moved, suggestion)).toThrow(/the test failed/);
  });
});
