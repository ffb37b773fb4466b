/** What a coordinator shard can be asked, and what it answers. Additive only: old and new code run side by side for minutes. */
import type { Explanation } from "#engine/explain.ts";
import type { Outcome } from "#engine/plan.ts";
import type { RunStatus } from "#engine/state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "#engine/task.ts";
import type { EventView, NodeExecution, RunView } from "#engine/view.ts";
import type { ApiErrorCode, Problem } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";

export interface StartRequest {
  run_id: string;
  workflow: string | null;
  artifact_id: string;
  /** Sent along when the shard may not have the artifact yet. */
  definition?: JsonObject;
  inputs: Json;
  labels: Record<string, string>;
  priority: number;
  trigger: string;
  idempotency?: { key: string; body_hash: string };
  /** How long the call may wait for the run to end, in milliseconds; 0: not at all. */
  wait_ms: number;
}

export interface DefinitionOf {
  artifact_id: string;
  definition: JsonObject;
}

export type StartReply =
  | { outcome: "started" | "replayed"; run: RunView }
  | { outcome: "definition_needed" | "key_conflict" | "overloaded" };

/** What became of one of many starts: without the run's values, so that a hundred of them travel in one answer. */
export type StartedReply =
  | { outcome: "started" | "replayed"; run_id: string; status: RunStatus }
  | { outcome: "definition_needed" | "key_conflict" | "overloaded" | "failed" };

export type CancelReply = { outcome: "cancelled" | "terminal"; run: RunView } | { outcome: "not_found" };

export interface RunDetails extends RunView {
  definition: JsonObject;
  node_executions: Record<string, NodeExecution>;
  patches: PatchView[];
  approvals: ApprovalView[];
}

export const APPROVAL_STATUSES = ["pending", "approved", "rejected", "expired", "cancelled"] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

export const APPROVAL_TIMEOUTS = ["reject", "approve", "fail"] as const;
export type ApprovalTimeout = (typeof APPROVAL_TIMEOUTS)[number];

export const DECISIONS = ["approve", "reject"] as const;
export type Decision = (typeof DECISIONS)[number];

/** One vote. `key` is whose it is: a key's id, or the voter that a signed link names. */
export interface Vote {
  key: string;
  decision: Decision;
  comments: string | null;
  at: string;
  /** Nonce of the signed link that it came by. */
  link?: string;
}

export interface ApprovalView {
  approval_id: string;
  run_id: string;
  node_id: string;
  message: string;
  status: ApprovalStatus;
  created_at: string;
  expires_at: string | null;
  decided_at: string | null;
  /** Who may vote; empty: everybody with the scope. */
  approvers: string[];
  quorum: number;
  decisions: Vote[];
  on_timeout: ApprovalTimeout;
}

export const PATCH_STATUSES = ["applied", "proposed", "rejected", "reverted"] as const;
export const PATCH_SOURCES = ["api", "agent"] as const;

export interface PatchView {
  seq: number;
  status: (typeof PATCH_STATUSES)[number];
  description: string | null;
  by: string;
  source: (typeof PATCH_SOURCES)[number];
  /** The agent node that proposed it. */
  node?: string;
  operations: Json[];
  /** Why it was rejected. */
  reason?: string;
  proposed_at: string;
  decided_at: string | null;
}

/** What a patch does, or would do. */
export interface PatchDiff {
  operations: Json[];
  summary: string[];
}

/** What may be asked of a run. */
export type RunCommand =
  | { type: "cancel"; reason?: string }
  | { type: "pause"; reason?: string }
  | { type: "resume" }
  | { type: "signal"; name: string; payload: Json }
  | {
      type: "decide";
      approval_id: string;
      /** Votes once on an approval, by whichever way. */
      voter: string;
      decision: Decision;
      comments: string | null;
      /** Nonce of the signed link that the vote comes by; serves once. */
      link?: string;
    }
  | {
      type: "patch";
      operations: Json[];
      description: string | null;
      by: string;
      dry_run: boolean;
      if_match: number | null;
    }
  | { type: "revert_patch"; seq: number; by: string; if_match: number | null }
  | { type: "decide_patch"; seq: number; decision: Decision; comments: string | null; by: string }
  | { type: "replay_node"; node: string; config?: JsonObject; reason: string | null; force: boolean; by: string };

