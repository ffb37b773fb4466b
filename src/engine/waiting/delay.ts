/** The `delay` node: until its time has come. */
import { nodeError } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import { WAIT_MS_MAX } from "#workflow/limits.ts";
import { emitStarted } from "../beginning.ts";
import { complete } from "../ending.ts";
import type { Transition } from "../transition.ts";
import { beginWait, failAtOnce } from "./begin.ts";

export function startDelay(transition: Transition, path: string, visit: number, config: JsonObject): void {
  const { nowMs } = transition;
  const { duration_ms: durationMs, until } = config;
  const dueAt = typeof durationMs === "number" ? nowMs + durationMs : Date.parse(String(until));
  if (!Number.isFinite(dueAt) || dueAt - nowMs > WAIT_MS_MAX) {
    const message = `the delay ends at no time within ${WAIT_MS_MAX} ms: ${String(until ?? durationMs).slice(0, 100)}`;
    failAtOnce(transition, path, visit, nodeError("expression_failed", message));
  } else if (dueAt <= nowMs) {
    emitStarted(transition, path, visit, 1);
    complete(transition, path, { waited_ms: 0 });
  } else beginWait(transition, path, visit, { kind: "timer" }, { timer: "delay", due_at: dueAt });
}

export function delayIsOver(transition: Transition, path: string): void {
  const since = transition.nodeState(path).started_at ?? transition.nowMs;
  complete(transition, path, { waited_ms: transition.nowMs - since });
}
