/**
 * Random workflows without loops: branches, conditions of every outcome, failure edges, joins of both kinds, nodes that
 * fail. Each is valid, and says beside its definition what its conditions and nodes will do.
 */
import fc from "fast-check";
import type { Json, JsonObject } from "#kernel/json.ts";

/** What becomes of a condition. */
export type Held = boolean | "missing" | "error";

export interface Condition {
  source: string;
  holds(output: Json, inputs: JsonObject): Held;
}

export interface FlowNode {
  id: string;
  type: "transform" | "parallel" | "conditional" | "http" | "file-search";
  join: "all" | "any";
  continues: boolean;
  /** Of a transform and a task: that it fails. */
  fails: boolean;
  /** Of a conditional. */
  condition: Condition | null;
}

export interface FlowEdge {
  from: string;
  to: string;
  on: "success" | "failure";
  condition: Condition | null;
  branch: "if" | "else" | null;
}

export interface Flow {
  nodes: FlowNode[];
  edges: FlowEdge[];
  inputs: JsonObject;
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const flag = (name: string): Condition => ({
  source: `inputs.${name}`,
  holds: (_, inputs) => inputs[name] === true,
});

export const CONDITIONS: readonly Condition[] = [
  flag("f0"),
  flag("f1"),
  flag("f2"),
  { source: "inputs.f0 && !inputs.f1", holds: (_, inputs) => inputs.f0 === true && inputs.f1 !== true },
  { source: "!inputs.f2", holds: (_, inputs) => inputs.f2 !== true },
  { source: "inputs.absent == 1", holds: () => "missing" },
  { source: "output.absent.deeper == 1", holds: () => "missing" },
  { source: "'id' in output", holds: (output) => (isObject(output) ? Object.hasOwn(output, "id") : "error") },
  {
    source: "output.id == 'n1'",
    holds: (output) => (isObject(output) && Object.hasOwn(output, "id") ? output.id === "n1" : "missing"),
  },
  { source: "inputs.text", holds: () => "error" },
  { source: "1 / 0 == 1", holds: () => "error" },
];

/** Those that fail their node are rare: a run with one ends at once. */
const condition = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...CONDITIONS.slice(0, 5)) },
  { weight: 4, arbitrary: fc.constantFrom(...CONDITIONS.slice(5, 9)) },
  { weight: 2, arbitrary: fc.constantFrom(...CONDITIONS.slice(9)) },
);

const rarely = fc.integer({ min: 0, max: 5 }).map((value) => value === 5);

const node: fc.Arbitrary<Omit<FlowNode, "id">> = fc.record({
  type: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom("transform", "parallel", "conditional", "http") },
    { weight: 1, arbitrary: fc.constant("file-search" as const) },
  ),
  join: fc.constantFrom("all", "any"),
  continues: rarely,
  fails: rarely,
  condition: fc.option(condition),
});

const edge = fc.record({
  ends: fc.tuple(fc.nat(), fc.nat()),
  on: fc.oneof({ weight: 2, arbitrary: fc.constant("success") }, { weight: 1, arbitrary: fc.constant("failure") }),
  condition: fc.option(condition),
  branch: fc.constantFrom("if", "else"),
}) as fc.Arbitrary<{
  ends: [number, number];
  on: "success" | "failure";
  condition: Condition | null;
  branch: "if" | "else";
}>;

/** Workflows with at most `nodesMax` nodes, called n0, n1 …; edges lead from a lower to a higher number. */
export function flows(nodesMax = 9): fc.Arbitrary<Flow> {
  return fc
    .record({
      // The largest as often as the smallest: small graphs hold little to decide.
      nodes: fc.array(node, { minLength: 1, maxLength: nodesMax, size: "max" }),
      edges: fc.array(edge, { maxLength: nodesMax * 2, size: "max" }),
      flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    })
    .map(({ nodes, edges, flags: [f0, f1, f2] }) => {
      const named = nodes.map((each, index) => ({ ...each, id: `n${index}` }));
      const found = new Map<string, FlowEdge>();
      for (const { ends, on, condition, branch } of edges) {
        const [from, to] = ends.map((end) => end % nodes.length).sort((left, right) => left - right) as [
          number,
          number,
        ];
        const source = named[from];
        if (source === undefined || from === to || (source.continues && on === "failure")) continue;
        const branches = source.type === "conditional" && source.condition !== null && on === "success";
        const made: FlowEdge = {
          from: `n${from}`,
          to: `n${to}`,
          on,
          condition: branches ? null : condition,
          branch: branches ? branch : null,
        };
        found.set(JSON.stringify([made.from, made.to, on, made.condition?.source, made.branch]), made);
      }
      return { nodes: named, edges: [...found.values()], inputs: { f0, f1, f2, text: "text" } };
    });
}

function configOf({ id, type, fails, condition }: FlowNode): JsonObject | undefined {
  switch (type) {
    case "transform":
      return { expression: fails ? "1 / 0" : `{'id': '${id}', 'in': output}` };
    case "conditional":
      return condition === null ? {} : { condition: condition.source };
    case "http":
      return { url: "https://api.example.com/" };
    default:
      return undefined;
  }
}

export function definitionOf({ nodes, edges }: Flow): { nodes: JsonObject[]; edges: JsonObject[] } {
  return {
    nodes: nodes.map((each) => {
      const config = configOf(each);
      return {
        id: each.id,
        type: each.type,
        ...(config === undefined ? {} : { config }),
        ...(each.join === "any" ? { join: "any" } : {}),
        ...(each.continues ? { on_error: "continue" } : {}),
        ...(each.type === "http" ? { retry: { max_attempts: 1 } } : {}),
      };
    }),
    edges: edges.map(({ from, to, on, condition, branch }) => ({
      from,
      to,
      ...(on === "failure" ? { on } : {}),
      ...(condition === null ? {} : { condition: condition.source }),
      ...(branch === null ? {} : { branch }),
    })),
  };
}
