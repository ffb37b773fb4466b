/** What a definition amounts to at a glance: the answer of `POST /workflows/validate` and the rate-limit tier. */
import type { WorkflowDefinition } from "./definition.ts";
import { flowOf } from "./loops.ts";
import { criticalPath } from "./optimise/critical-path.ts";
import { topologyOf } from "./topology.ts";

export const TIERS = ["simple", "standard", "heavy"] as const;
export type Tier = (typeof TIERS)[number];

export interface WorkflowSummary {
  nodes: number;
  edges: number;
  agents: number;
  tier: Tier;
  entry: string[];
  terminal: string[];
  /** The chain that decides how long a run takes, by what kinds of nodes usually take. */
  critical_path: string[];
}

/** The tier by agents on the graph: none simple, one or two standard, more heavy. */
export function tierOf(agents: number): Tier {
  if (agents === 0) return "simple";
  return agents <= 2 ? "standard" : "heavy";
}

export function summarise(definition: WorkflowDefinition): WorkflowSummary {
  const ids = definition.nodes.map((node) => node.id);
  const { forward } = flowOf(definition);
  const topology = topologyOf(ids, forward);
  const plain = topologyOf(
    ids,
    forward.filter((edge) => edge.on !== "failure"),
  );
  const agents = definition.nodes.filter((node) => node.type === "agent").length;
  return {
    nodes: definition.nodes.length,
    edges: definition.edges.length,
    agents,
    tier: tierOf(agents),
    entry: ids.filter((id) => topology.predecessors.get(id)?.length === 0),
    terminal: ids.filter((id) => plain.successors.get(id)?.length === 0),
    critical_path: criticalPath(definition.nodes, topology).nodes,
  };
}
