/** What a coordinator shard can be asked, and what it answers. Additive only: old and new code run side by side for minutes. */
import type { TextPiece } from "#agent/live-text.ts";
import type { ApprovalView } from "#engine/approval-view.ts";
import type { Refusal, RunCommand } from "#engine/commands/command.ts";
import type { EventView } from "#engine/event-view.ts";
import type { ParentOf, ReplayMode, ReplayOf } from "#engine/events.ts";
import type { Explanation } from "#engine/explain.ts";
import type { PatchView } from "#engine/patch-view.ts";
import type { Outcome } from "#engine/plan.ts";
import type { RunStatus } from "#engine/state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "#engine/task.ts";
import type { TaskScope } from "#engine/task-scope.ts";
import type { NodeExecution, RunView } from "#engine/view.ts";
import type { Problem, Result } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { RunLogPage, RunLogQuery } from "#telemetry/run-logs.ts";
import type { FeedPage } from "../fanout/protocol.ts";

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
  /** Set for a run that another one asked for. */
  parent?: ParentOf;
  depth?: number;
  replay_of?: ReplayOf;
  /** The caller's span, as W3C Trace Context writes it. */
  traceparent?: string;
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

/** Why the run stays as it is, in the words of the API. */
export interface Refused extends Refusal {
  outcome: "refused";
}

/**
 * What became of a command. `value`: `patch` gives `{ seq, status, diff }`, or `{ diff }` of a dry run; `decide` the
 * approval, `decide_patch` the patch; others null.
 */
export type CommandReply = { outcome: "done"; run: RunView; value: Json } | Refused;

/** A new run in the shard of the one that it replays. */
export interface ReplayRequest {
  run_id: string;
  mode: ReplayMode;
  /** The node to begin from: what ended before it is taken over. */
  from?: string;
  /** Another workflow than that of the replayed run; `definition` as for a start. */
  artifact_id?: string;
  workflow?: string | null;
  definition?: JsonObject;
  /** Other inputs; only where nothing is taken over. */
  inputs?: JsonObject;
  labels?: Record<string, string>;
  /** Without \`from\`: begin at the node that failed the run, if one did. */
  from_failed?: boolean;
  by: string;
}

export type ReplayReply =
  | { outcome: "started"; run: RunView }
  | { outcome: "definition_needed" | "overloaded" }
  | Refused;

export interface RunDetails extends RunView {
  definition: JsonObject;
  node_executions: Record<string, NodeExecution>;
  patches: PatchView[];
  approvals: ApprovalView[];
}

/** One of many: a command for a run, or a replay of it from its start or from the node that failed it. */
export type BulkItem = { run_id: string; command: RunCommand } | { run_id: string; replay: ReplayRequest };

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
  /** Streams that are open on runs of the shard. */
  viewers: number;
  /** Tenants to whose feeds somebody listens. */
  feeds: string[];
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
  /** The run's log records. */
  logs(tenant: string, runId: string, query: RunLogQuery): Promise<RunLogPage | null>;
  /** The run's trace as the text of an OTLP/JSON document. Not called `trace`: that is an entry point of the platform. */
  traceDocument(tenant: string, runId: string): Promise<string | null>;
  /** Asks something of a run; null when this shard does not hold it. */
  command(tenant: string, runId: string, command: RunCommand): Promise<CommandReply | null>;
  /** The latest approval of each node that asked for one. */
  approvals(tenant: string, runId: string): Promise<ApprovalView[] | null>;
  patches(tenant: string, runId: string): Promise<PatchView[] | null>;
  replayRun(tenant: string, runId: string, request: ReplayRequest): Promise<ReplayReply | null>;
  /** Each answered by itself and in order, in one commit. A cancel of what is cancelled is `done`. */
  bulk(tenant: string, items: BulkItem[]): Promise<BulkReply[]>;
  /** Workers say which tasks they hold; the answers stand in the same order, `too_late` means drop it. */
  tasksStarted(starts: OfTenant<TaskStart>[]): Promise<Outcome[]>;
  tasksEnded(results: OfTenant<TaskResult>[]): Promise<Outcome[]>;
  /** The config of a task whose message was too small to carry it; null when nobody waits for it any more. */
  taskConfig(tenant: string, address: TaskAddress): Promise<JsonObject | null>;
  /**
   * What would become of an agent's patch after those it has got through already; changes nothing. Null when nobody
   * waits for the attempt any more.
   */
  tryPatch(
    tenant: string,
    address: TaskAddress,
    earlier: Json[][],
    operations: Json[],
  ): Promise<Result<{ summary: string[] }, Problem[]> | null>;
  /** Tells those who watch the run what a model is writing; false when nobody does. It is kept nowhere. */
  agentText(tenant: string, address: TaskAddress, pieces: TextPiece[]): Promise<boolean>;
  /** What a worker may see of the run around its task; null when nobody waits for the task any more. */
  taskScope(tenant: string, address: TaskAddress): Promise<TaskScope | null>;
  /** Upgrades to a stream, see `stream.ts`: 101, 404 for a run that is not there, 503 when too many watch. */
  fetch(request: Request): Promise<Response>;
  /** Somebody listens to the tenant's feed until a time: what is news after row `after` of the log, then pushes. */
  listen(tenant: string, order: { after: number | null; until: number }): Promise<FeedPage>;
  /** Does what is due; the watchdog's knock. */
  wake(): Promise<void>;
  stats(): Promise<ShardStats>;
  /** Lets go of everything in memory: the next call finds a new life of the object, which goes on from its storage. */
  restart(): Promise<void>;
}
