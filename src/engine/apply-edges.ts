/** How resolved edges are counted at the nodes they lead to, and how a loop's pass or a replay takes that back. */
import { edgeTarget } from "#workflow/graph.ts";
import { nodeStateOf } from "./apply-node.ts";
import { type NodeState, newNodeState, type RunState } from "./state.ts";

export function resolveEdges(
  state: RunState,
  from: string,
  targets: readonly string[],
  outcome: "taken" | "dead",
): void {
  for (const target of targets) {
    const key = `${from}>${target}`;
    state.edges.set(key, outcome);
    const node = nodeStateOf(state, edgeTarget(key));
    node.resolved += 1;
    if (outcome === "taken") {
      node.taken += 1;
      node.via ??= from;
    }
  }
}

/**
 * A loop's next pass: edges with both ends in the body are unresolved and its nodes pending again; edges from outside
 * keep their resolution. Inner loops begin anew.
 */
export function resetPass(
  state: RunState,
  loop: string,
  pass: number,
  reset: readonly string[],
  heads: readonly string[],
): void {
  const body = new Set(reset);
  const within = [...state.edges.keys()].filter((key) => body.has(edgeSource(key)) && body.has(edgeTarget(key)));
  unresolve(state, within);
  for (const id of reset) {
    toPending(state, id);
    if (id !== loop) state.passes.delete(id);
  }
  state.passes.set(loop, pass);
  for (const head of heads) nodeStateOf(state, head).again = true;
}

/** A replay: these nodes are pending again, and what they led to is unresolved. Loops that it enters begin anew. */
export function resetNodes(
  state: RunState,
  reset: readonly string[],
  anew: { loops: readonly string[]; heads: readonly string[] } = { loops: [], heads: [] },
): void {
  const nodes = new Set(reset);
  unresolve(
    state,
    [...state.edges.keys()].filter((key) => nodes.has(edgeSource(key))),
  );
  for (const id of reset) {
    // Where it came from has not changed: what a loop's way back began is begun by it once more.
    const { again } = nodeStateOf(state, id);
    toPending(state, id);
    nodeStateOf(state, id).again = again;
    state.unhandled.delete(id);
  }
  for (const loop of anew.loops) state.passes.delete(loop);
  for (const head of anew.heads) nodeStateOf(state, head).again = false;
}

export function unresolve(state: RunState, keys: readonly string[]): void {
  for (const key of keys) {
    const outcome = state.edges.get(key);
    if (outcome === undefined) continue;
    state.edges.delete(key);
    const node = nodeStateOf(state, edgeTarget(key));
    node.resolved -= 1;
    if (outcome === "taken") node.taken -= 1;
    if (node.via === edgeSource(key)) node.via = null;
  }
}

/** What a node keeps when it is to run again: its visits, its resolved edges, and its last output to be read. */
function toPending(state: RunState, id: string): void {
  const node = nodeStateOf(state, id);
  const { visit, resolved, taken, output, began_seq, ended_seq, status } = node;
  // A node that was skipped or failed in this pass gives nothing to the next.
  const previous = status === "completed" || status === "pending" ? node.previous : null;
  // An `any` join is led by an edge from outside the body, if one was taken.
  const via = taken > 0 ? (node.via ?? takenFrom(state, id)) : null;
  const { approval } = node;
  const kept: Partial<NodeState> = { approval, visit, resolved, taken, via, output, previous, began_seq, ended_seq };
  Object.assign(node, newNodeState(), kept);
  state.active.delete(id);
}

function takenFrom(state: RunState, id: string): string | null {
  for (const [key, outcome] of state.edges) if (outcome === "taken" && edgeTarget(key) === id) return edgeSource(key);
  return null;
}

function edgeSource(key: string): string {
  return key.slice(0, key.indexOf(">"));
}
