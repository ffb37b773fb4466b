/** A named event from outside: goes to every node that waits for it, else it is kept until one does. */
import { failAttempt, runIsFull } from "../ending.ts";
import { RUN_STORED_BYTES_MAX, SIGNALS_KEPT_MAX } from "../limits.ts";
import { SIGNAL_PATH } from "../scope.ts";
import { isTerminal } from "../state.ts";
import type { Transition } from "../transition.ts";
import { matches, takeSignal, warnOfMatch } from "../waiting/event.ts";
import { type Decided, DONE, type RunCommand, refuse } from "./command.ts";
import { hasEnded } from "./flow.ts";

export function signal(transition: Transition, { name, payload }: Extract<RunCommand, { type: "signal" }>): Decided {
  const { state } = transition;
  if (isTerminal(state.status)) return hasEnded(transition);
  const waiting = [...state.active].filter((path) => {
    const { wait, status } = transition.nodeState(path);
    return status === "waiting" && wait?.kind === "event" && wait.event === name;
  });
  const judged = waiting.map((path) => ({ path, match: matches(transition, path, payload) }));
  const takers = judged.filter(({ match }) => match.ok && match.value === "yes").map(({ path }) => path);
  if (takers.length === 0 && state.signals.length >= SIGNALS_KEPT_MAX) {
    return refuse("conflict", `${SIGNALS_KEPT_MAX} signals wait for a node to take them already; no more are kept`);
  }
  // It is stored under the number of its own event.
  const seq = state.seq + 1;
  const kept = transition.keep(SIGNAL_PATH, seq, payload);
  const beside = kept.ok && "stored_bytes" in kept.value.stored ? kept.value.stored.stored_bytes : 0;
  if (!kept.ok || state.stored_bytes + beside > RUN_STORED_BYTES_MAX) return refuse("conflict", runIsFull().message);
  transition.store(kept.value);
  transition.emit({ type: "signal.received", name, payload: kept.value.stored, delivered_to: takers });
  for (const { path, match } of judged) {
    // The one before may have failed the run, and cancelled this.
    if (!state.active.has(path)) continue;
    if (!match.ok) failAttempt(transition, path, match.error);
    else if (match.value === "yes") takeSignal(transition, path, seq, payload, kept.value.stored);
    else if (match.value === "missing") warnOfMatch(transition, path);
  }
  return DONE;
}
