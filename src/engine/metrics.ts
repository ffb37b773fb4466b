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
  /** Set for agents: what the attempt did outside, in the order it began; `calls_omitted` more are not listed. */
  calls?: CallMetrics[];
  calls_omitted?: number;
}

/** Calls that one attempt lists. */
export const CALLS_LISTED_MAX = 100;

interface Call {
  /** When it began, in milliseconds since the epoch. */
  at: number;
  duration_ms: number;
  /** Absent when it went well. */
  error?: string;
}

/** A call of a model; null is what the provider did not say. */
export interface ModelCallMetrics extends Call {
  kind: "model";
  provider: string;
  model: string;
  answered_model: string | null;
  input_tokens: number | null;
  cached_tokens: number | null;
  cache_write_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  cost_usd: number | null;
  finish_reason: string | null;
  time_to_first_token_ms: number | null;
  http_status: number | null;
}

/** A tool that a model asked for. Bytes are those of the tool's own requests. */
export interface ToolCallMetrics extends Call {
  kind: "tool";
  tool: string;
  call_id: string;
  bytes_in: number;
  bytes_out: number;
}

/** A request that a tool made; `of` is the place of the tool's call in the list. */
export interface RequestMetrics extends Call {
  kind: "request";
  of: number;
  method: string;
  host: string;
  status: number | null;
  bytes_in: number;
  bytes_out: number;
}

export type CallMetrics = ModelCallMetrics | ToolCallMetrics | RequestMetrics;

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
  time_to_first_token_ms: number | null;
  cost_usd: number | null;
  price_version: string | null;
}
