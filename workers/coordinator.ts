/**
 * Durable Object: a shard of runs. Each method loads, lets the engine plan, commits and answers; the parts in
 * `coordinator/` own one duty each. Decides nothing itself.
 */
import { DurableObject } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { tryAgentPatch } from "#engine/agent-patches.ts";
import { type ApprovalView, approvalViews } from "#engine/approval-view.ts";
import type { RunCommand } from "#engine/commands/command.ts";
import type { Explanation } from "#engine/explain.ts";
import type { PatchView } from "#engine/patch-view.ts";
import { type Outcome, type PlanInput, planTaskConfig } from "#engine/plan.ts";
import { isTerminal } from "#engine/state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "#engine/task.ts";
import { type TaskScope, taskScope } from "#engine/task-scope.ts";
import type { RunView } from "#engine/view.ts";
import { parseShardName, runIdPrefix } from "#kernel/ids.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { Graphs } from "#store/shard/graphs.ts";
import { IDEMPOTENCY_TTL_MS, IdempotencyKeys } from "#store/shard/idempotency.ts";
import { Positions } from "#store/shard/positions.ts";
import type {
  BulkItem,
  BulkReply,
  CommandReply,
  CoordinatorRpc,
  DefinitionOf,
  EventPage,
  OfTenant,
  ReplayReply,
  ReplayRequest,
  RunDetails,
  ShardStats,
  StartedReply,
  StartReply,
  StartRequest,
} from "#store/shard/protocol.ts";
import { RunLog } from "#store/shard/run-log.ts";
import { migrateShard } from "#store/shard/schema.ts";
import { Workflows } from "#store/workflows.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import { version } from "../package.json";
import { analyticsTarget, pointOrigin } from "./analytics.ts";
import { Alarm } from "./coordinator/alarm.ts";
import { doAll } from "./coordinator/bulk.ts";
import { Children } from "./coordinator/children.ts";
import { CommitGroup } from "./coordinator/commit-group.ts";
import { Dispatcher } from "./coordinator/dispatcher.ts";
import { PointWriter } from "./coordinator/point-writer.ts";
import { Projector } from "./coordinator/projector.ts";
import { Recovery } from "./coordinator/recovery.ts";
import { Retention } from "./coordinator/retention.ts";
import { RunCache } from "./coordinator/run-cache.ts";
import { RunReader } from "./coordinator/run-reader.ts";
import { Starts } from "./coordinator/starts.ts";
import { Streams } from "./coordinator/streams.ts";
import { type Changed, Transitions } from "./coordinator/transitions.ts";
import { Waiters } from "./coordinator/waiters.ts";
import { type Env, loggerOf, settingsOf } from "./env.ts";

/** Due runs that one look takes up; the alarm goes off again at once while there are more. */
const DUE_RUNS_PER_LOOK = 200;

/** A run whose look failed is looked at again after this. */
const POSTPONE_MS = 60_000;

/** Runs of an earlier life that could not be taken up are looked at again after this. */
const RECOVERY_DELAY_MS = 1_000;

const DAY_MS = 24 * 3_600_000;

