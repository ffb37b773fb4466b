/**
 * Runs one node again with the input it had, then what is downstream of it: on a failed run, or on any by force. What
 * the failure had cancelled runs again too, since a join may wait for it.
 */
import { isEqualJson, type Json, type JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { type CompiledGraph, downstream } from "#workflow/graph.ts";
import { cancelNode } from "../ending.ts";
import { REPLAYS_PER_RUN_MAX } from "../limits.ts";
import { nodeOf } from "../path.ts";
import { isTerminal } from "../state.ts";
import type { Transition } from "../transition.ts";
import { type Decided, DONE, type RunCommand, refuse } from "./command.ts";

export function replayNode(transition: Transition, command: Extract<RunCommand, { type: "replay_node" }>): Decided {
  const { node: path, config, reason, force, by } = command;
  const { state, graph } = transition;
  const node = graph.nodes.get(path);
  if (node === undefined) return refuse("not_found", `the run has no node "${path.slice(0, 100)}"`);
  if (state.status !== "failed" && !force) {
    return refuse("conflict", `the run is ${state.status}, not failed: say "force_replay": true to do it all the same`);
  }
  if (!isTerminal(state.status) && state.failing !== null) {
    return refuse("conflict", "the run is about to fail: try again when it has");
  }
  const { visit, status } = transition.nodeState(path);
  if (visit === 0 || status === "skipped") return refuse("conflict", `"${path}" has not run yet`);
  if (state.generation + state.replays.length > REPLAYS_PER_RUN_MAX) {
    return refuse("conflict", `a run is replayed at most ${REPLAYS_PER_RUN_MAX} times`);
  }
  if (config !== undefined) {
    const refusal = refuseConfig(graph, path, config);
    if (refusal !== null) return refusal;
  }
  const begun = isTerminal(state.status) ? [...state.nodes].filter(([, each]) => each.status === "cancelled") : [];
  const seeds = [path, ...begun.map(([id]) => id).filter((id) => graph.nodes.has(id))];
  const reset = downstream(graph, seeds);
  const anew = loopsBegunAnew(transition, seeds);
  for (const active of [...state.active]) {
    if (reset.has(nodeOf(active)) && state.active.has(active)) cancelNode(transition, active);
  }
  const isReopened = isTerminal(state.status);
  transition.emit({
    type: "replay.requested",
    by,
    node: path,
    reset: [...reset],
    ...(anew.loops.length === 0 ? {} : { begun_anew: anew }),
    ...(reason === null ? {} : { reason }),
    ...(config === undefined ? {} : { config }),
  });
  if (isReopened) transition.emit({ type: "run.reopened", generation: state.generation + 1 });
  transition.visit(path);
  return DONE;
}

/**
 * Loops past their first pass that are led into from outside of their bodies once more: they begin from their first
 * pass, and their heads wait for that way in. A head that another loop's way back led to stays begun by that.
 */
function loopsBegunAnew({ graph, state }: Transition, seeds: readonly string[]) {
  const loops: string[] = [];
  const heads = new Set<string>();
  for (const id of state.passes.keys()) {
    const loop = graph.nodes.get(id)?.loop ?? null;
    if (loop === null) continue;
    const outside = seeds.filter((seed) => !loop.body.has(seed));
    if (!downstream(graph, outside).has(loop.head)) continue;
    loops.push(id);
    heads.add(loop.head);
  }
  const isLedBack = (head: string) =>
    [...state.passes.keys()].some((id) => graph.nodes.get(id)?.loop?.head === head && !loops.includes(id));
  return { loops, heads: [...heads].filter((head) => !isLedBack(head)) };
}

/** The whole definition is judged with the node's new config, as if it were saved so. */
function refuseConfig(graph: CompiledGraph, path: string, config: JsonObject) {
  const { definition } = graph;
  const index = definition.nodes.findIndex((node) => node.id === path);
  const node = definition.nodes[index];
  if (node === undefined) return null;
  const merged = { ...node.config, ...config };
  const fixed = ["loop_back_to", "break_path", "timeout_path"];
  const changed = fixed.filter((key) => !isEqualJson(merged[key] ?? null, node.config?.[key] ?? null));
  if (node.type === "loop" && changed.length > 0) {
    const details = changed.map((key) => ({ pointer: `/config/${key}`, message: "is part of the graph: use a patch" }));
    return refuse("invalid", "the config does not fit", details);
  }
  const nodes = definition.nodes.map((each, at) => (at === index ? { ...each, config: merged } : each));
  const { errors } = checkWorkflow({ ...definition, nodes });
  if (errors.length === 0) return null;
  const base = `/nodes/${index}`;
  const details = errors.map(({ pointer, message }) => ({
    pointer: pointer.startsWith(base) ? pointer.slice(base.length) : pointer,
    message,
  }));
  return refuse("invalid", "the config does not fit", details as unknown as Json);
}
