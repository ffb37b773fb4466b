/** The first events of a waiting node's visit. */
import type { NodeError } from "#kernel/errors.ts";
import { emitStarted, viaOf } from "../beginning.ts";
import { failAttempt } from "../ending.ts";
import type { Timer, Wait } from "../events.ts";
import type { Transition } from "../transition.ts";

/** The visit begins and fails in one. */
export function failAtOnce(transition: Transition, path: string, visit: number, error: NodeError): void {
  emitStarted(transition, path, visit, 1);
  failAttempt(transition, path, error);
}

/** The visit begins, and waits. */
export function beginWait(
  transition: Transition,
  path: string,
  visit: number,
  wait: Wait,
  timer: { timer: Timer; due_at: number } | null,
): void {
  const identity = transition.newIdentity(path, visit, 1);
  transition.emit({ type: "node.waiting", ...identity, wait, ...viaOf(transition, transition.node(path)) });
  if (timer !== null) transition.emit({ type: "timer.set", node: path, visit, ...timer });
}
