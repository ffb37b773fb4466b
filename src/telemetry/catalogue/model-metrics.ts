/** Metrics of model calls: from the kept list of calls, each counted once, and from those who let them in. */
import { MODEL_SECONDS } from "./buckets.ts";
import { model } from "./label-values.ts";
import { closed, counter, histogram, open } from "./metric.ts";

const owner = "limiter";

export const llmRequests = counter<["provider", "model", "outcome"]>("weir_llm_requests_total", {
  help: "Calls of models; lost: nobody heard of the end.",
  labels: [open("provider"), model, closed("outcome", ["ok", "error", "timeout", "cancelled", "lost"])],
  owner,
});

export const llmDuration = histogram<["model"]>("weir_llm_request_duration_seconds", {
  help: "How long calls of models took.",
  labels: [model],
  buckets: MODEL_SECONDS,
  owner,
});

export const llmTimeToFirstChunk = histogram<["model"]>("weir_llm_time_to_first_chunk_seconds", {
  help: "Until a model's first token came, where it is known.",
  labels: [model],
  buckets: MODEL_SECONDS,
  owner,
});

export const llmTokens = counter<["model", "type"]>("weir_llm_tokens_total", {
  help: "Tokens as the provider counts them: cached_input and cache_write are part of input, reasoning is part of output.",
  labels: [model, closed("type", ["input", "cached_input", "cache_write", "output", "reasoning"])],
  owner,
});

export const llmCost = counter<["model"]>("weir_llm_cost_usd_total", {
  help: "What calls cost, where the price is known.",
  labels: [model],
  owner,
});

export const llmCacheSavings = counter<["model"]>("weir_llm_cache_savings_usd_total", {
  help: "What the provider's prompt cache saved, where the price is known.",
  labels: [model],
  owner,
});

export const llmPromptCache = counter<["model", "result"]>("weir_llm_prompt_cache_requests_total", {
  help: "Calls whose tokens are known, by whether the provider's prompt cache was hit.",
  labels: [model, closed("result", ["hit", "miss"])],
  owner,
});

export const llmUnpriced = counter<["model"]>("weir_llm_unpriced_requests_total", {
  help: "Calls whose cost nobody knows.",
  labels: [model],
  owner,
});

export const limiterDecisions = counter<["limiter", "outcome"]>("weir_ratelimit_decisions_total", {
  help: "What limiters decided: llm_rate bounds the calls of a model, llm_budget what they may cost.",
  labels: [closed("limiter", ["llm_rate", "llm_budget"]), closed("outcome", ["allowed", "limited"])],
  feed: "isolate",
  owner,
});

export const llmBudgetRejections = counter<["reason"]>("weir_llm_budget_rejections_total", {
  help: "Model calls that a budget refused.",
  labels: [closed("reason", ["budget_exceeded", "model_unpriced"])],
  feed: "isolate",
  owner,
});
