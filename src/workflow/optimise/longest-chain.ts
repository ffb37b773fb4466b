/** The pass that names the longest chain of a workflow when putting requests side by side makes it shorter. */
import { flowOf } from "../loops.ts";
import { topologyOf } from "../topology.ts";
import { type CriticalPath, criticalPath } from "./critical-path.ts";
import type { ParallelSuggestion } from "./parallel-requests.ts";
import type { Revision } from "./revision.ts";
import { nameNodes, type Suggestion } from "./suggestion.ts";

/** Offers the one change of `parallel` that shortens the chain most. */
export function longestChain(definition: Revision["after"], parallel: readonly ParallelSuggestion[]): Suggestion[] {
  if (parallel.length === 0) return [];
  const now = pathOf(definition);
  const onPath = new Set(now.nodes);
  let best: { suggestion: Suggestion; weight: number } | null = null;
  for (const { suggestion, after } of parallel) {
    if (!suggestion.nodes.every((id) => onPath.has(id))) continue;
    const { weight } = pathOf(after);
    if (weight < (best?.weight ?? now.weight)) best = { suggestion, weight };
  }
  if (best === null) return [];
  const { suggestion, weight } = best;
  return [
    {
      ...suggestion,
      kind: "critical_path",
      message: `the longest chain is ${nameNodes(now.nodes)}: ${suggestion.message}, which shortens it from ${now.weight} to ${weight}`,
      nodes: now.nodes,
      saves: { path_weight: now.weight - weight },
    },
  ];
}

function pathOf({ nodes, edges }: Revision["after"]): CriticalPath {
  const ids = nodes.map((node) => node.id);
  return criticalPath(nodes, topologyOf(ids, flowOf({ nodes, edges }).forward));
}
