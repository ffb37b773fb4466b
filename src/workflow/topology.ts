/** Plain graph questions about nodes and edges: cycles, ancestors, the longest path. Knows nothing of node types. */
import type { EdgeDefinition } from "./definition.ts";

export interface Topology {
  ids: readonly string[];
  successors: ReadonlyMap<string, readonly string[]>;
  predecessors: ReadonlyMap<string, readonly string[]>;
}

/** Edges whose ends are unknown are left out: they are reported elsewhere. */
export function topologyOf(ids: readonly string[], edges: readonly EdgeDefinition[]): Topology {
  const successors = new Map<string, string[]>(ids.map((id) => [id, []]));
  const predecessors = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) {
    if (!successors.has(from) || !predecessors.has(to)) continue;
    successors.get(from)?.push(to);
    predecessors.get(to)?.push(from);
  }
  return { ids, successors, predecessors };
}

/** Node ids so that each stands after all its predecessors; nodes on or behind a cycle are missing. */
export function topologicalOrder(topology: Topology): string[] {
  const open = new Map(topology.ids.map((id) => [id, topology.predecessors.get(id)?.length ?? 0]));
  const order = topology.ids.filter((id) => open.get(id) === 0);
  for (let i = 0; i < order.length; i++) {
    for (const next of topology.successors.get(order[i] ?? "") ?? []) {
      const left = (open.get(next) ?? 0) - 1;
      open.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  return order;
}

/** One cycle as the nodes along it, the first repeated at the end; null when there is none. */
export function findCycle(topology: Topology): string[] | null {
  const ordered = new Set(topologicalOrder(topology));
  const start = topology.ids.find((id) => !ordered.has(id));
  if (start === undefined) return null;
  // Walking backwards from a node that could not be ordered must meet a node twice.
  const seen = new Map<string, number>();
  const path: string[] = [];
  let current: string | undefined = start;
  while (current !== undefined && !seen.has(current)) {
    seen.set(current, path.length);
    path.push(current);
    current = topology.predecessors.get(current)?.find((id) => !ordered.has(id));
  }
  if (current === undefined) return null;
  const cycle = path.slice(seen.get(current)).reverse();
  return [...cycle, cycle[0] ?? current];
}

/** All nodes from which `id` can be reached, without `id` itself unless it lies on a cycle. */
export function ancestorsOf(topology: Topology, id: string): Set<string> {
  const found = new Set<string>();
  const stack = [...(topology.predecessors.get(id) ?? [])];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    stack.push(...(topology.predecessors.get(next) ?? []));
  }
  return found;
}

/** The path with the most nodes, or by weight of its nodes the heaviest, in an acyclic graph. */
export function longestPath(topology: Topology, weightOf: (id: string) => number = () => 1): string[] {
  const length = new Map<string, number>();
  const before = new Map<string, string>();
  let end: string | undefined;
  for (const id of topologicalOrder(topology)) {
    let best = 0;
    for (const predecessor of topology.predecessors.get(id) ?? []) {
      const reached = length.get(predecessor) ?? 0;
      if (reached > best) {
        best = reached;
        before.set(id, predecessor);
      }
    }
    const reached = best + weightOf(id);
    length.set(id, reached);
    if (end === undefined || reached > (length.get(end) ?? 0)) end = id;
  }
  const path: string[] = [];
  for (let id = end; id !== undefined; id = before.get(id)) path.unshift(id);
  return path;
}
