/** What a worker measures of one attempt (times are milliseconds since the epoch); kept on the attempt's event. */
import type { Json } from "#kernel/json.ts";

export const WORKERS = ["coordinator", "http-worker", "agent-runner", "hitl-worker"] as const;
export type WorkerName = (typeof WORKERS)[number];

/** Runtime, place and isolate that a job ran in; what cannot be known is null. */
export type SystemFacts = { [key: string]: Json };

export interface TaskMetrics {
  worker: WorkerName;
  sent_at: number;
  start_time: number;
  end_time: number;
  bytes_in: number;
  bytes_out: number;
  system: SystemFacts;
  /** Set for agents: what the attempt's own model calls used. */
  llm?: LlmMetrics;
  /** The output was remembered from an earlier node (`cache`). */
  result_cache_hit?: true;
}

/** Null is what nobody knows, never 0. Cached and cache-write tokens are part of the input, reasoning of the output. */
export interface LlmMetrics {
  tokens_used: number;
  input_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cache_hit: boolean;
  llm_model: string;
  llm_calls: number;
  tool_calls: string[];
  /** Those of them that gave an error; absent without one. */
  tool_errors?: string[];
  time_to_first_token_ms: number | null;
  cost_usd: number | null;
  price_version: string | null;
}
