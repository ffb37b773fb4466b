/**
 * A model whose calls are paid for: each is let in, made, priced and settled, and counted for the node's metrics. Says
 * why when a call may not be made.
 */
import type { LlmMetrics } from "#engine/metrics.ts";
import type { Deadline } from "#http/deadline.ts";
import { fail, type NodeError, nodeError, type Result } from "#kernel/errors.ts";
import type { AgentPorts } from "./agent-ports.ts";
import type { AgentTask } from "./agent-task.ts";
import { type CallCost, costOfCall } from "./call-cost.ts";
import type { CallList } from "./call-list.ts";
import type { Conversation } from "./conversation.ts";
import { interruption } from "./interruption.ts";
import { OUTPUT_TOKENS_MAX } from "./limits.ts";
import type { ModelCall, ModelReply, ModelRequest, ToolSpec } from "./model.ts";
import type { Price } from "./prices.ts";
import { cacheKeyOf } from "./prompt.ts";
import type { Admission, CallRecord } from "./spending.ts";
import { addUsage, NO_USAGE } from "./usage.ts";

/** English text has about four characters a token; the estimate rather errs upwards. */
const UNITS_PER_TOKEN = 3.5;

/** Past the deadline before a reservation ends by itself: the time to settle it. */
const SETTLE_GRACE_MS = 30_000;

/** Asked again after this when nobody can say whether a call may be made. */
const UNKNOWN_WAIT_MS = 2_000;

export class MeteredModel {
  readonly warnings: string[] = [];
  bytesIn = 0;
  bytesOut = 0;
  metrics: LlmMetrics;
  readonly #task: AgentTask;
  readonly #ports: AgentPorts;
  readonly #base: Omit<ModelRequest, "messages">;
  readonly #toolUnits: number;
  readonly #expiresAt: number;
  readonly #calls: CallList;

