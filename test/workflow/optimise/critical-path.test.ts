/** The chain that decides how long a run takes. */
import { describe, expect, test } from "vitest";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { INLINE_WEIGHT, TASK_WEIGHT, WAITING_WEIGHT, weightOf } from "#workflow/optimise/critical-path.ts";
import { summarise } from "#workflow/summary.ts";
import { chain, definitionOf, edge, get, pass, value } from "./versions.ts";

const pathOf = (workflow: object) => summarise(definitionOf(workflow)).critical_path;

describe("critical path", () => {
  test("a task weighs more than many inline nodes, what waits more than many tasks", () => {
    const inline = ["p", "q", "r"].map((id) => value(id, "1"));
    const workflow = {
      nodes: [
        pass("s"),
        ...inline,
        get("t"),
        { id: "w", type: "delay", config: { duration_ms: 5 } },
        pass("e", { join: "any" }),
      ],
      edges: [...chain("s", "p", "q", "r", "e"), ...chain("s", "t", "e")],
    };
    expect(pathOf(workflow)).toEqual(["w"]);
    const joined = { ...workflow, edges: [...workflow.edges, edge("w", "p")] };
    expect(pathOf(joined)).toEqual(["w", "p", "q", "r", "e"]);
    expect(pathOf({ ...workflow, nodes: workflow.nodes.filter(({ id }) => id !== "w") })).toEqual(["s", "t", "e"]);
  });

  test("among chains of the same kind it is the longest, the first of equals", () => {
    expect(pathOf({ nodes: [pass("a"), pass("b"), pass("c")], edges: [edge("a", "b"), edge("a", "c")] })).toEqual([
      "a",
      "b",
    ]);
    expect(
      pathOf({ nodes: [pass("a"), pass("b"), pass("c")], edges: [edge("a", "c"), edge("b", "c"), edge("a", "b")] }),
    ).toEqual(["a", "b", "c"]);
  });

  test("each kind of node has its weight; an unknown type weighs as an inline one", () => {
    expect([...NODE_TYPES.values()].map((type) => weightOf(type)).toSorted((left, right) => left - right)).toEqual(
      [...NODE_TYPES.values()]
        .map(({ kind }) => ({ inline: INLINE_WEIGHT, task: TASK_WEIGHT, waiting: WAITING_WEIGHT })[kind])
        .toSorted((left, right) => left - right),
    );
    expect(weightOf(undefined)).toBe(INLINE_WEIGHT);
  });
});
