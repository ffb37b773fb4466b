/** A workflow's graph as text: nodes in the order they can run, each with its edges. */
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "#workflow/definition.ts";
import { topologicalOrder, topologyOf } from "#workflow/topology.ts";
import type { Paint } from "./output.ts";

/** The definition of an answer; the API stores only what passed its checks. */
export function definitionOf(document: unknown): WorkflowDefinition {
  return document as WorkflowDefinition;
}

export function drawGraph(document: unknown, paint: Paint): string[] {
  const definition = definitionOf(document);
  const edges = groupBy(definition.edges, (edge) => edge.from);
  return inOrder(definition.nodes, definition.edges).flatMap((node) => {
    const outgoing = edges.get(node.id) ?? [];
    return [
      `${paint("cyan", "●")} ${paint("bold", node.id)}  ${node.type}${paint("dim", gist(node))}`,
      ...outgoing.map((edge, index) => {
        const arm = index === outgoing.length - 1 ? "└" : "├";
        return `  ${paint("dim", `${arm}${arrowOf(edge)}`)} ${edge.to}${paint("dim", noteOf(edge))}`;
      }),
    ];
  });
}

/** `Map.groupBy`, which Node 20 lacks. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Each after all that lead to it; what stands in a loop keeps the place it was written in. */
export function inOrder(nodes: readonly NodeDefinition[], edges: readonly EdgeDefinition[]): NodeDefinition[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ordered = topologicalOrder(topologyOf([...byId.keys()], edges));
  const ids = new Set([...ordered, ...byId.keys()]);
  return [...ids].flatMap((id) => byId.get(id) ?? []);
}

export function arrowOf(edge: EdgeDefinition): string {
  return edge.on === "failure" ? "─✗▶" : "──▶";
}

/** When an edge is taken, if not always. */
export function noteOf(edge: EdgeDefinition): string {
  const parts = [
    ...(edge.branch === undefined ? [] : [edge.branch]),
    ...(edge.condition === undefined ? [] : [`if ${edge.condition}`]),
    ...(edge.on === "failure" ? ["on failure"] : []),
  ];
  return parts.length === 0 ? "" : `  ${parts.join(", ")}`;
}

/** The part of a config that tells most, in one line. */
const TELLING = [
  "url",
  "condition",
  "expression",
  "function_name",
  "operation",
  "task",
  "message",
  "event",
  "workflow",
];

function gist({ config }: NodeDefinition): string {
  const key = TELLING.find((each) => typeof config?.[each] === "string");
  return key === undefined ? "" : `  ${String(config?.[key]).replace(/\s+/g, " ").slice(0, 80)}`;
}
