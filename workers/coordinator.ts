/**
 * Durable Object: a shard of runs. Each method loads, lets the engine plan, commits and answers; the parts in
 * `coordinator/` own one duty each. Decides nothing itself.
 */
import { DurableObject } from "cloudflare:workers";
import type { TextPiece } from "#agent/live-text.ts";
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
import type { Json, JsonObject } from "#kernel/json.ts";
import type { FeedPage } from "#store/fanout/protocol.ts";
import { agentTexts } from "#store/shard/agent-text.ts";
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
import { migrateShard } from "#store/shard/schema.ts";
import { queueDuplicates } from "#telemetry/catalogue/traffic-metrics.ts";
import type { RunLogPage, RunLogQuery } from "#telemetry/run-logs.ts";
import { doAll } from "./coordinator/bulk.ts";
import { assembleParts, type ShardParts } from "./coordinator/parts.ts";
import type { Changed } from "./coordinator/transitions.ts";
import { Upkeep } from "./coordinator/upkeep.ts";
import { type Env, loggerOf } from "./env.ts";
import { telemetryOrigin } from "./tracing.ts";

/** Time for the answer to a restart to leave. */
const RESTART_DELAY_MS = 20;

export class Coordinator extends DurableObject<Env> implements CoordinatorRpc {
  readonly #parts: ShardParts;
  readonly #upkeep: Upkeep;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateShard(ctx.storage);
    this.#parts = assembleParts({
      ctx,
      env,
      logger: loggerOf(env, "workflow-runner"),
      change: (runId, input) => this.#change(runId, input),
    });
    this.#upkeep = new Upkeep(this.#parts, {
      waitUntil: (work) => ctx.waitUntil(work),
      change: (runId, input) => this.#change(runId, input),
    });
    void ctx.blockConcurrencyWhile(() => this.#upkeep.begin());
  }

  async start(tenant: string, request: StartRequest): Promise<StartReply> {
    if (this.#parts.projector.isOverloaded) return { outcome: "overloaded" };
    const reply = await this.#parts.commits.submit((commit) => this.#parts.starts.once(tenant, request, commit));
    if (!("run" in reply) || request.wait_ms === 0 || reply.run.ended_at !== null) return reply;
    const run = await this.waitForEnd(tenant, reply.run.run_id, request.wait_ms);
    return run === null ? reply : { ...reply, run };
  }

  async startMany(tenant: string, requests: StartRequest[], definition?: DefinitionOf): Promise<StartedReply[]> {
    return Promise.all(requests.map((request) => this.#startOneOf(tenant, request, definition)));
  }

  async #startOneOf(tenant: string, request: StartRequest, known: DefinitionOf | undefined): Promise<StartedReply> {
    if (this.#parts.projector.isOverloaded) return { outcome: "overloaded" };
    const isIts = known !== undefined && known.artifact_id === request.artifact_id;
    const whole = isIts ? { ...request, definition: known.definition } : request;
    try {
      const reply = await this.#parts.commits.submit((commit) => this.#parts.starts.once(tenant, whole, commit));
      if (!("run" in reply)) return reply;
      return { outcome: reply.outcome, run_id: reply.run.run_id, status: reply.run.status };
    } catch (error) {
      this.#parts.logger.error("a start of many failed", { run_id: request.run_id, error });
      return { outcome: "failed" };
    }
  }

  async findByKey(tenant: string, key: string, bodyHash: string): Promise<StartReply | null> {
    return this.#parts.starts.byKey(tenant, key, bodyHash, Date.now());
  }

  async run(tenant: string, runId: string): Promise<RunView | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : this.#parts.reader.view(run);
  }

  async waitForEnd(tenant: string, runId: string, waitMs: number): Promise<RunView | null> {
    const run = this.#parts.reader.find(tenant, runId);
    if (run === null) return null;
    if (!isTerminal(run.state.status)) await this.#parts.waiters.wait(runId, waitMs);
    return this.run(tenant, runId);
  }

  async details(tenant: string, runId: string): Promise<RunDetails | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : this.#parts.reader.details(run);
  }

  async explain(tenant: string, runId: string): Promise<Explanation | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : this.#parts.reader.explain(run, Date.now());
  }

  async events(tenant: string, runId: string, after: number, limit: number): Promise<EventPage | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : this.#parts.reader.events(run, after, limit);
  }

  async listen(tenant: string, order: { after: number | null; until: number }): Promise<FeedPage> {
    return this.#parts.feed.listen(tenant, order);
  }

  async logs(tenant: string, runId: string, query: RunLogQuery): Promise<RunLogPage | null> {
    const { reader } = this.#parts;
    const run = reader.find(tenant, runId);
    return run === null ? null : reader.logs(run, query);
  }

  async traceDocument(tenant: string, runId: string): Promise<string | null> {
    const { reader } = this.#parts;
    const run = reader.find(tenant, runId);
    return run === null ? null : reader.trace(run, telemetryOrigin(this.env));
  }

  /** Upgrades alone come this way; everything else is a call. */
  override async fetch(request: Request): Promise<Response> {
    return this.#parts.streams.open(request);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#parts.streams.heard(socket, message);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#parts.streams.left(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#parts.streams.left(socket);
  }

  async command(tenant: string, runId: string, command: RunCommand): Promise<CommandReply | null> {
    const changed = await this.#change(runId, command, tenant);
    if (changed === null) return null;
    const { refusal, value } = changed.planned;
    if (refusal !== undefined) return { outcome: "refused", ...refusal };
    return { outcome: "done", run: this.#parts.reader.view(changed.run), value: value ?? null };
  }

  async approvals(tenant: string, runId: string): Promise<ApprovalView[] | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : approvalViews(run.state);
  }

  async patches(tenant: string, runId: string): Promise<PatchView[] | null> {
    const run = this.#parts.reader.find(tenant, runId);
    return run === null ? null : this.#parts.reader.patches(run);
  }

  async replayRun(tenant: string, runId: string, request: ReplayRequest): Promise<ReplayReply | null> {
    if (this.#parts.projector.isOverloaded) return { outcome: "overloaded" };
    return this.#parts.commits.submit((commit) => {
      const source = this.#parts.reader.find(tenant, runId);
      return source === null ? null : this.#parts.starts.replay(source, request, commit);
    });
  }

  async bulk(tenant: string, items: BulkItem[]): Promise<BulkReply[]> {
    return doAll({ shard: this, reader: this.#parts.reader, logger: this.#parts.logger }, tenant, items);
  }

  async tasksStarted(starts: OfTenant<TaskStart>[]): Promise<Outcome[]> {
    return this.#changeAll(starts, (start) => ({ type: "task_started", start }));
  }

  async tasksEnded(results: OfTenant<TaskResult>[]): Promise<Outcome[]> {
    const outcomes = await this.#changeAll(results, (result) => ({ type: "task_ended", result }));
    results.forEach(({ metrics }, index) => {
      if (outcomes[index] !== "duplicate") return;
      this.#parts.recorder.count(queueDuplicates, [metrics.worker === "agent-runner" ? "weir-agent" : "weir-http"]);
    });
    return outcomes;
  }

  async taskConfig(tenant: string, address: TaskAddress): Promise<JsonObject | null> {
    const run = this.#parts.reader.find(tenant, address.run_id);
    return run === null ? null : planTaskConfig(run.state, address, this.#parts.transitions.contextOf(run.state));
  }

  async tryPatch(tenant: string, address: TaskAddress, earlier: Json[][], operations: Json[]) {
    const run = this.#parts.reader.find(tenant, address.run_id);
    if (run === null) return null;
    return tryAgentPatch(run.state, address, earlier, operations, this.#parts.transitions.contextOf(run.state));
  }

  async agentText(tenant: string, address: TaskAddress, pieces: TextPiece[]): Promise<boolean> {
    const { reader, streams } = this.#parts;
    // Most runs are watched by nobody: the run is not even loaded for them.
    if (!streams.isWatched(address.run_id) || reader.find(tenant, address.run_id) === null) return false;
    streams.say(address.run_id, agentTexts(address, pieces, Date.now()));
    return true;
  }

  async taskScope(tenant: string, address: TaskAddress): Promise<TaskScope | null> {
    const run = this.#parts.reader.find(tenant, address.run_id);
    return run === null ? null : taskScope(run.state, address, this.#parts.transitions.contextOf(run.state));
  }

  override async alarm(): Promise<void> {
    await this.#upkeep.alarm();
  }

  async wake(): Promise<void> {
    await this.#upkeep.wake();
  }

  async stats(): Promise<ShardStats> {
    return {
      shard: this.#parts.name,
      live_runs: this.#parts.runs.live().length,
      cached_runs: this.#parts.cache.size,
      unprojected: this.#parts.projector.backlog,
      unsent: this.#parts.dispatcher.unsent,
      viewers: this.#parts.streams.size,
      feeds: this.#parts.feed.tenants,
      database_bytes: this.#parts.runs.databaseBytes,
    };
  }

  async restart(): Promise<void> {
    this.#parts.logger.warn("a restart was asked for", { shard: this.#parts.name });
    // After the answer: what is under way fails as in any reset, and its callers ask again.
    setTimeout(() => this.ctx.abort("a restart was asked for"), RESTART_DELAY_MS);
  }

  /** Hands an input to a run, of `tenant` when somebody outside names it; a failure is logged and changes nothing. */
  async #change(runId: string, input: PlanInput, tenant: string | null = null): Promise<Changed | null> {
    try {
      return await this.#parts.commits.submit((commit) => {
        if (tenant !== null && this.#parts.reader.find(tenant, runId) === null) return null;
        return this.#parts.transitions.change(runId, input, commit);
      });
    } catch (error) {
      this.#parts.logger.error("a transition failed", { run_id: runId, input_type: input.type, error });
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
