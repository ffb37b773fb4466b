/**
 * Durable Object: the limiter of one tenant. Lets model calls in by budgets and by what each model keeps up with, and
 * counts what they came to. `Ledger` decides about money, `ModelGate` about rate; this loads, asks both, answers.
 */
import { DurableObject } from "cloudflare:workers";
import { ModelGate } from "#agent/model-gate.ts";
import { type Price, priceOf } from "#agent/prices.ts";
import type { Admission, CallRecord, CallRequest, Settlement } from "#agent/spending.ts";
import { Backoff } from "#kernel/backoff.ts";
import { invariant } from "#kernel/errors.ts";
import { CallOutbox } from "#store/limiter/call-outbox.ts";
import { Ledger } from "#store/limiter/ledger.ts";
import type { Budget, BudgetView, LimiterRpc, SetPrice } from "#store/limiter/protocol.ts";
import { migrateLimiter } from "#store/limiter/schema.ts";
import { SetPrices } from "#store/limiter/set-prices.ts";
import { type CallRow, UPSERT_CALLS } from "#store/llm-calls.ts";
import { limiterDecisions, llmBudgetRejections } from "#telemetry/catalogue/model-metrics.ts";
import { objectAlarmDelay, objectAlarms } from "#telemetry/catalogue/platform-metrics.ts";
import { llmPoint } from "#telemetry/llm-points.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { analyticsTarget, pointOrigin, writePoints } from "./analytics.ts";
import { CallMeter } from "./call-meter.ts";
import { Alarm } from "./coordinator/alarm.ts";
import { databaseOf } from "./database.ts";
import { type Env, loggerOf, settingsOf } from "./env.ts";
import { metersOf } from "./meters.ts";
import { recorderOf } from "./metric-recorder.ts";

/** Budgets and set prices that a tenant may have. */
export const BUDGETS_MAX = 1_000;
export const PRICES_MAX = 1_000;

/** Others may come back to a budget that is reserved. */
const RESERVED_WAIT_MS = 1_000;

/** How long a call's row may wait for others to share its statement. */
const FLUSH_DELAY_MS = 1_000;

export class Limiter extends DurableObject<Env> implements LimiterRpc {
  readonly #logger = loggerOf(this.env, "limiter");
  readonly #alarm = new Alarm(this.ctx.storage);
  readonly #ledger: Ledger;
  readonly #prices: SetPrices;
  readonly #outbox: CallOutbox;
  /** In memory: what a model keeps up with is learned anew within a minute. */
  readonly #gates = new Map<string, ModelGate>();
  readonly #recorder: MetricRecorder = recorderOf(this.env);
  readonly #meter = new CallMeter(this.ctx.id.name ?? "", metersOf(this.env));
  readonly #backoff = new Backoff();
  /** Number of the last call that D1 has, as far as is known in this life. */
  #inDatabase = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateLimiter(ctx.storage);
    const { sql } = ctx.storage;
    this.#ledger = new Ledger(sql);
    this.#prices = new SetPrices(sql);
    this.#outbox = new CallOutbox(sql);
    void ctx.blockConcurrencyWhile(() => this.#alarm.restore());
  }

