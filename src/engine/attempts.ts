/** How an attempt is made: within the transition, or as a task on its queue; and how a lost one is sent again. */
import { withSharedWork } from "#expression/work.ts";
import { nodeError } from "#kernel/errors.ts";
import { emitStarted, viaOf, warnOfMissing } from "./beginning.ts";
import { complete, failAttempt } from "./ending.ts";
import { runInline } from "./inline/run-inline.ts";
import { FAULTS_MAX, NODE_WORK_MAX } from "./limits.ts";
import { seededUuid } from "./random.ts";
import { renderTask } from "./render-task.ts";
import { shadowOf } from "./shadow.ts";
import { dispatchDeadlineMs } from "./task.ts";
import type { Transition } from "./transition.ts";

/** Starts what is done on a node's behalf, which never waits: an item, an escalation. */
export function startPart(transition: Transition, path: string, visit: number): void {
  if (transition.node(path).type.kind === "task") startTask(transition, path, visit);
  else startInline(transition, path, visit);
}

export function startTask(transition: Transition, path: string, visit: number): void {
  queueAttempt(transition, path, visit, 1, { sends: 1, faults: 0 });
}

export function startInline(transition: Transition, path: string, visit: number): void {
  const { scope, state, nowMs } = transition;
  const node = transition.node(path);
  emitStarted(transition, path, visit, 1);
  const result = withSharedWork(NODE_WORK_MAX, () =>
    runInline(node, {
      scope,
      nowMs,
      uuid: () => seededUuid(`${state.run_id}/${path}/${visit}`),
      missing: (condition) => warnOfMissing(transition, path, condition),
    }),
  );
  if (!result.ok) {
    failAttempt(transition, path, result.error);
    return;
  }
  const stored = node.type.passesThrough === true ? scope.storedInput(node) : null;
  complete(transition, path, result.value, stored === null ? {} : { stored });
}

/** Hands an attempt to the node's queue; a config that cannot be rendered fails the node instead. */
export function queueAttempt(
  transition: Transition,
  path: string,
  visit: number,
  attempt: number,
  counts: { sends: number; faults: number },
): void {
  const node = transition.node(path);
  const task = renderTask(transition.state, node, transition.scope, { visit, attempt });
  if (!task.ok) {
    emitStarted(transition, path, visit, attempt);
    failAttempt(transition, path, task.error);
    return;
  }
  const shadow = shadowOf(transition.state, task.value);
  if (shadow !== null) {
    emitStarted(transition, path, visit, attempt);
    complete(transition, path, shadow);
    return;
  }
  const dueAt = transition.nowMs + dispatchDeadlineMs(counts.sends);
  const identity = transition.newIdentity(path, visit, attempt);
  transition.emit({ type: "node.queued", ...identity, due_at: dueAt, ...counts, ...viaOf(transition, node) });
  transition.effects.push({ type: "dispatch", task: task.value });
}

/** Sends the current attempt again, or gives it up as lost after too many times. */
export function resend(transition: Transition, path: string, fault: boolean): void {
  const { visit, attempt, sends, faults } = transition.nodeState(path);
  const counts = { sends: sends + 1, faults: faults + (fault ? 1 : 0) };
  if (counts.faults > FAULTS_MAX) {
    const error = nodeError("worker_lost", `no answer after ${FAULTS_MAX} tries to have it executed`);
    failAttempt(transition, path, error);
  } else queueAttempt(transition, path, visit, attempt, counts);
}