  constructor(task: AgentTask, ports: AgentPorts, tools: readonly ToolSpec[], endsAt: number, calls: CallList) {
    this.#calls = calls;
    this.#task = task;
    this.#ports = ports;
    this.#expiresAt = endsAt + SETTLE_GRACE_MS;
    this.#toolUnits = JSON.stringify(tools).length;
    const { model, outputSchema, temperature } = task.config;
    this.#base = {
      model,
      tools,
      outputSchema,
      temperature,
      maxOutputTokens: OUTPUT_TOKENS_MAX,
      cacheKey: cacheKeyOf(task),
    };
    this.metrics = {
      ...NO_USAGE,
      tokens_used: 0,
      cache_hit: false,
      llm_model: model,
      llm_calls: 0,
      tool_calls: [],
      time_to_first_token_ms: null,
      cost_usd: 0,
      price_version: null,
    };
  }

  /** One turn of the conversation; its cost is added to it whatever the reply is. */
  async ask(conversation: Conversation, deadline: Deadline): Promise<Result<ModelReply, NodeError>> {
    const refused = this.#ownBudgetError(conversation);
    if (refused !== null) return fail(refused);
    const callId = this.#ports.newCallId();
    const admission = await this.#admit(callId, conversation);
    if (!admission.admitted) return fail(admissionError(admission));
    for (const warning of admission.warnings) if (!this.warnings.includes(warning)) this.warnings.push(warning);

    const startedMs = this.#ports.clock.nowMs();
    const turn = conversation.turns + 1;
    const request = { ...this.#base, messages: conversation.messages };
    const call = await this.#ports.model.call(request, deadline.signal, (piece) => this.#ports.hearText(turn, piece));
    const reply = deadline.fallen === null ? call.reply : fail(interruption(deadline, this.#task.timeoutMs));
    await this.#account(callId, { ...call, reply }, startedMs, admission.price, conversation);
    return reply;
  }

  /** The node's own budget: what its calls came to, attempts before included, since people last agreed to more. */
  #ownBudgetError(conversation: Conversation): NodeError | null {
    const { usage } = conversation;
    const { budgetUsd, model } = this.#task.config;
    if (budgetUsd === null) return null;
    if (usage.cost_usd === null) {
      return nodeError("model_unpriced", `budget_usd is set, and what "${model}" costs is not known: set its price`);
    }
    const spentUsd = usage.cost_usd - conversation.agreedUsd;
    if (usage.calls > 0 && spentUsd >= budgetUsd) {
      const spent = spentUsd.toFixed(6);
      // Nobody comes back to this conversation unless people agree.
      conversation.agreedUsd = usage.cost_usd;
      return nodeError("budget_exceeded", `the node has spent ${spent} USD of its budget_usd ${budgetUsd}`);
    }
    return null;
  }

  async #admit(callId: string, conversation: Conversation): Promise<Admission> {
    const { runId, workflow, node, visit, attempt, config } = this.#task;
    try {
      return await this.#ports.spending.admit({
        call_id: callId,
        run_id: runId,
        workflow,
        node,
        visit,
        attempt,
        turn: conversation.turns + 1,
        model: config.model,
        needs_price: config.budgetUsd !== null,
        input_tokens: Math.ceil((conversation.units + this.#toolUnits) / UNITS_PER_TOKEN),
        output_tokens: OUTPUT_TOKENS_MAX,
        expires_at: this.#expiresAt,
      });
    } catch {
      const message = "whether the call may be made could not be found out";
      return { admitted: false, code: "wait", message, retry_after_ms: UNKNOWN_WAIT_MS };
    }
  }

  async #account(
    callId: string,
    call: ModelCall,
    startedMs: number,
    setPrice: Price | null,
    conversation: Conversation,
  ): Promise<void> {
    const { facts, reply } = call;
    const { config } = this.#task;
    const nowMs = this.#ports.clock.nowMs();
    const isFree = wasNotMade(call);
    const cost: CallCost = isFree ? { usd: 0, priceVersion: null } : costOfCall(facts, config.model, setPrice, nowMs);
    if (!isFree) conversation.addUsage(facts.usage, cost.usd);
    this.#count(call, cost, isFree);
    const record = this.#record(callId, call, startedMs, nowMs, cost, conversation.turns + 1);
    this.#list(record);
    const error = reply.ok ? null : reply.error;
    try {
      await this.#ports.spending.settle({
        record,
        rate: facts.rate,
        is_throttled: facts.httpStatus === 429 || facts.httpStatus === 503,
        retry_after_ms: error?.retry_after_ms ?? null,
      });
    } catch {
      // Its reservation stands, and ends as spent: too much is counted rather than too little.
    }
  }

  #count({ facts }: ModelCall, cost: CallCost, isFree: boolean): void {
    this.bytesIn += facts.bytesIn;
    this.bytesOut += facts.bytesOut;
    const { metrics } = this;
    const usage = addUsage(metrics, facts.usage ?? NO_USAGE);
    this.metrics = {
      ...metrics,
      ...usage,
      tokens_used: usage.input_tokens + usage.output_tokens,
      cache_hit: usage.cached_tokens > 0,
      llm_model: facts.answeredModel ?? metrics.llm_model,
      llm_calls: metrics.llm_calls + (isFree ? 0 : 1),
      time_to_first_token_ms: metrics.time_to_first_token_ms ?? facts.timeToFirstTokenMs,
      cost_usd: metrics.cost_usd === null || cost.usd === null ? null : metrics.cost_usd + cost.usd,
      price_version: cost.priceVersion ?? metrics.price_version,
    };
  }

  #list(record: CallRecord): void {
    this.#calls.addModelCall({
      at: record.at,
      duration_ms: record.duration_ms,
      ...(record.outcome === "ok" ? {} : { error: record.outcome }),
      provider: record.provider,
      model: record.requested_model,
      answered_model: record.answered_model,
      input_tokens: record.input_tokens,
      cached_tokens: record.cached_tokens,
      cache_write_tokens: record.cache_write_tokens,
      output_tokens: record.output_tokens,
      reasoning_tokens: record.reasoning_tokens,
      cost_usd: record.cost_usd,
      finish_reason: record.finish_reason,
      time_to_first_token_ms: record.time_to_first_token_ms,
      http_status: record.http_status,
    });
  }

  #record(
    callId: string,
    { facts, reply }: ModelCall,
    startedMs: number,
    nowMs: number,
    cost: CallCost,
    turn: number,
  ): CallRecord {
    const { runId, workflow, node, visit, attempt, config } = this.#task;
    const { usage } = facts;
    return {
      call_id: callId,
      run_id: runId,
      workflow,
      node,
      visit,
      attempt,
      turn,
      at: startedMs,
      duration_ms: nowMs - startedMs,
      provider: facts.provider,
      requested_model: config.model,
      answered_model: facts.answeredModel,
      input_tokens: usage?.input_tokens ?? null,
      cached_tokens: usage?.cached_tokens ?? null,
      cache_write_tokens: usage?.cache_write_tokens ?? null,
      output_tokens: usage?.output_tokens ?? null,
      reasoning_tokens: usage?.reasoning_tokens ?? null,
      cost_usd: cost.usd,
      price_version: cost.priceVersion,
      time_to_first_token_ms: facts.timeToFirstTokenMs,
      finish_reason: facts.finishReason,
      tool_calls: reply.ok ? reply.value.toolCalls.length : 0,
      outcome: reply.ok ? "ok" : reply.error.code,
      http_status: facts.httpStatus,
    };
  }
}

/** The provider turned it away, or was never reached: nothing was read or written. */
function wasNotMade({ facts, reply }: ModelCall): boolean {
  if (reply.ok || facts.usage !== null) return false;
  return facts.httpStatus === null ? reply.error.code === "network" : facts.httpStatus >= 300;
}

function admissionError(admission: Admission & { admitted: false }): NodeError {
  const { code, message } = admission;
  if (code !== "wait") return nodeError(code, message);
  return nodeError("model_error", message, {
    retryable: true,
    retry_after_ms: admission.retry_after_ms,
    postponed: true,
  });
}