  async admit(tenant: string, request: CallRequest): Promise<Admission> {
    this.#mustBe(tenant);
    const nowMs = Date.now();
    const set = this.#prices.get(request.model);
    // The caller repeats a call whose answer was lost.
    if (this.#ledger.isReserved(request.call_id)) return { admitted: true, price: set, warnings: [] };
    const price = set ?? priceOf(request.model, request.input_tokens, nowMs);
    const fit = this.#ledger.fit(request, price, nowMs);
    this.#recorder.count(limiterDecisions, ["llm_budget", fit.fits ? "allowed" : "limited"]);
    if (!fit.fits) {
      const { code, message } = fit;
      if (code !== "wait") this.#recorder.count(llmBudgetRejections, [code]);
      return code === "wait"
        ? { admitted: false, code, message, retry_after_ms: RESERVED_WAIT_MS }
        : { admitted: false, code, message };
    }
    const entering = { callId: request.call_id, tokens: request.input_tokens };
    const waitMs = this.#gate(request.model).enter(entering, nowMs);
    this.#recorder.count(limiterDecisions, ["llm_rate", waitMs > 0 ? "limited" : "allowed"]);
    if (waitMs > 0) {
      const message = `"${request.model}" is asked as much as it keeps up with`;
      return { admitted: false, code: "wait", message, retry_after_ms: waitMs };
    }
    this.#ledger.reserve(request, price, nowMs);
    this.#alarm.noLaterThan(request.expires_at);
    return { admitted: true, price: set, warnings: fit.warnings };
  }

  async settle(tenant: string, settlement: Settlement): Promise<void> {
    this.#mustBe(tenant);
    const { record, rate, is_throttled: isThrottled, retry_after_ms: retryAfterMs } = settlement;
    const nowMs = Date.now();
    this.#gate(record.requested_model).leave(record.call_id, { isThrottled, retryAfterMs, rate }, nowMs);
    this.ctx.storage.transactionSync(() => {
      if (this.#ledger.settle(record, nowMs)) this.#outbox.add(tenant, record);
    });
    this.#alarm.noLaterThan(nowMs + FLUSH_DELAY_MS);
  }

  async budgets(tenant: string): Promise<BudgetView[]> {
    this.#mustBe(tenant);
    return this.#ledger.budgets(Date.now());
  }

  async setBudget(
    tenant: string,
    budget: Omit<Budget, "limit_usd"> & { limit_usd: number | null },
  ): Promise<BudgetView[] | null> {
    this.#mustBe(tenant);
    const { limit_usd: limit } = budget;
    if (limit === null) this.#ledger.removeBudget(budget);
    else if (!this.#ledger.hasBudget(budget) && this.#ledger.countBudgets() >= BUDGETS_MAX) return null;
    else this.#ledger.setBudget({ ...budget, limit_usd: limit }, Date.now());
    return this.#ledger.budgets(Date.now());
  }

  async prices(tenant: string): Promise<SetPrice[]> {
    this.#mustBe(tenant);
    return this.#prices.list();
  }

  async setPrice(tenant: string, model: string, price: Price | null): Promise<boolean> {
    this.#mustBe(tenant);
    if (price === null) this.#prices.remove(model);
    else if (this.#prices.get(model) === null && this.#prices.list().length >= PRICES_MAX) return false;
    else this.#prices.set(model, price, Date.now());
    return true;
  }

  /** The single alarm: gives up what was lost, and carries rows to D1. */
  override async alarm(): Promise<void> {
    this.#recorder.observe(objectAlarmDelay, ["limiter"], this.#alarm.fired() / 1_000);
    this.#recorder.count(objectAlarms, ["limiter", "ok"]);
    const { name: tenant } = this.ctx.id;
    invariant(tenant !== undefined, "a limiter is addressed by its tenant");
    this.ctx.storage.transactionSync(() => {
      for (const lost of this.#ledger.expire(Date.now())) this.#lose(tenant, lost);
    });
    await this.#flush();
    const due = this.#ledger.nextExpiry();
    if (due !== null) this.#alarm.noLaterThan(due);
  }

  #lose(tenant: string, record: CallRecord): void {
    const { run_id, node, call_id } = record;
    this.#logger.warn("a model call was never settled: its cost is assumed", {
      tenant,
      run_id,
      node_id: node,
      call_id,
    });
    this.#outbox.add(tenant, record);
  }

  async #flush(): Promise<void> {
    try {
      // First all of them to D1, which is the truth about money: it does not wait for a Meter.
      for (let taken = this.#outbox.take(this.#inDatabase); taken.rows.length > 0; ) {
        await databaseOf(this.env).database.prepare(UPSERT_CALLS).bind(JSON.stringify(taken.rows)).run();
        await this.#measure(taken.rows, taken.ids);
        this.#inDatabase = taken.through;
        taken = this.#outbox.take(this.#inDatabase);
      }
      for (let taken = this.#outbox.take(); taken.rows.length > 0 && taken.through <= this.#inDatabase; ) {
        await this.#meter.take(taken.rows, taken.ids);
        this.#outbox.sent(taken.through);
        taken = this.#outbox.take();
      }
      this.#backoff.succeeded();
    } catch (error) {
      this.#alarm.noLaterThan(Date.now() + this.#backoff.failed());
      this.#logger.warn("model calls could not be handed over", { failures: this.#backoff.failures, error });
    }
  }

  /** Best effort: D1 is the truth about money, and must not wait for analytics. */
  async #measure(rows: readonly CallRow[], ids: readonly number[]): Promise<void> {
    const source = `limiter-${this.ctx.id.name}`;
    const origin = pointOrigin(this.env);
    const points = rows.map((row, index) => ({ ...llmPoint(row, origin), seq: ids[index] as number, part: 0 }));
    try {
      await writePoints(analyticsTarget(this.env, source), source, points);
    } catch (error) {
      this.#logger.warn("model calls could not be measured", { calls: rows.length, error });
    }
  }

  #gate(model: string): ModelGate {
    let gate = this.#gates.get(model);
    if (gate === undefined) {
      const { LLM_REQUESTS_PER_MINUTE: requestsPerMinute, LLM_TOKENS_PER_MINUTE: tokensPerMinute } = settingsOf(
        this.env,
      );
      gate = new ModelGate({ requestsPerMinute, tokensPerMinute });
      this.#gates.set(model, gate);
    }
    return gate;
  }

  /** An object holds one tenant's money; a call about another's is a bug. */
  #mustBe(tenant: string): void {
    invariant(this.ctx.id.name === tenant, "a limiter is asked about its own tenant");
  }
}
