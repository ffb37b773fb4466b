/**
 * The closed list of what can happen to a run. A run changes only by these; state, database rows, metrics, traces
 * and streams are all made from them. Inside, `at` is milliseconds since the epoch; the API writes RFC 3339.
 */
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { ON_ITEM_ERROR, ON_TIMEOUT } from "#workflow/node-configs.ts";
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

/** The node run that a child run was started for. */
export interface ParentOf {
  run_id: string;
  path: string;
  visit: number;
}

/** `freeze`: earlier results are used again; `shadow`: besides, nothing leaves; `live`: everything for real. */
export const REPLAY_MODES = ["freeze", "shadow", "live"] as const;
export type ReplayMode = (typeof REPLAY_MODES)[number];

export interface ReplayOf {
  run_id: string;
  mode: ReplayMode;
  from: string | null;
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
  parent?: ParentOf;
  /** Runs above this one, each the parent of the next. */
  depth?: number;
  replay_of?: ReplayOf;
  /** The caller's span (W3C Trace Context), which the run's trace is linked to. */
  traceparent?: string;
}

/** What a waiting node waits for. */
export type Wait =
  | { kind: "timer" }
  | { kind: "event"; event: string }
  | { kind: "approval" }
  | { kind: "child"; run_id: string }
  | { kind: "items"; total: number; concurrency: number; on_item_error: (typeof ON_ITEM_ERROR)[number] };
export type NodeWaitKind = Wait["kind"];

/** What the due time of a waiting node is for. */
export const TIMERS = ["delay", "event_timeout", "approval_expiry", "escalation", "child_look"] as const;
export type Timer = (typeof TIMERS)[number];

export const DECISIONS = ["approve", "reject"] as const;
export type DecisionName = (typeof DECISIONS)[number];

export type OnTimeout = (typeof ON_TIMEOUT)[number];

interface OfApproval extends Base {
  node: string;
  visit: number;
  approval_id: string;
}

export const PATCH_SOURCES = ["api", "agent"] as const;
export type PatchSource = (typeof PATCH_SOURCES)[number];

/** A patch before it is judged. `patch` numbers the patches of a run from 1, whatever becomes of them. */
export interface PatchProposed extends Base {
  type: "patch.proposed";
  patch: number;
  source: PatchSource;
  by: string;
  /** The agent's path. */
  node?: string;
  description: string | null;
  operations: StoredValue;
  /** What it changes, in words. */
  summary: string[];
}

export type RunEvent =
  | RunQueued
  | (Base & { type: "run.started"; system: SystemFacts })
  | (Base & { type: "run.paused"; reason?: string })
  | (Base & { type: "run.resumed" })
  | (Base & { type: "run.completed" })
  | (Base & { type: "run.failed"; error: RunError })
  | (Base & { type: "run.cancelled"; reason?: string })
  | (Base & { type: "run.reopened"; generation: number })
  | (OfNode & { type: "node.queued"; due_at: number; sends: number; faults: number; via?: string })
  | (OfNode & { type: "node.started"; worker: string; due_at?: number; via?: string })
  | (OfNode & { type: "node.waiting"; wait: Wait; via?: string; metrics?: TaskMetrics })
  /** `postponed`: the attempt found no room to begin, and uses up none. */
  | (OfNode & { type: "node.retrying"; error: NodeError; retry_at: number; postponed?: true; metrics?: TaskMetrics })
  | (OfNode & {
      type: "node.completed";
      output: StoredValue;
      error?: NodeError;
      metrics?: TaskMetrics;
      /** The number of the event that a kept signal came with, which this node has taken. */
      signal?: number;
      /** The run that the result was taken from, as it is. */
      reused_from?: string;
    })
  | (OfNode & {
      type: "node.failed";
      error: NodeError;
      handled: boolean;
      metrics?: TaskMetrics;
      reused_from?: string;
    })
  | (OfNode & { type: "node.skipped"; reason: "dead_path" | "unavailable"; reused_from?: string })
  | (OfNode & { type: "node.cancelled" })
  | (Base & {
      type: "edge.resolved";
      node: string;
      visit: number;
      taken: string[];
      dead: string[];
      /** A loop's next pass: these nodes are pending again, and the edges among them unresolved. */
      pass?: number;
      reset?: string[];
    })
  | (Base & { type: "timer.set"; node: string; visit: number; timer: Timer; due_at: number })
  | (Base & { type: "timer.fired"; node: string; visit: number; timer: Timer })
  | (OfApproval & {
      type: "approval.requested";
      message: string;
      approvers: string[];
      quorum: number;
      on_timeout: OnTimeout;
      expires_at: number;
      escalate_to?: string;
    })
  | (OfApproval & {
      type: "approval.voted";
      key: string;
      decision: DecisionName;
      comments: string | null;
      /** The signed link that it came by, which serves once. */
      link?: string;
    })
  | (OfApproval & { type: "approval.decided"; decision: DecisionName })
  | (OfApproval & { type: "approval.expired"; on_timeout: OnTimeout })
  | (Base & { type: "signal.received"; name: string; payload: StoredValue; delivered_to: string[] })
  | PatchProposed
  | (Base & { type: "patch.applied"; patch: number; by: string; comments?: string })
  | (Base & { type: "patch.rejected"; patch: number; by: string; reason: string })
  | (Base & { type: "patch.reverted"; patch: number; by: string; unresolved: string[] })
  | (Base & {
      type: "replay.requested";
      by: string;
      reason?: string;
      /** The node that runs again, with these pending again and the edges out of them unresolved. */
      node?: string;
      reset?: string[];
      /** Loops that are entered anew, from their first pass, and the nodes that their ways back had led to. */
      begun_anew?: { loops: string[]; heads: string[] };
      /** Takes the place of members of its config, for this visit. */
      config?: JsonObject;
      /** The run that was started instead, when a whole run is replayed. */
      run_id?: string;
      mode?: ReplayMode;
    })
  | (Base & { type: "warning"; code: WarningCode; message: string; node?: string; metrics?: TaskMetrics });

export const WARNING_CODES = ["missing_field", "node_type_unavailable", "late_result", "budget_warning"] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

/** An event before it has its number and time. */
export type NewEvent = RunEvent extends infer Each ? (Each extends Base ? Omit<Each, "seq" | "at"> : never) : never;
