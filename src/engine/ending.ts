/** How a node ends, and where that leads: its output is kept or it fails, then its edges are resolved. */
import { withSharedWork } from "#expression/work.ts";
import { type NodeError, nodeError, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { CompiledEdge } from "#workflow/graph.ts";
import { warnOfMissing } from "./beginning.ts";
import type { StoredValue } from "./events.ts";
import { loopOutcome } from "./inline/loop.ts";
import { MISSING_FIELD_WARNINGS_MAX, NODE_WORK_MAX, RUN_STORED_BYTES_MAX } from "./limits.ts";
import type { TaskMetrics } from "./metrics.ts";
import { nodeOf, partOf } from "./path.ts";
import { postponementMs, retryDelayMs } from "./retry.ts";
import { type Route, routeNode } from "./routing.ts";
import { errorObject } from "./scope.ts";
import type { Transition } from "./transition.ts";
import { askAboutBudget, asksAboutBudget } from "./waiting/budget-approval.ts";

/** What a completion brings besides its output. */
export interface Completion {
  metrics?: TaskMetrics;
  /** Set when the node failed and continues on error: its output is then the error object. */
  error?: NodeError;
  /** The output as it is stored already, when it was passed through. */
  stored?: StoredValue;
  /** The kept signal that the node has taken. */
  signal?: number;
}

export function complete(transition: Transition, path: string, output: Json, completion: Completion = {}): void {
  const { metrics, error, signal } = completion;
  const { state } = transition;
  const kept = completion.stored === undefined ? transition.keep(path, transition.nodeState(path).visit, output) : null;
  if (kept !== null && !kept.ok) {
    giveUp(transition, path, kept.error, completion);
    return;
  }
  const beside = kept !== null && "stored_bytes" in kept.value.stored ? kept.value.stored.stored_bytes : 0;
  if (state.stored_bytes + beside > RUN_STORED_BYTES_MAX) {
    giveUp(transition, path, runIsFull(), completion);
    return;
  }
  const isPart = partOf(path) !== null;
  const route = isPart || goesOn(transition, path, output) ? null : routeOf(transition, path, "success", output);
  if (route !== null && !route.ok) {
    giveUp(transition, path, route.error, completion);
    return;
  }
  if (kept !== null) transition.store(kept.value);
  transition.emit({
    type: "node.completed",
    ...transition.identity(path),
    output: kept?.value.stored ?? completion.stored ?? { value: output },
    ...(error ? { error } : {}),
    ...(metrics ? { metrics } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  // Its owner goes on, or ends.
  if (isPart) transition.visit(nodeOf(path));
  else if (route === null) beginPass(transition, path);
  else resolve(transition, path, route.value);
}

export function runIsFull(): NodeError {
  const message = `the run's large values have ${RUN_STORED_BYTES_MAX} bytes together, which is all a run may keep`;
  return nodeError("output_too_large", message);
}

function goesOn(transition: Transition, path: string, output: Json): boolean {
  return transition.node(path).loop !== null && loopOutcome(output) === "continue";
}

/** The loop's next pass: what its body still does is cancelled, and its head gets the loop node's output (rule 5). */
function beginPass(transition: Transition, path: string): void {
  const { loop } = transition.node(path);
  if (loop === null) return;
  for (const active of [...transition.state.active]) {
    if (loop.body.has(nodeOf(active)) && transition.state.active.has(active)) cancelNode(transition, active);
  }
  const { visit } = transition.nodeState(path);
  const pass = (transition.state.passes.get(path) ?? 0) + 1;
  const reset = [...loop.body];
  transition.emit({ type: "edge.resolved", node: path, visit, taken: [loop.head], dead: [], pass, reset });
  transition.visit(loop.head);
}

/** A completion that cannot stand is a failure; one that came of a failure already does not continue once more. */
function giveUp(transition: Transition, path: string, error: NodeError, completion: Completion): void {
  if (completion.error === undefined) endFailed(transition, path, error, completion.metrics);
  else failNode(transition, path, error, completion.metrics);
}

/** An attempt has failed: try again if the policy leaves one, else the node fails. */
export function failAttempt(transition: Transition, path: string, error: NodeError, metrics?: TaskMetrics): void {
  const { state, nowMs } = transition;
  if (partOf(path) === null && asksAboutBudget(transition, path, error)) {
    askAboutBudget(transition, path, error, metrics);
    return;
  }
  const { visit, attempt, postponements } = transition.nodeState(path);
  const seed = `${state.run_id}/${path}/${visit}/${attempt}`;
  const policy = transition.node(path).retry;
  const goesOn = state.failing === null;
  const postponement = goesOn ? postponementMs(error, postponements, seed) : null;
  const delay = postponement ?? (goesOn ? retryDelayMs(policy, error, attempt - postponements, seed) : null);
  if (delay === null) {
    endFailed(transition, path, error, metrics);
    return;
  }
  transition.emit({
    type: "node.retrying",
    ...transition.identity(path),
    error,
    retry_at: nowMs + delay,
    ...(postponement === null ? {} : { postponed: true }),
    ...(metrics ? { metrics } : {}),
  });
}

/** A node fails for good, unless it continues on error. */
export function endFailed(transition: Transition, path: string, error: NodeError, metrics?: TaskMetrics): void {
  if (!transition.node(path).continuesOnError) failNode(transition, path, error, metrics);
  else complete(transition, path, errorObject(error, path), { error, ...(metrics ? { metrics } : {}) });
}

export function failNode(transition: Transition, path: string, error: NodeError, metrics?: TaskMetrics): void {
  const measured = metrics ? { metrics } : {};
  if (partOf(path) !== null) {
    transition.emit({ type: "node.failed", ...transition.identity(path), error, handled: true, ...measured });
    transition.visit(nodeOf(path));
    return;
  }
  const route = routeOf(transition, path, "failure", errorObject(error, path));
  const handled = route.ok && route.value.taken.length > 0;
  transition.emit({ type: "node.failed", ...transition.identity(path), error, handled, ...measured });
  if (route.ok && handled) resolve(transition, path, route.value);
  else cancelWhatHasNotStarted(transition);
}

/** Rule 6: after an unhandled failure queued and waiting nodes are cancelled at once; running ones may end. */
function cancelWhatHasNotStarted(transition: Transition): void {
  for (const path of [...transition.state.active]) {
    const isThere = transition.state.active.has(path);
    if (isThere && transition.nodeState(path).status !== "running") cancelNode(transition, path);
  }
}

/** Cancels a node, with what is done on its behalf unless that runs already. */
export function cancelNode(transition: Transition, path: string): void {
  const { wait, status } = transition.nodeState(path);
  transition.emit({ type: "node.cancelled", ...transition.identity(path) });
  if (status === "waiting" && wait?.kind === "child") {
    transition.effects.push({ type: "cancel_child", run_id: wait.run_id });
  }
  for (const other of [...transition.state.active]) {
    if (partOf(other)?.owner === path) transition.emit({ type: "node.cancelled", ...transition.identity(other) });
  }
}

/** Where a node's end leads; leaves a warning for each condition that read a missing field. */
export function routeOf(
  transition: Transition,
  path: string,
  outcome: "success" | "failure",
  output: Json,
): Result<Route, NodeError> {
  const node = transition.node(path);
  const route = withSharedWork(NODE_WORK_MAX, () => routeNode(node, outcome, output, transition.scope));
  if (!route.ok) return route;
  for (const condition of route.value.missing.slice(0, MISSING_FIELD_WARNINGS_MAX)) {
    warnOfMissing(transition, path, condition);
  }
  return route;
}

/**
 * Resolves a node's edges. Those that would be dead but leave a loop's body are held back, since a later pass may take
 * them; when their loop ends they are resolved too.
 */
export function resolve(
  transition: Transition,
  path: string,
  route: { taken: readonly CompiledEdge[]; dead: readonly CompiledEdge[] },
): void {
  emitResolved(
    transition,
    path,
    route.taken,
    route.dead.filter((edge) => edge.leaves === null),
  );
  const { loop } = transition.node(path);
  if (loop === null) return;
  for (const id of loop.body) {
    const left = transition.node(id).outgoing.filter((edge) => edge.leaves === path);
    emitResolved(transition, id, [], left);
  }
}

function emitResolved(
  transition: Transition,
  path: string,
  taken: readonly CompiledEdge[],
  dead: readonly CompiledEdge[],
): void {
  const isOpen = (edge: CompiledEdge) => !transition.state.edges.has(edge.key);
  const openTaken = taken.filter(isOpen);
  const openDead = dead.filter(isOpen);
  if (openTaken.length + openDead.length === 0) return;
  const target = (edge: CompiledEdge) => edge.key.slice(path.length + 1);
  transition.emit({
    type: "edge.resolved",
    node: path,
    visit: transition.nodeState(path).visit,
    taken: openTaken.map(target),
    dead: openDead.map(target),
  });
  for (const edge of [...openTaken, ...openDead]) transition.visit(edge.to);
}
