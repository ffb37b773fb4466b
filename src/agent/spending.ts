/**
 * The port to whoever watches over spend and rate: leave to make a call, and what it came to. `workers/limiter.ts`
 * stands behind it.
 */
import type { RateFacts } from "./model.ts";
import type { Price } from "./prices.ts";

export interface CallRequest {
  call_id: string;
  run_id: string;
  workflow: string | null;
  node: string;
  visit: number;
  attempt: number;
  turn: number;
  model: string;
  /** The node has a budget of its own: a call whose price nobody knows is then refused. */
  needs_price: boolean;
  /** An estimate; the provider's count settles it. */
  input_tokens: number;
  /** The most that may be written. */
  output_tokens: number;
  /** When the call is over for certain, in milliseconds since the epoch: then its reservation ends by itself. */
  expires_at: number;
}

export type Admission =
  | { admitted: true; price: Price | null; warnings: string[] }
  | { admitted: false; code: "budget_exceeded" | "model_unpriced"; message: string }
  /** No room right now: ask again after this. */
  | { admitted: false; code: "wait"; message: string; retry_after_ms: number };

/** One call as it is kept: a row of `llm_calls`. Null is what nobody knows. */
export interface CallRecord {
  call_id: string;
  run_id: string;
  workflow: string | null;
  node: string;
  visit: number;
  attempt: number;
  turn: number;
  /** When it began, in milliseconds since the epoch. */
  at: number;
  duration_ms: number;
  provider: string;
  requested_model: string;
  answered_model: string | null;
  input_tokens: number | null;
  cached_tokens: number | null;
  cache_write_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  cost_usd: number | null;
  price_version: string | null;
  time_to_first_token_ms: number | null;
  finish_reason: string | null;
  tool_calls: number;
  /** "ok", the code of the node error that it ended with, or "lost": its worker was, and the cost is assumed. */
  outcome: string;
  http_status: number | null;
}

export interface Settlement {
  record: CallRecord;
  /** What the provider said of its limits, and whether it was too much for it. */
  rate: RateFacts | null;
  /** The provider would have no more: 429, or overload. */
  is_throttled: boolean;
  retry_after_ms: number | null;
}

export interface Spending {
  admit(request: CallRequest): Promise<Admission>;
  /** Safe to repeat. */
  settle(settlement: Settlement): Promise<void>;
}
