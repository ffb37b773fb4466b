/**
 * The closed list of what can happen to a run. A run changes only by these; state, database rows, metrics, traces
 * and streams are all made from them. Inside, `at` is milliseconds since the epoch; the API writes RFC 3339.
 */
import type { NodeError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { SystemFacts, TaskMetrics } from "./metrics.ts";

export const EVENT_TYPES = [
  "run.queued",
  "run.started",
  "run.waiting",
  "run.paused",
  "run.resumed",
  "run.completed",
  "run.failed",
  "run.cancelled",
  "run.reopened",
  "node.queued",
  "node.started",
  "node.waiting",
  "node.retrying",
  "node.completed",
  "node.failed",
  "node.skipped",
  "node.cancelled",
  "edge.resolved",
  "approval.requested",
  "approval.voted",
  "approval.decided",
  "approval.expired",
  "patch.proposed",
  "patch.applied",
  "patch.rejected",
  "patch.reverted",
  "timer.set",
  "timer.fired",
  "signal.received",
  "replay.requested",
  "budget.reserved",
  "budget.settled",
  "budget.exceeded",
  "warning",
  "log",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A value in the log itself, or the size of one that stands in chunk rows beside it under (run, path, visit). */
export type StoredValue = { value: Json } | StoredBeside;

/** `at` names the node run that the value was stored for, when that was another: a value passed through is kept once. */
export interface StoredBeside {
  stored_bytes: number;
  at?: { path: string; visit: number };
}

/** Why a run failed. */
export interface RunError {
  code: NodeError["code"];
  message: string;
  node: string;
}

interface Base {
  seq: number;
  at: number;
}

interface OfNode extends Base {
  /** The node's path. */
  node: string;
  visit: number;
  iteration: number;
  attempt: number;
}

export interface RunQueued extends Base {
  type: "run.queued";
  tenant: string;
  run_id: string;
  workflow: string | null;
  artifact_id: string;
  inputs: StoredValue;
  labels: Record<string, string>;
  priority: number;
  trigger: string;
}

export type RunEvent =
  | RunQueued
  | (Base & { type: "run.started"; system: SystemFacts })
  | (Base & { type: "run.completed" })
  | (Base & { type: "run.failed"; error: RunError })
  | (Base & { type: "run.cancelled"; reason?: string })
  | (OfNode & { type: "node.queued"; due_at: number; sends: number; faults: number; via?: string })
  | (OfNode & { type: "node.started"; worker: string; due_at?: number; via?: string })
  | (OfNode & { type: "node.retrying"; error: NodeError; retry_at: number; metrics?: TaskMetrics })
  | (OfNode & { type: "node.completed"; output: StoredValue; error?: NodeError; metrics?: TaskMetrics })
  | (OfNode & { type: "node.failed"; error: NodeError; handled: boolean; metrics?: TaskMetrics })
  | (OfNode & { type: "node.skipped"; reason: "dead_path" | "unavailable" })
  | (OfNode & { type: "node.cancelled" })
  | (Base & { type: "edge.resolved"; node: string; visit: number; taken: string[]; dead: string[] })
  | (Base & { type: "warning"; code: WarningCode; message: string; node?: string; metrics?: TaskMetrics });

export const WARNING_CODES = ["missing_field", "node_type_unavailable", "late_result"] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

/** An event before it has its number and time. */
export type NewEvent = RunEvent extends infer Each ? (Each extends Base ? Omit<Each, "seq" | "at"> : never) : never;
