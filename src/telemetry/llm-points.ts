/** Points of model calls, one for each, from what is kept of a call for billing. */
import { costUsd, PRICE_VERSION, priceOf } from "#agent/prices.ts";
import type { CallRow } from "#store/llm-calls.ts";
import type { Point } from "./point.ts";
import { makePoint, type PointOrigin } from "./points.ts";
import { traceIdOf } from "./traces/ids.ts";

export function llmPoint(row: CallRow, { env, version }: PointOrigin): Point {
  const { input_tokens: input, output_tokens: output, cached_tokens: cached, outcome } = row;
  // The worker of a lost call may report it after all: its assumed cost must not be counted twice.
  const isLost = outcome === "lost";
  return makePoint("weir_llm", row.at, `${row.tenant}|${row.requested_model}`, {
    tenant: row.tenant,
    env,
    version,
    outcome: outcome === "ok" ? "ok" : "error",
    error_type: outcome === "ok" ? "" : outcome,
    workflow: row.workflow,
    run_id: row.run_id,
    trace_id: traceIdOf(row.run_id),
    node_id: row.node,
    total_ms: row.duration_ms,
    execution_ms: row.duration_ms,
    attempt: row.attempt,
    provider: row.provider,
    model: row.requested_model,
    response_model: row.answered_model,
    operation: "chat",
    finish_reason: row.finish_reason,
    agent: row.node,
    cache_hit: (cached ?? 0) > 0,
    price_version: isLost ? "" : row.price_version,
    input_tokens: input,
    cached_tokens: cached,
    cache_write_tokens: row.cache_write_tokens,
    output_tokens: output,
    reasoning_tokens: row.reasoning_tokens,
    total_tokens: (input ?? 0) + (output ?? 0),
    cost_usd: isLost ? 0 : row.cost_usd,
    saved_usd: savedUsd(row),
    tool_calls: row.tool_calls,
    time_to_first_token_ms: row.time_to_first_token_ms,
    http_status: row.http_status,
  });
}

/** What the call would have cost more without the prompt cache; 0 where only the tenant or the provider knows prices. */
export function savedUsd(row: CallRow): number {
  const { input_tokens: input, cached_tokens: cached, at } = row;
  if (row.price_version !== PRICE_VERSION || input === null || cached === null || cached === 0) return 0;
  const price =
    (row.answered_model === null ? null : priceOf(row.answered_model, input, at)) ??
    priceOf(row.requested_model, input, at);
  if (price === null) return 0;
  const usage = {
    input_tokens: input,
    cache_write_tokens: row.cache_write_tokens ?? 0,
    output_tokens: row.output_tokens ?? 0,
    reasoning_tokens: row.reasoning_tokens ?? 0,
  };
  return costUsd({ ...usage, cached_tokens: 0 }, price) - costUsd({ ...usage, cached_tokens: cached }, price);
}
