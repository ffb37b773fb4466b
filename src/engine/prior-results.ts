/**
 * Results that a run takes over from the one it replays: what ended before the node that it begins from, byte for byte
 * (invariant 9). Only what is the same in both workflows, with all that led to it, is taken over.
 */
import { isEqualJson, type Json } from "#kernel/json.ts";
import { type CompiledGraph, type CompiledNode, downstream } from "#workflow/graph.ts";
import { type ReadStored, Scope } from "./scope.ts";
import type { NodeState, RunState } from "./state.ts";
import type { Transition } from "./transition.ts";

export interface PriorResults {
  state: RunState;
  graph: CompiledGraph;
  readStored: ReadStored;
  /** The node that the new run begins from. */
  from: string;
}

export function takeOver(transition: Transition, prior: PriorResults): void {
  const { state, graph, readStored } = prior;
  const kept = keptNodes(prior, transition.graph);
  const scope = new Scope(state, graph, readStored);
  const ended = [...kept].sort((left, right) => endedSeq(state, left) - endedSeq(state, right));
  for (const id of ended) {
    const node = state.nodes.get(id);
    if (node === undefined) continue;
    emitEnd(transition, id, node, scope, state.run_id);
    const edges = transition.graph.nodes.get(id)?.outgoing ?? [];
    const of = (outcome: "taken" | "dead") =>
      edges.filter((edge) => state.edges.get(edge.key) === outcome).map((edge) => edge.key.slice(id.length + 1));
    const [taken, dead] = [of("taken"), of("dead")];
    if (taken.length + dead.length > 0) {
      transition.emit({ type: "edge.resolved", node: id, visit: transition.nodeState(id).visit, taken, dead });
    }
    for (const edge of edges) transition.visit(edge.to);
  }
}

function emitEnd(transition: Transition, id: string, node: NodeState, scope: Scope, from: string): void {
  const identity = { ...transition.newIdentity(id, 1, node.attempt), reused_from: from };
  const metrics = node.metrics === null ? {} : { metrics: node.metrics };
  if (node.status === "skipped") {
    transition.emit({ type: "node.skipped", ...identity, visit: 0, reason: "dead_path" });
  } else if (node.status === "failed" && node.error !== null) {
    transition.emit({ type: "node.failed", ...identity, error: node.error, handled: true, ...metrics });
  } else {
    const output: Json = scope.output(id);
    const kept = transition.keep(id, 1, output);
    if (kept.ok) transition.store(kept.value);
    // It was kept before, within the same bounds.
    const stored = kept.ok ? kept.value.stored : { value: null };
    const error = node.error === null ? {} : { error: node.error };
    transition.emit({ type: "node.completed", ...identity, output: stored, ...error, ...metrics });
  }
}

function endedSeq(state: RunState, id: string): number {
  return state.nodes.get(id)?.ended_seq ?? 0;
}

/** Nodes whose results stand: ended, not downstream of `from`, the same in both graphs, and led to by such alone. */
function keptNodes({ state, graph, from }: PriorResults, to: CompiledGraph): Set<string> {
  // A loop that the node is in begins again from its first pass.
  const outermost = to.nodes.get(from)?.loops.at(-1);
  const begun = outermost === undefined ? [from] : [...(to.nodes.get(outermost)?.loop?.body ?? [])];
  const kept = new Set<string>();
  for (const [id, node] of to.nodes) {
    const before = graph.nodes.get(id);
    if (before !== undefined && hasResult(state, id) && isSameNode(before, node)) kept.add(id);
  }
  let dropped = downstream(to, begun);
  while (dropped.size > 0) {
    for (const id of dropped) kept.delete(id);
    const loose = [...kept].filter((id) => !isLedTo(to, id, kept));
    dropped = downstream(to, loose);
  }
  return kept;
}

function hasResult(state: RunState, id: string): boolean {
  const node = state.nodes.get(id);
  if (node === undefined || state.unhandled.has(id)) return false;
  return node.status === "completed" || node.status === "failed" || node.status === "skipped";
}

/** All that leads to it, and the rest of the loop it is in, stands too. */
function isLedTo(graph: CompiledGraph, id: string, kept: ReadonlySet<string>): boolean {
  const node = graph.nodes.get(id);
  const loop = graph.nodes.get(node?.loops.at(-1) ?? "")?.loop;
  return (
    (node?.incoming.every((edge) => kept.has(edge.from)) ?? false) &&
    (loop === undefined || loop === null || [...loop.body].every((other) => kept.has(other)))
  );
}

function isSameNode(left: CompiledNode, right: CompiledNode): boolean {
  const edges = ({ incoming, outgoing }: CompiledNode) =>
    [...incoming, ...outgoing].map(({ key, on, branch, condition, exits }) => ({
      key,
      on,
      branch: branch ?? null,
      condition: condition ?? null,
      exits: [...exits],
    }));
  return (
    isEqualJson(left.definition as unknown as Json, right.definition as unknown as Json) &&
    isEqualJson(edges(left), edges(right))
  );
}
