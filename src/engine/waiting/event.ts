/** The `wait_for_event` node: until a signal of its name comes that matches, or came before. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { emitStarted, warnOfMissing } from "../beginning.ts";
import { complete, failAttempt } from "../ending.ts";
import type { StoredValue } from "../events.ts";
import { describe } from "../inline/aggregate.ts";
import { SIGNAL_PATH } from "../scope.ts";
import type { Transition } from "../transition.ts";
import { beginWait, failAtOnce } from "./begin.ts";

export function startEvent(transition: Transition, path: string, visit: number, config: JsonObject): void {
  const event = String(config.event);
  for (const kept of transition.state.signals) {
    if (kept.name !== event) continue;
    const payload = transition.scope.read(kept.payload, SIGNAL_PATH, kept.seq);
    const matched = matches(transition, path, payload);
    if (!matched.ok) {
      failAtOnce(transition, path, visit, matched.error);
      return;
    }
    if (matched.value === "missing") warnOfMatch(transition, path);
    if (matched.value !== "yes") continue;
    emitStarted(transition, path, visit, 1);
    complete(transition, path, payload, { ...passedOn(kept.payload, kept.seq), signal: kept.seq });
    return;
  }
  const { timeout_ms: timeoutMs } = config;
  const dueAt = typeof timeoutMs === "number" ? transition.nowMs + timeoutMs : null;
  const timer = dueAt === null ? null : { timer: "event_timeout" as const, due_at: dueAt };
  beginWait(transition, path, visit, { kind: "event", event }, timer);
}

/** Gives a signal to a node that waits for its name and matched it. */
export function takeSignal(
  transition: Transition,
  path: string,
  seq: number,
  payload: Json,
  stored: StoredValue,
): void {
  complete(transition, path, payload, passedOn(stored, seq));
}

/** A large payload is kept once, with its signal. */
function passedOn(stored: StoredValue, seq: number): { stored?: StoredValue } {
  return "value" in stored ? {} : { stored: { ...stored, at: { path: SIGNAL_PATH, visit: seq } } };
}

/** Whether the node's `match`, in which `output` is the payload, holds; a field that is not there means no. */
export function matches(
  transition: Transition,
  path: string,
  payload: Json,
): Result<"yes" | "no" | "missing", NodeError> {
  const program = transition.node(path).programs.get("match");
  if (program === undefined) return ok("yes");
  const held = program.evaluate(transition.scope.variables(program, { path, output: payload }));
  if (!held.ok) return held.error.details?.missing === true ? ok("missing") : held;
  if (typeof held.value === "boolean") return ok(held.value ? "yes" : "no");
  return fail(nodeError("expression_failed", `match gives ${describe(held.value)}, not true or false`));
}

export function warnOfMatch(transition: Transition, path: string): void {
  warnOfMissing(transition, path, transition.node(path).programs.get("match")?.source ?? "");
}

export function eventIsOverdue(transition: Transition, path: string): void {
  const { wait, started_at: since } = transition.nodeState(path);
  const name = wait?.kind === "event" ? wait.event : "";
  const message = `the event "${name}" did not come within ${transition.nowMs - (since ?? transition.nowMs)} ms`;
  failAttempt(transition, path, nodeError("event_timeout", message));
}
