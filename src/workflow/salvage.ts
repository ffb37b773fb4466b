/**
 * What can still be judged of a definition whose shape is wrong: each node and edge stays at its index, reduced to its
 * sound parts, so that the graph, configs and expressions are checked in the same go.
 */
import { isJsonObject, type Json } from "#kernel/json.ts";
import {
  type EdgeDefinition,
  edgeSchema,
  type NodeDefinition,
  nodeIdSchema,
  nodeSchema,
  type WorkflowDefinition,
} from "./definition.ts";
import { EDGES_MAX, NODES_MAX } from "./limits.ts";

export function salvage(document: unknown): WorkflowDefinition {
  const { nodes, edges, inputs } = isJsonObject(document) ? document : {};
  return {
    nodes: listOf(nodes, NODES_MAX).map(salvageNode),
    edges: listOf(edges, EDGES_MAX).map(salvageEdge),
    ...(isJsonObject(inputs) ? { inputs } : {}),
  };
}

function listOf(value: Json | undefined, max: number): Json[] {
  return Array.isArray(value) ? value.slice(0, max) : [];
}

/** A node that stands for one that cannot be judged: nothing else can be wrong with it. */
const STAND_IN = { type: "parallel" };

function salvageNode(node: Json, index: number): NodeDefinition {
  const id = isJsonObject(node) ? nodeIdSchema.safeParse(node.id).data : undefined;
  if (!isJsonObject(node) || id === undefined) return { ...STAND_IN, id: `unreadable-${index}` };
  const whole = nodeSchema.safeParse(node);
  if (whole.success) return whole.data;
  const { type, config, on_error: onError } = node;
  const parts = nodeSchema.safeParse({
    id,
    type,
    ...(config === undefined ? {} : { config }),
    ...(onError === "continue" ? { on_error: onError } : {}),
  });
  return parts.success ? parts.data : { ...STAND_IN, id };
}

/** An edge that cannot be judged leads from a node that is not there: its ends are reported by its shape already. */
function salvageEdge(edge: Json): EdgeDefinition {
  const whole = edgeSchema.safeParse(edge);
  if (whole.success) return whole.data;
  const { from, to, condition } = isJsonObject(edge) ? edge : {};
  const parts = edgeSchema.safeParse({ from, to, ...(typeof condition === "string" ? { condition } : {}) });
  return parts.success ? parts.data : { from: "", to: "" };
}
