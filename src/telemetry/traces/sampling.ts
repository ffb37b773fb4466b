/**
 * Which runs are exported, decided once they have ended: every one that there is something to learn from, and a share of
 * the rest. Asked again about the same log it decides the same.
 */
import type { RunEvent } from "#engine/events.ts";
import { traceIdOf } from "./ids.ts";

/** A run that took this long is looked at. */
export const SLOW_RUN_MS = 30_000;

export type KeptFor = "failed" | "patched" | "human" | "retried" | "slow" | "share";

/** Why a run is exported; null when it is not. `share`, from 0 to 1, is that of runs without anything to tell. */
export function whyKept(runId: string, events: readonly RunEvent[], share: number): KeptFor | null {
  if (events.some(({ type }) => type === "run.failed" || type === "node.failed")) return "failed";
  if (events.some(({ type }) => type === "patch.proposed")) return "patched";
  if (events.some(({ type }) => type === "approval.requested")) return "human";
  // One that found no room to begin was not tried.
  if (events.some((event) => event.type === "node.retrying" && event.postponed !== true)) return "retried";
  if (durationMs(events) >= SLOW_RUN_MS) return "slow";
  return isInShare(traceIdOf(runId), share) ? "share" : null;
}

function durationMs(events: readonly RunEvent[]): number {
  const end = events.findLast(({ type }) => type === "run.completed" || type === "run.cancelled");
  return (end?.at ?? 0) - (events[0]?.at ?? 0);
}

/** The last 56 bits of a trace id are its randomness (OpenTelemetry's consistent probability sampling). */
const RANDOM_DIGITS = 14;
const RANDOM_RANGE = 2 ** 56;

function isInShare(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) >= (1 - share) * RANDOM_RANGE;
}
