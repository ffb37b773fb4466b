/**
 * Loops as edges: what `loop_back_to`, `break_path` and `timeout_path` mean for the graph, and which nodes are in a
 * loop's body (rule 5). Reads definitions leniently, so that a broken one can be judged too; what is wrong with a loop
 * is `check-loops.ts`.
 */
import type { Json } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "./definition.ts";
import { type Topology, topologyOf } from "./topology.ts";

export interface Loop {
  id: string;
  /** Its place in `nodes`. */
  index: number;
  /** Where each pass begins. */
  head: string;
  breakPath: readonly string[];
  timeoutPath: readonly string[];
}

/** When an edge out of a loop node is taken; `plain` stands in for a path that the loop does not have. */
export type LoopExit = "plain" | "break" | "timeout";

export interface FlowEdge extends EdgeDefinition {
  /** Its place in `edges`; null for one that a loop implies. */
  index: number | null;
  /** Out of a loop node: the outcomes that take it; empty elsewhere. */
  exits: readonly LoopExit[];
}

/** Every way that leads forward: the edges of `edges` and those that loops imply, without the ways back. */
export interface Flow {
  loops: readonly Loop[];
  forward: readonly FlowEdge[];
}

export function flowOf(definition: Pick<WorkflowDefinition, "nodes" | "edges">): Flow {
  const loops = loopsOf(definition.nodes);
  const byId = new Map(loops.map((loop) => [loop.id, loop]));
  const written = new Set<string>();
  const forward: FlowEdge[] = [];
  definition.edges.forEach((edge, index) => {
    const loop = byId.get(edge.from);
    if (loop === undefined || edge.on === "failure") {
      forward.push({ ...edge, index, exits: [] });
      return;
    }
    // A condition on it is reported elsewhere; it is the way back all the same.
    if (edge.to === loop.head) return;
    const isBare = edge.condition === undefined;
    const roles = rolesOf(loop, edge.to);
    if (isBare) written.add(`${edge.from}>${edge.to}`);
    forward.push({ ...edge, index, exits: roles.length === 0 || !isBare ? ["plain"] : roles });
  });
  for (const loop of loops) {
    for (const to of new Set([...loop.breakPath, ...loop.timeoutPath])) {
      if (written.has(`${loop.id}>${to}`) || to === loop.head) continue;
      forward.push({ from: loop.id, to, index: null, exits: rolesOf(loop, to) });
    }
  }
  return { loops, forward };
}

function rolesOf(loop: Loop, to: string): LoopExit[] {
  return [
    ...(loop.breakPath.includes(to) ? (["break"] as const) : []),
    ...(loop.timeoutPath.includes(to) ? (["timeout"] as const) : []),
  ];
}

function loopsOf(nodes: readonly NodeDefinition[]): Loop[] {
  return nodes.flatMap(({ id, type, config }, index) => {
    if (type !== "loop" || typeof config?.loop_back_to !== "string") return [];
    const { loop_back_to: head, break_path: breakPath, timeout_path: timeoutPath } = config;
    return [{ id, index, head, breakPath: idsOf(breakPath), timeoutPath: idsOf(timeoutPath) }];
  });
}

function idsOf(value: Json | undefined): string[] {
  return [value ?? []].flat().filter((id) => typeof id === "string");
}

/** The nodes on paths from the head to the loop node, both included; empty when no path leads there. */
export function bodyOf(loop: Loop, forward: Topology): Set<string> {
  const behind = reachable(loop.head, forward.successors);
  if (!behind.has(loop.id)) return new Set();
  const before = reachable(loop.id, forward.predecessors);
  return new Set([...behind].filter((id) => before.has(id)));
}

function reachable(start: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set([start]);
  for (const id of found) for (const other of next.get(id) ?? []) found.add(other);
  return found;
}

/** Every way, also back: what can have run before what. */
export function wholeTopology(ids: readonly string[], { forward, loops }: Flow): Topology {
  return topologyOf(ids, [...forward, ...loops.map((loop) => ({ from: loop.id, to: loop.head }))]);
}
