/**
 * Durable Object: a shard of runs. Each method loads, lets the engine plan, commits and answers; the parts in
 * `coordinator/` own one duty each. Decides nothing itself.
 */
import { DurableObject } from "cloudflare:workers";
import type { Explanation } from "#engine/explain.ts";
import { type Outcome, type PlanInput, planTaskConfig } from "#engine/plan.ts";
import { isTerminal } from "#engine/state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "#engine/task.ts";
import type { RunView } from "#engine/view.ts";
import { parseShardName, runIdPrefix } from "#kernel/ids.ts";
import type { JsonObject } from "#kernel/json.ts";
import { Graphs } from "#store/shard/graphs.ts";
import { IDEMPOTENCY_TTL_MS, IdempotencyKeys } from "#store/shard/idempotency.ts";
import { Positions } from "#store/shard/positions.ts";
import type {
  CancelReply,
  CoordinatorRpc,
  DefinitionOf,
  EventPage,
  OfTenant,
  RunDetails,
  ShardStats,
  StartedReply,
  StartReply,
  StartRequest,
} from "#store/shard/protocol.ts";
import { type LoadedRun, RunLog } from "#store/shard/run-log.ts";
import { migrateShard } from "#store/shard/schema.ts";
import { describeIsolate } from "#telemetry/isolate.ts";
import { version } from "../package.json";
import { analyticsTarget, pointOrigin } from "./analytics.ts";
import { Alarm } from "./coordinator/alarm.ts";
import { type Commit, CommitGroup } from "./coordinator/commit-group.ts";
import { Dispatcher } from "./coordinator/dispatcher.ts";
import { PointWriter } from "./coordinator/point-writer.ts";
import { Projector } from "./coordinator/projector.ts";
import { Recovery } from "./coordinator/recovery.ts";
import { Retention } from "./coordinator/retention.ts";
import { RunCache } from "./coordinator/run-cache.ts";
import { RunReader } from "./coordinator/run-reader.ts";
import { Transitions } from "./coordinator/transitions.ts";
import { Waiters } from "./coordinator/waiters.ts";
import { type Env, loggerOf, settingsOf } from "./env.ts";

/** Due runs that one look takes up; the alarm goes off again at once while there are more. */
const DUE_RUNS_PER_LOOK = 200;

/** A run whose look failed is looked at again after this. */
const POSTPONE_MS = 60_000;

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
    this.#transitions = new Transitions({
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
    this.#projector = new Projector({
      database: env.DB,
      runs: this.#runs,
      positions,
      logger: this.#logger,
      rowOf: (runId) => this.#reader.row(runId),
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
    const reply = await this.#commits.submit((commit) => this.#startOnce(tenant, request, commit));
    if (!("run" in reply) || request.wait_ms === 0 || reply.run.ended_at !== null) return reply;
    const run = await this.waitForEnd(tenant, reply.run.run_id, request.wait_ms);
    return run === null ? reply : { ...reply, run };
  }

  #startOnce(tenant: string, request: StartRequest, commit: Commit): StartReply {
    const { idempotency, definition, wait_ms: _, ...run } = request;
    const nowMs = Date.now();
    if (idempotency !== undefined) {
      const known = this.#replyByKey(tenant, idempotency.key, idempotency.body_hash, nowMs);
      if (known !== null) return known;
    }
    // The caller repeats a call whose answer was lost with the object: then the run is there already.
    const existing = this.#reader.find(tenant, request.run_id);
    if (existing !== null) return { outcome: "started", run: this.#reader.view(existing) };
    let graph = this.#graphs.get(tenant, request.artifact_id);
    if (graph === null) {
      if (definition === undefined) return { outcome: "definition_needed" };
      commit.undo(() => this.#graphs.forget(tenant, request.artifact_id));
      graph = this.#graphs.add(tenant, request.artifact_id, definition);
    }
    if (idempotency !== undefined) {
      const record = { run_id: request.run_id, body_hash: idempotency.body_hash };
      this.#keys.remember(tenant, idempotency.key, record, nowMs);
    }
    const started = this.#transitions.start({ ...run, tenant }, graph, commit);
    return { outcome: "started", run: this.#reader.view(started) };
  }

  async startMany(tenant: string, requests: StartRequest[], definition?: DefinitionOf): Promise<StartedReply[]> {
    return Promise.all(requests.map((request) => this.#startOneOf(tenant, request, definition)));
  }

  async #startOneOf(tenant: string, request: StartRequest, known: DefinitionOf | undefined): Promise<StartedReply> {
    if (this.#projector.isOverloaded) return { outcome: "overloaded" };
    const isIts = known !== undefined && known.artifact_id === request.artifact_id;
    const whole = isIts ? { ...request, definition: known.definition } : request;
    try {
      const reply = await this.#commits.submit((commit) => this.#startOnce(tenant, whole, commit));
      if (!("run" in reply)) return reply;
      return { outcome: reply.outcome, run_id: reply.run.run_id, status: reply.run.status };
    } catch (error) {
      this.#logger.error("a start of many failed", { run_id: request.run_id, error });
      return { outcome: "failed" };
    }
  }

  async findByKey(tenant: string, key: string, bodyHash: string): Promise<StartReply | null> {
    return this.#replyByKey(tenant, key, bodyHash, Date.now());
  }

  #replyByKey(tenant: string, key: string, bodyHash: string, nowMs: number): StartReply | null {
    const known = this.#keys.find(tenant, key, nowMs);
    if (known === null) return null;
    if (known.body_hash !== bodyHash) return { outcome: "key_conflict" };
    const run = this.#reader.find(tenant, known.run_id);
    return run === null ? null : { outcome: "replayed", run: this.#reader.view(run) };
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

  async cancel(tenant: string, runId: string, reason: string | null): Promise<CancelReply> {
    if (this.#reader.find(tenant, runId) === null) return { outcome: "not_found" };
    const changed = await this.#change(runId, { type: "cancel", ...(reason === null ? {} : { reason }) });
    if (changed === null) return { outcome: "not_found" };
    const run = this.#reader.view(changed.run);
    return { outcome: changed.outcome === "accepted" ? "cancelled" : "terminal", run };
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
    await Promise.all([
      this.#projector.flush(() => this.#dispatcher.sentThrough(this.#runs.lastId)),
      this.#points.flush(),
    ]);
    await this.#retention.look(Date.now());
    this.#rearm();
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
      this.#runs.lastId === 0 ? null : this.#retention.dueAt,
    ];
    for (const at of times) if (at !== null) this.#alarm.noLaterThan(Math.max(at, nowMs));
  }

  /** Hands an input to a run, of `tenant` when somebody outside names it; a failure is logged and changes nothing. */
  async #change(
    runId: string,
    input: PlanInput,
    tenant: string | null = null,
  ): Promise<{ run: LoadedRun; outcome: Outcome } | null> {
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
    return settled.map((change) => (change.status === "fulfilled" ? (change.value?.outcome ?? "too_late") : "failed"));
  }
}
