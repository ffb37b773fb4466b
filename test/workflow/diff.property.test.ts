/** Differences of any two valid workflows: applied to the one they give the other, and what they say agrees. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { diffWorkflows } from "#workflow/diff.ts";
import { PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { applyPatch } from "#workflow/patch.ts";
import { definitionOf, flows } from "../support/arbitrary-flow.ts";
import { anyName, frozen, json, normalForm, object, shuffled } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";
import { Seeded } from "../support/seeded.ts";

/** Text that is no template, names of all kinds: `__proto__` alone cannot be patched in. */
const member = anyName.filter((name) => name !== "__proto__");
const payload = json(member, 2).map((value) => JSON.parse(JSON.stringify(value).replaceAll("$", "S")) as Json);

const rest = fc.record(
  {
    inputs: fc
      .subarray(["f0", "f1"])
      .map((required): JsonObject => (required.length === 0 ? { type: "object" } : { type: "object", required })),
    metadata: fc.record(
      { name: fc.constantFrom("one", "two"), tags: fc.subarray(["a", "b", "c"]) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

/** A valid workflow with nodes and edges in any order, and documents of all shapes in its configs. */
const workflow = fc
  .tuple(flows(6), rest, fc.array(fc.option(payload), { minLength: 6, maxLength: 6 }), fc.integer())
  .map(([flow, more, payloads, seed]) => {
    const random = new Seeded(seed);
    const { nodes, edges } = definitionOf(flow);
    const filled = nodes.map((node, index) => {
      const value = payloads[index] ?? null;
      if (value === null || node.type !== "http") return node;
      return { ...node, config: { ...(node.config as JsonObject), payload: value } };
    });
    const mixed = (list: JsonObject[]) => (random.chance(0.5) ? list : list.toSorted(() => random.next() - 0.5));
    return { nodes: mixed(filled), edges: mixed(edges), ...more } as unknown as WorkflowDefinition;
  });

const asJson = (definition: WorkflowDefinition) => frozen(definition as unknown as JsonObject);

describe("diffWorkflows: of valid workflows", () => {
  test("applied to the one gives the other, and the other way round", () => {
    holds(
      fc.property(workflow, workflow, (from, to) => {
        expect(checkWorkflow(from).errors).toEqual([]);
        const forward = diffWorkflows(from, to).operations;
        const back = diffWorkflows(to, from).operations;
        fc.pre(Math.max(forward.length, back.length) <= PATCH_OPERATIONS_MAX);
        const there = applyPatch(asJson(from), forward);
        expect(there.ok ? normalForm(there.value) : there.error).toBe(normalForm(asJson(to)));
        const again = applyPatch(there.ok ? there.value : null, back);
        expect(again.ok ? normalForm(again.value) : again.error).toBe(normalForm(asJson(from)));
      }),
      200,
    );
  });

  test("says something exactly when there is something, and nothing of the order of members", () => {
    holds(
      fc.property(workflow, workflow, fc.integer(), (from, to, seed) => {
        const random = new Seeded(seed);
        const same = shuffled(asJson(from), () => random.next()) as unknown as WorkflowDefinition;
        expect(diffWorkflows(from, same)).toEqual({ operations: [], summary: [] });
        const { operations, summary } = diffWorkflows(from, to);
        const isSame = normalForm(asJson(from)) === normalForm(asJson(to));
        expect(operations.length === 0).toBe(isSame);
        if (isSame) expect(summary).toEqual([]);
        // What was only moved has no sentence of its own.
        if (operations.some(({ op }) => op !== "move")) expect(summary).not.toEqual([]);
      }),
      300,
    );
  });

  test("a document anywhere in a config can become any other", () => {
    const node = (config: Json) =>
      ({
        nodes: [{ id: "a", type: "http", config: { url: "https://a.example.com/", payload: config } }],
        edges: [],
      }) as unknown as WorkflowDefinition;
    holds(
      fc.property(object(member, payload), object(member, payload), (left, right) => {
        const { operations } = diffWorkflows(node(left), node(right));
        fc.pre(operations.length <= PATCH_OPERATIONS_MAX);
        const there = applyPatch(asJson(node(left)), operations);
        expect(there.ok ? normalForm(there.value) : there.error).toBe(normalForm(asJson(node(right))));
      }),
      500,
    );
  });
});
