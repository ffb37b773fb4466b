/** What is wrong with loops at save time, each with its place. */
import { describe, expect, test } from "vitest";
import { checkWorkflow } from "#workflow/check.ts";
import { ITERATIONS_MAX, LOOP_NESTING_MAX } from "#workflow/limits.ts";

const node = (id: string) => ({ id, type: "parallel" });
const loop = (id: string, config: object) => ({ id, type: "loop", config: { max_iterations: 3, ...config } });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });
const problems = (document: unknown) =>
  checkWorkflow(document).errors.map(({ pointer, message }) => [pointer, message]);

describe("check: loops", () => {
  test.each([
    [
      "without max_iterations",
      { nodes: [node("a"), { id: "l", type: "loop", config: { loop_back_to: "a" } }], edges: [edge("a", "l")] },
      "/nodes/1/config/max_iterations",
    ],
    [
      "with one pass too many",
      {
        nodes: [node("a"), loop("l", { loop_back_to: "a", max_iterations: ITERATIONS_MAX + 1 })],
        edges: [edge("a", "l")],
      },
      "/nodes/1/config/max_iterations",
    ],
    [
      "back to a node that is not there",
      { nodes: [node("a"), loop("l", { loop_back_to: "ghost" })], edges: [edge("a", "l")] },
      "/nodes/1/config/loop_back_to",
    ],
    [
      "back to a node that does not lead to it",
      { nodes: [node("a"), node("b"), loop("l", { loop_back_to: "b" })], edges: [edge("a", "l")] },
      "/nodes/2/config/loop_back_to",
    ],
    [
      "with a break path into its body",
      { nodes: [node("a"), loop("l", { loop_back_to: "a", break_path: "a" })], edges: [edge("a", "l")] },
      "/nodes/1/config/break_path",
    ],
    [
      "with a break path that leads nowhere",
      { nodes: [node("a"), loop("l", { loop_back_to: "a", break_path: ["ghost"] })], edges: [edge("a", "l")] },
      "/nodes/1/config/break_path",
    ],
    [
      "with a condition on an edge that its config implies",
      {
        nodes: [node("a"), loop("l", { loop_back_to: "a", break_path: "out" }), node("out")],
        edges: [edge("a", "l"), edge("l", "out", { condition: "true" })],
      },
      "/edges/1/condition",
    ],
    [
      "with a condition on the way back",
      {
        nodes: [node("a"), loop("l", { loop_back_to: "a" })],
        edges: [edge("a", "l"), edge("l", "a", { condition: "true" })],
      },
      "/edges/1/condition",
    ],
    [
      "left by a plain edge of its body",
      {
        nodes: [node("a"), node("b"), loop("l", { loop_back_to: "a" }), node("out")],
        edges: [edge("a", "b"), edge("b", "l"), edge("b", "out")],
      },
      "/edges/2",
    ],
    [
      "whose bodies overlap",
      {
        nodes: [node("a"), node("b"), loop("l", { loop_back_to: "a" }), node("c"), loop("m", { loop_back_to: "b" })],
        edges: [edge("a", "b"), edge("b", "l"), edge("l", "c"), edge("c", "m")],
      },
      "/nodes/4/config/loop_back_to",
    ],
  ])("%s", (_, document, pointer) => {
    expect(problems(document).map(([place]) => place)).toEqual([pointer]);
  });

  test("a cycle that no loop node closes is refused", () => {
    const document = { nodes: [node("a"), node("b")], edges: [edge("a", "b"), edge("b", "a")] };
    expect(problems(document)[0]?.[1]).toContain("only a loop node leads back");
  });

  test("the largest number of passes, failure edges out of a body, and edges into it are accepted", () => {
    const document = {
      nodes: [
        node("start"),
        node("a"),
        { id: "b", type: "http", config: { url: "https://a.example.com/" } },
        loop("l", { loop_back_to: "a", max_iterations: ITERATIONS_MAX }),
        node("out"),
      ],
      edges: [
        edge("start", "a"),
        edge("start", "b"),
        edge("a", "b"),
        edge("b", "l"),
        edge("b", "out", { on: "failure" }),
      ],
    };
    expect(problems(document)).toEqual([]);
  });

  test("loops nest to the bound, and no deeper", () => {
    const nested = (depth: number) => ({
      nodes: [node("a"), ...Array.from({ length: depth }, (_, i) => loop(`l${i}`, { loop_back_to: "a" }))],
      edges: [edge("a", "l0"), ...Array.from({ length: depth - 1 }, (_, i) => edge(`l${i}`, `l${i + 1}`))],
    });
    expect(problems(nested(LOOP_NESTING_MAX))).toEqual([]);
    expect(problems(nested(LOOP_NESTING_MAX + 1))[0]?.[1]).toContain("nest at most");
  });
});
