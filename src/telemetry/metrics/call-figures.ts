/** What a model call counts as, from what is kept of it for billing: each row once. */
import type { CallRow } from "#store/llm-calls.ts";
import * as metrics from "#telemetry/catalogue/model-metrics.ts";
import { savedUsd } from "#telemetry/llm-points.ts";
import type { Tally } from "./tally.ts";

const OUTCOMES: ReadonlySet<string> = new Set(["ok", "timeout", "cancelled", "lost"]);

export function countCall(row: CallRow, tally: Tally): void {
  const { requested_model: model, outcome, input_tokens, output_tokens, cost_usd } = row;
  tally.count(metrics.llmRequests, [row.provider, model, OUTCOMES.has(outcome) ? outcome : "error"]);
  // The worker of a lost call may report it after all: what it is assumed to have used must not be counted twice.
  if (outcome === "lost") return;
  tally.observe(metrics.llmDuration, [model], row.duration_ms / 1_000, { runId: row.run_id, at: row.at });
  if (row.time_to_first_token_ms !== null) {
    tally.observe(metrics.llmTimeToFirstChunk, [model], row.time_to_first_token_ms / 1_000);
  }
  if (input_tokens !== null) {
    tally.count(metrics.llmTokens, [model, "input"], input_tokens);
    tally.count(metrics.llmTokens, [model, "cached_input"], row.cached_tokens ?? 0);
    tally.count(metrics.llmTokens, [model, "cache_write"], row.cache_write_tokens ?? 0);
    tally.count(metrics.llmPromptCache, [model, (row.cached_tokens ?? 0) > 0 ? "hit" : "miss"]);
  }
  if (output_tokens !== null) {
    tally.count(metrics.llmTokens, [model, "output"], output_tokens);
    tally.count(metrics.llmTokens, [model, "reasoning"], row.reasoning_tokens ?? 0);
  }
  if (cost_usd === null) tally.count(metrics.llmUnpriced, [model]);
  else {
    tally.count(metrics.llmCost, [model], cost_usd);
    tally.count(metrics.llmCacheSavings, [model], Math.max(0, savedUsd(row)));
  }
}
