/**
 * The chain of nodes that decides how long a run takes: the longest by weight, along every edge that could be taken.
 * Weights stand for how long a kind of node usually takes; they are estimates and say nothing of milliseconds.
 */
import { NODE_TYPES, type NodeKind, type NodeType } from "../node-types.ts";
import { longestPath, type Topology } from "../topology.ts";

/** An inline node costs next to nothing, a task a queue and a worker, and what waits waits for people or for time. */
export const INLINE_WEIGHT = 1;
export const TASK_WEIGHT = 100;
export const WAITING_WEIGHT = 1_000;

const WEIGHTS: Record<NodeKind, number> = { inline: INLINE_WEIGHT, task: TASK_WEIGHT, waiting: WAITING_WEIGHT };

export function weightOf(type: NodeType | undefined): number {
  return WEIGHTS[type?.kind ?? "inline"];
}

export interface CriticalPath {
  nodes: string[];
  weight: number;
}

/** `topology` is that of a definition's ways forward; types that are not known weigh as inline ones. */
export function criticalPath(nodes: readonly { id: string; type: string }[], topology: Topology): CriticalPath {
  const weights = new Map(nodes.map(({ id, type }) => [id, weightOf(NODE_TYPES.get(type))]));
  const path = longestPath(topology, (id) => weights.get(id) ?? INLINE_WEIGHT);
  return { nodes: path, weight: path.reduce((sum, id) => sum + (weights.get(id) ?? INLINE_WEIGHT), 0) };
}
