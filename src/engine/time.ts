/** What time brings: retries, deadlines and timers that are due, and what a lost queue or process owes to a run. */
import { nodeError } from "#kernel/errors.ts";
import { queueAttempt, resend } from "./attempts.ts";
import { cancelNode, failAttempt } from "./ending.ts";
import { FAULTS_MAX } from "./limits.ts";
import type { NodeState } from "./state.ts";
import type { Transition } from "./transition.ts";
import { approvalEndsBy, approvalIsOverdue, escalate } from "./waiting/approval.ts";
import { lookAfterChild } from "./waiting/child.ts";
import { delayIsOver } from "./waiting/delay.ts";
import { eventIsOverdue } from "./waiting/event.ts";

export function tick(transition: Transition): void {
  const { state, nowMs } = transition;
  for (const path of [...state.active]) {
    const { due } = transition.nodeState(path);
    // An earlier one of this loop may have failed the run and cancelled this.
    if (due === null || due.at > nowMs || !state.active.has(path)) continue;
    // A paused run begins nothing, also no further attempt.
    if (state.status === "paused" && due.kind === "retry") continue;
    if (due.kind === "escalation" && approvalEndsBy(transition, path, nowMs)) continue;
    // Nor does it ask anybody else.
    if (state.status === "paused" && due.kind === "escalation") continue;
    takeDue(transition, path, due);
  }
}

function takeDue(transition: Transition, path: string, due: NonNullable<NodeState["due"]>): void {
  const { visit, attempt, sends, faults } = transition.nodeState(path);
  switch (due.kind) {
    case "retry":
      queueAttempt(transition, path, visit, attempt + 1, { sends: 1, faults });
      return;
    case "dispatch":
      if (sends > FAULTS_MAX) {
        const message = `sent ${sends} times and nothing was heard of it`;
        failAttempt(transition, path, nodeError("worker_lost", message));
      } else resend(transition, path, false);
      return;
    case "execution":
      failAttempt(transition, path, nodeError("timeout", "the worker did not report back in time"));
      return;
    case "child_look":
      lookAfterChild(transition, path);
      return;
    default:
  }
  transition.emit({ type: "timer.fired", node: path, visit, timer: due.kind });
  if (due.kind === "delay") delayIsOver(transition, path);
  else if (due.kind === "event_timeout") eventIsOverdue(transition, path);
  else if (due.kind === "escalation") escalate(transition, path);
  else approvalIsOverdue(transition, path);
}

/** `executing`: whoever was executing a task is gone too, which is a fault of the platform and not of the attempt. */
export function resendTasks(transition: Transition, executing: boolean): void {
  const { state } = transition;
  for (const path of [...state.active]) {
    const { due } = transition.nodeState(path);
    if (!state.active.has(path)) continue;
    if (due?.kind === "dispatch") resend(transition, path, false);
    else if (due?.kind === "child_look") lookAfterChild(transition, path);
    else if (due?.kind === "execution" && executing) {
      // Rule 6: a run that is failing starts nothing, not even again.
      if (state.failing === null) resend(transition, path, true);
      else cancelNode(transition, path);
    }
  }
}

/** The run has ended, and who was to cancel its children may have been lost. */
export function childrenLeftBehind(transition: Transition): void {
  for (const { status, wait } of transition.state.nodes.values()) {
    if (status !== "cancelled" || wait?.kind !== "child") continue;
    transition.effects.push({ type: "cancel_child", run_id: wait.run_id });
  }
}
