/** Differences of workflows: what is said of them is true, and the patch gives the other version. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "#kernel/json.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { diffWorkflows } from "#workflow/diff.ts";
import { applyPatch } from "#workflow/patch.ts";

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const edge = (from: string, to: string, more: object = {}) => ({ from, to, ...more });

function diff(from: object, to: object) {
  const result = diffWorkflows(from as WorkflowDefinition, to as WorkflowDefinition);
  expect(applyPatch(from as Json, result.operations)).toEqual({ ok: true, value: to });
  return result;
}

describe("diffWorkflows", () => {
  const base = { nodes: [node("a"), node("b"), node("c")], edges: [edge("a", "b"), edge("b", "c")] };

  test("the same workflow has no difference", () => {
    expect(diff(base, structuredClone(base))).toEqual({ operations: [], summary: [] });
  });

  test("a node in front is one addition", () => {
    const to = { ...base, nodes: [node("z"), ...base.nodes], edges: [edge("z", "a"), ...base.edges] };
    expect(diff(base, to)).toEqual({
      operations: [
        { op: "add", path: "/nodes/0", value: node("z") },
        { op: "add", path: "/edges/0", value: edge("z", "a") },
      ],
      summary: ['node "z" (parallel) added', "edge z → a added"],
    });
  });

  test("removed, changed and moved", () => {
    const to = {
      nodes: [node("c", { type: "transform", config: { expression: "1" } }), node("a")],
      edges: [edge("a", "c", { on: "failure" })],
      metadata: { name: "x" },
    };
    expect(diff(base, to).summary).toEqual([
      'node "b" (parallel) removed',
      'node "c" (transform) changed: type, config',
      "edge a → b removed",
      "edge b → c removed",
      "failure edge a → c added",
      "metadata added",
    ]);
  });

  test("a changed config names its keys", () => {
    const http = (config: object) => ({ nodes: [node("h", { type: "http", config })], edges: [] });
    const { summary } = diff(
      http({ url: "u", query: { a: [1, 2] } }),
      http({ url: "u", query: { a: [2] }, payload: 1 }),
    );
    expect(summary).toEqual(['node "h" (http) changed: config.query, config.payload']);
  });

  test("what holds a name that no patch may reach is replaced whole", () => {
    const http = (payload: object) => ({ nodes: [node("h", { type: "http", config: { payload } })], edges: [] });
    const { operations } = diff(
      http({ race: 1, car: { constructor: "Ferrari", seat: 1 } }),
      http({ race: 2, car: { constructor: "McLaren", seat: 1 } }),
    );
    expect(operations).toEqual([
      { op: "replace", path: "/nodes/0/config/payload/race", value: 2 },
      { op: "replace", path: "/nodes/0/config/payload/car", value: { constructor: "McLaren", seat: 1 } },
    ]);
  });

  test("a thousand nodes turned around are 999 moves", () => {
    const nodes = Array.from({ length: 1_000 }, (_, index) => node(`n${index}`, { config: { list: [index] } }));
    const from = { nodes, edges: [] } as unknown as WorkflowDefinition;
    const to = { nodes: [...nodes].reverse(), edges: [] } as unknown as WorkflowDefinition;
    expect(diffWorkflows(from, to).operations).toHaveLength(999);
  });

  test("applied, it always gives the other", () => {
    const ids = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), { minLength: 1 });
    const nodes = ids.chain((names) =>
      fc.tuple(
        ...names.map((id) =>
          fc.record(
            {
              id: fc.constant(id),
              type: fc.constantFrom("x", "y"),
              config: fc.dictionary(fc.constantFrom("k", "l/~"), fc.jsonValue({ maxDepth: 2 })),
            },
            { requiredKeys: ["id", "type"] },
          ),
        ),
      ),
    );
    const edges = fc.array(
      fc.record(
        { from: fc.constantFrom("a", "b"), to: fc.constantFrom("c", "d"), condition: fc.constantFrom("p", "q") },
        { requiredKeys: ["from", "to"] },
      ),
    );
    const workflow = fc.record(
      { nodes, edges, inputs: fc.constantFrom({ type: "object" }, {}), metadata: fc.constantFrom({ name: "n" }, {}) },
      { requiredKeys: ["nodes", "edges"] },
    );
    const plain = workflow.map((value) => JSON.parse(JSON.stringify(value).replaceAll('"__proto__"', '"proto"')));
    fc.assert(
      fc.property(plain, plain, (from, to) => {
        const { operations, summary } = diffWorkflows(from, to);
        fc.pre(operations.length <= 100);
        expect(applyPatch(from, operations)).toEqual({ ok: true, value: to });
        if (operations.length === 0) expect(summary).toEqual([]);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
