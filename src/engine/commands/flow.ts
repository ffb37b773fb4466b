/** Cancel, pause and resume: whether a run goes on at all. */
import { cancelNode } from "../ending.ts";
import { isTerminal } from "../state.ts";
import type { Transition } from "../transition.ts";
import { type Decided, DONE } from "./command.ts";

/** Every node that has not ended is cancelled, and the run with it. */
export function cancel(transition: Transition, reason: string | undefined): Decided {
  const { state } = transition;
  if (isTerminal(state.status)) return hasEnded(transition);
  for (const path of [...state.active]) if (state.active.has(path)) cancelNode(transition, path);
  transition.emit({ type: "run.cancelled", ...(reason === undefined ? {} : { reason }) });
  return DONE;
}

/** Nothing starts from here on; what runs ends. Pausing a paused run changes nothing. */
export function pause(transition: Transition, reason: string | undefined): Decided {
  const { status } = transition.state;
  if (isTerminal(status)) return hasEnded(transition);
  if (status !== "paused") transition.emit({ type: "run.paused", ...(reason === undefined ? {} : { reason }) });
  return DONE;
}

/** What was held starts now. Resuming a run that is not paused changes nothing. */
export function resume(transition: Transition): Decided {
  const { status } = transition.state;
  if (isTerminal(status)) return hasEnded(transition);
  if (status === "paused") transition.emit({ type: "run.resumed" });
  return DONE;
}

export function hasEnded(transition: Transition): { ok: false; error: { code: "conflict"; message: string } } {
  return { ok: false, error: { code: "conflict", message: `the run has ${transition.state.status} already` } };
}