/** Why the run stays as it is, in the words of the API. */
export interface Refused {
  outcome: "refused";
  code: ApiErrorCode;
  message: string;
  details?: Problem[] | Json;
}

/**
 * `value` by command: `patch` gives `{ seq, status, diff }`, or `{ diff }` of a dry run; `decide` the ApprovalView;
 * `decide_patch` the PatchView; others null.
 */
export type CommandReply = { outcome: "done"; run: RunView; value: Json } | Refused;

export const REPLAY_MODES = ["freeze", "shadow", "live"] as const;
export type ReplayMode = (typeof REPLAY_MODES)[number];

/** A new run in the shard of the one that it repeats. */
export interface ReplayRequest {
  run_id: string;
  mode: ReplayMode;
  /** The node that it begins with; without it, the start. */
  from?: string;
  inputs?: Json;
  labels?: Record<string, string>;
  /** Another version: its artifact, the tag it was found under, and the definition if the shard may not have it. */
  artifact_id?: string;
  workflow?: string | null;
  definition?: JsonObject;
}

export type ReplayReply = StartReply | Refused;

/** One of many: a command for a run, or a replay of it from its start or from the node that failed it. */
export type BulkItem =
  | { run_id: string; command: RunCommand }
  | { run_id: string; replay: { run_id: string; mode: ReplayMode; from_failed: boolean } };

/** What became of one of many: without the run's values, so that a hundred of them travel in one answer. */
export type BulkReply = { outcome: "done" } | Refused | { outcome: "absent" } | { outcome: "overloaded" | "failed" };

export interface EventPage {
  items: EventView[];
  next_after: number;
  terminal: boolean;
}

export interface ShardStats {
  shard: string;
  live_runs: number;
  cached_runs: number;
  unprojected: number;
  unsent: number;
  database_bytes: number;
}

/** One item of a call that carries many: each says whose run it means. */
export type OfTenant<Item> = Item & { tenant: string };

/** The tenant comes first in every call about a run, or with every item: another tenant's run is an absent one. */
export interface CoordinatorRpc {
  start(tenant: string, request: StartRequest): Promise<StartReply>;
  /** Many starts in one commit, each answered by itself and in order; `definition` is that of all whose artifact it is. */
  startMany(tenant: string, requests: StartRequest[], definition?: DefinitionOf): Promise<StartedReply[]>;
  /** The run under an idempotency key, if the shard knows the key. */
  findByKey(tenant: string, key: string, bodyHash: string): Promise<StartReply | null>;
  run(tenant: string, runId: string): Promise<RunView | null>;
  waitForEnd(tenant: string, runId: string, waitMs: number): Promise<RunView | null>;
  details(tenant: string, runId: string): Promise<RunDetails | null>;
  explain(tenant: string, runId: string): Promise<Explanation | null>;
  events(tenant: string, runId: string, after: number, limit: number): Promise<EventPage | null>;
  cancel(tenant: string, runId: string, reason: string | null): Promise<CancelReply>;
  /** Workers say which tasks they hold; the answers stand in the same order, `too_late` means drop it. */
  tasksStarted(starts: OfTenant<TaskStart>[]): Promise<Outcome[]>;
  tasksEnded(results: OfTenant<TaskResult>[]): Promise<Outcome[]>;
  /** The config of a task whose message was too small to carry it; null when nobody waits for it any more. */
  taskConfig(tenant: string, address: TaskAddress): Promise<JsonObject | null>;
  /** Does what is due; the watchdog's knock. */
  wake(): Promise<void>;
  stats(): Promise<ShardStats>;
}

/** What commands add to it. Null: the shard does not hold the run. */
export interface CommandRpc {
  command(tenant: string, runId: string, command: RunCommand): Promise<CommandReply | null>;
  approvals(tenant: string, runId: string): Promise<ApprovalView[] | null>;
  patches(tenant: string, runId: string): Promise<PatchView[] | null>;
  replayRun(tenant: string, runId: string, request: ReplayRequest): Promise<ReplayReply | null>;
  /** Each answered by itself and in order, in one commit. A cancel of what is cancelled is `done`. */
  bulk(tenant: string, items: BulkItem[]): Promise<BulkReply[]>;
}

export type ShardRpc = CoordinatorRpc & CommandRpc;