export class Coordinator extends DurableObject<Env> implements CoordinatorRpc {
  readonly #logger = loggerOf(this.env, "workflow-runner");
  readonly #alarm = new Alarm(this.ctx.storage);
  readonly #commits = new CommitGroup(this.ctx.storage);
  readonly #waiters = new Waiters();
  readonly #cache = new RunCache();
  readonly #graphs: Graphs;
  readonly #keys: IdempotencyKeys;
  readonly #runs: RunLog;
  readonly #dispatcher: Dispatcher;
  readonly #transitions: Transitions;
  readonly #reader: RunReader;
  readonly #starts: Starts;
  readonly #streams: Streams;
  readonly #projector: Projector;
  readonly #points: PointWriter;
  readonly #retention: Retention;
  readonly #recovery: Recovery;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateShard(ctx.storage);
    const { sql } = ctx.storage;
    const settings = settingsOf(env);
    const positions = new Positions(sql);
    const address = parseShardName(ctx.id.name ?? "");
    this.#graphs = new Graphs(sql);
    this.#keys = new IdempotencyKeys(sql);
    this.#runs = new RunLog(sql, positions.number("projected_through"));
    this.#dispatcher = new Dispatcher({ http: env.WEIR_HTTP, agent: env.WEIR_AGENT }, this.#logger);
    const workflows = new Workflows(drizzle(env.DB));
    const children = new Children({
      logger: this.#logger,
      transitions: () => this.#transitions,
      find: (tenant, name) => workflows.find(tenant, name),
      start: (request, definition) => this.#commits.submit((commit) => this.#starts.child(request, definition, commit)),
      change: (runId, input) => this.#change(runId, input),
    });
    this.#streams = new Streams({
      ctx,
      runs: this.#runs,
      load: (runId) => this.#transitions.load(runId),
      logger: this.#logger,
    });
    this.#transitions = new Transitions({
      children,
      streams: this.#streams,
      logger: this.#logger,
      runs: this.#runs,
      graphs: this.#graphs,
      cache: this.#cache,
      dispatcher: this.#dispatcher,
      waiters: this.#waiters,
      alarm: this.#alarm,
      describeSystem: (nowMs) => describeIsolate({ version, host: settings.WEIR_HOST }, nowMs),
      goOn: (runId) => {
        // If it fails, the run's due time brings the next try.
        setTimeout(() => this.#change(runId, { type: "continue" }).catch(() => undefined), 0);
      },
    });
    this.#reader = new RunReader(this.#runs, this.#transitions);
    this.#starts = new Starts({
      graphs: this.#graphs,
      keys: this.#keys,
      reader: this.#reader,
      transitions: this.#transitions,
    });
    this.#projector = new Projector({
      database: env.DB,
      runs: this.#runs,
      positions,
      logger: this.#logger,
      rowsOf: (runId) => this.#reader.rows(runId),
    });
    this.#points = new PointWriter({
      analytics: analyticsTarget(env, ctx.id.name ?? ctx.id.toString()),
      source: ctx.id.name ?? ctx.id.toString(),
      runs: this.#runs,
      positions,
      logger: this.#logger,
      pointsOf: (row) => this.#reader.points(row, pointOrigin(env)),
    });
    this.#retention = new Retention({
      database: env.DB,
      runs: this.#runs,
      keys: this.#keys,
      positions,
      logger: this.#logger,
      // A key must find its run for as long as it is kept.
      retentionMs: Math.max(settings.RETENTION_DAYS * DAY_MS, IDEMPOTENCY_TTL_MS),
      idPrefix: address === null ? "" : runIdPrefix(address),
      read: (runId) => this.#reader.whole(runId),
      graphs: this.#graphs,
      forget: (runId) => this.#cache.drop(runId),
    });
    this.#recovery = new Recovery({
      runs: this.#runs,
      positions,
      logger: this.#logger,
      queuesAreInMemory: settings.WEIR_LOCAL !== "",
      change: (runId, input) => this.#change(runId, input),
    });
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.restore();
      if (this.#recovery.isNeeded) this.#alarm.noLaterThan(Date.now());
    });
  }

  async start(tenant: string, request: StartRequest): Promise<StartReply> {
    if (this.#projector.isOverloaded) return { outcome: "overloaded" };
    const reply = await this.#commits.submit((commit) => this.#starts.once(tenant, request, commit));
    if (!("run" in reply) || request.wait_ms === 0 || reply.run.ended_at !== null) return reply;
    const run = await this.waitForEnd(tenant, reply.run.run_id, request.wait_ms);
    return run === null ? reply : { ...reply, run };
  }

  async startMany(tenant: string, requests: StartRequest[], definition?: DefinitionOf): Promise<StartedReply[]> {
    return Promise.all(requests.map((request) => this.#startOneOf(tenant, request, definition)));
  }

  async #startOneOf(tenant: string, request: StartRequest, known: DefinitionOf | undefined): Promise<StartedReply> {
    if (this.#projector.isOverloaded) return { outcome: "overloaded" };
    const isIts = known !== undefined && known.artifact_id === request.artifact_id;
    const whole = isIts ? { ...request, definition: known.definition } : request;
    try {
      const reply = await this.#commits.submit((commit) => this.#starts.once(tenant, whole, commit));
      if (!("run" in reply)) return reply;
      return { outcome: reply.outcome, run_id: reply.run.run_id, status: reply.run.status };
    } catch (error) {
      this.#logger.error("a start of many failed", { run_id: request.run_id, error });
      return { outcome: "failed" };
    }
  }

  async findByKey(tenant: string, key: string, bodyHash: string): Promise<StartReply | null> {
    return this.#starts.byKey(tenant, key, bodyHash, Date.now());
  }

  async run(tenant: string, runId: string): Promise<RunView | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : this.#reader.view(run);
  }

  async waitForEnd(tenant: string, runId: string, waitMs: number): Promise<RunView | null> {
    const run = this.#reader.find(tenant, runId);
    if (run === null) return null;
    if (!isTerminal(run.state.status)) await this.#waiters.wait(runId, waitMs);
    return this.run(tenant, runId);
  }

  async details(tenant: string, runId: string): Promise<RunDetails | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : this.#reader.details(run);
  }

  async explain(tenant: string, runId: string): Promise<Explanation | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : this.#reader.explain(run, Date.now());
  }

  async events(tenant: string, runId: string, after: number, limit: number): Promise<EventPage | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : this.#reader.events(run, after, limit);
  }

  /** Upgrades alone come this way; everything else is a call. */
  override async fetch(request: Request): Promise<Response> {
    return this.#streams.open(request);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#streams.heard(socket, message);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#streams.left(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#streams.left(socket);
  }

  async command(tenant: string, runId: string, command: RunCommand): Promise<CommandReply | null> {
    const changed = await this.#change(runId, command, tenant);
    if (changed === null) return null;
    const { refusal, value } = changed.planned;
    if (refusal !== undefined) return { outcome: "refused", ...refusal };
    return { outcome: "done", run: this.#reader.view(changed.run), value: value ?? null };
  }

  async approvals(tenant: string, runId: string): Promise<ApprovalView[] | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : approvalViews(run.state);
  }

  async patches(tenant: string, runId: string): Promise<PatchView[] | null> {
    const run = this.#reader.find(tenant, runId);
    return run === null ? null : this.#reader.patches(run);
  }

  async replayRun(tenant: string, runId: string, request: ReplayRequest): Promise<ReplayReply | null> {
    if (this.#projector.isOverloaded) return { outcome: "overloaded" };
    return this.#commits.submit((commit) => {
      const source = this.#reader.find(tenant, runId);
      return source === null ? null : this.#starts.replay(source, request, commit);
    });
  }

  async bulk(tenant: string, items: BulkItem[]): Promise<BulkReply[]> {
    return doAll({ shard: this, reader: this.#reader, logger: this.#logger }, tenant, items);
  }

  async tasksStarted(starts: OfTenant<TaskStart>[]): Promise<Outcome[]> {
    return this.#changeAll(starts, (start) => ({ type: "task_started", start }));
  }

  async tasksEnded(results: OfTenant<TaskResult>[]): Promise<Outcome[]> {
    return this.#changeAll(results, (result) => ({ type: "task_ended", result }));
  }

  async taskConfig(tenant: string, address: TaskAddress): Promise<JsonObject | null> {
    const run = this.#reader.find(tenant, address.run_id);
    return run === null ? null : planTaskConfig(run.state, address, this.#transitions.contextOf(run.state));
  }

  async tryPatch(tenant: string, address: TaskAddress, earlier: Json[][], operations: Json[]) {
    const run = this.#reader.find(tenant, address.run_id);
    if (run === null) return null;
    return tryAgentPatch(run.state, address, earlier, operations, this.#transitions.contextOf(run.state));
  }

  async taskScope(tenant: string, address: TaskAddress): Promise<TaskScope | null> {
    const run = this.#reader.find(tenant, address.run_id);
    return run === null ? null : taskScope(run.state, address, this.#transitions.contextOf(run.state));
  }

  /** The single alarm: looks at what is due, carries changes to D1, lets old runs go, and sets itself again. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    this.ctx.waitUntil(this.#carryOver());
    try {
      await this.#lookAround();
    } catch (error) {
      this.#logger.error("the alarm failed", { error });
    } finally {
      this.#rearm();
    }
  }

  async wake(): Promise<void> {
    await this.#lookAround();
    await this.#carryOver();
  }

  async stats(): Promise<ShardStats> {
    return {
      shard: this.ctx.id.name ?? this.ctx.id.toString(),
      live_runs: this.#runs.live().length,
      cached_runs: this.#cache.size,
      unprojected: this.#projector.backlog,
      unsent: this.#dispatcher.unsent,
      viewers: this.#streams.size,
      database_bytes: this.#runs.databaseBytes,
    };
  }

  async #lookAround(): Promise<void> {
    await this.#recovery.recover();
    const due = this.#runs.due(Date.now(), DUE_RUNS_PER_LOOK);
    await Promise.all(due.map((runId) => this.#tick(runId)));
  }

  /** What takes D1's time: never waited for by what must happen at its time. */
  async #carryOver(): Promise<void> {
    await Promise.all([this.#projector.flush(() => this.#sentThrough()), this.#points.flush()]);
    await this.#retention.look(Date.now());
    this.#rearm();
  }

  /** Until an earlier life's tasks have been sent again, the position stays below them. */
  #sentThrough(): number {
    const { isNeeded, from } = this.#recovery;
    return isNeeded ? from : this.#dispatcher.sentThrough(this.#runs.lastId);
  }

  /** One run that cannot be looked at does not keep the others from it, and is not asked for again at once. */
  async #tick(runId: string): Promise<void> {
    try {
      await this.#change(runId, { type: "tick" });
    } catch {
      this.#runs.postpone(runId, Date.now() + POSTPONE_MS);
    }
  }

  #rearm(): void {
    const nowMs = Date.now();
    const times = [
      this.#runs.nextDueAt(),
      ...[this.#projector.dueInMs, this.#points.dueInMs].map((inMs) => (inMs === null ? null : nowMs + inMs)),
      this.#recovery.isNeeded ? nowMs + RECOVERY_DELAY_MS : null,
      this.#runs.lastId === 0 ? null : this.#retention.dueAt,
    ];
    for (const at of times) if (at !== null) this.#alarm.noLaterThan(Math.max(at, nowMs));
  }

  /** Hands an input to a run, of `tenant` when somebody outside names it; a failure is logged and changes nothing. */
  async #change(runId: string, input: PlanInput, tenant: string | null = null): Promise<Changed | null> {
    try {
      return await this.#commits.submit((commit) => {
        if (tenant !== null && this.#reader.find(tenant, runId) === null) return null;
        return this.#transitions.change(runId, input, commit);
      });
    } catch (error) {
      this.#logger.error("a transition failed", { run_id: runId, input: input.type, error });
      throw error;
    }
  }

  /** One bad input does not keep the others from being taken up (invariant 12). */
  async #changeAll<Item extends OfTenant<TaskAddress>>(
    items: readonly Item[],
    inputOf: (item: Item) => PlanInput,
  ): Promise<Outcome[]> {
    const changes = items.map((item) => this.#change(item.run_id, inputOf(item), item.tenant));
    const settled = await Promise.allSettled(changes);
    return settled.map((change) =>
      change.status === "fulfilled" ? (change.value?.planned.outcome ?? "too_late") : "failed",
    );
  }
}
