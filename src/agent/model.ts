/**
 * The port to a language model: what one call is given and what it gives back, whoever answers. `openai-model.ts`
 * speaks to providers, `demo-model.ts` answers by itself.
 */
import type { NodeError, Result } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { Usage } from "./usage.ts";

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text as the model wrote it: judged by whoever executes it. */
  arguments: string;
}

export type ModelMessage =
  | { role: "system" | "user"; text: string }
  | { role: "assistant"; text: string; toolCalls: readonly ToolCall[] }
  | { role: "tool"; callId: string; text: string };

export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: JsonObject;
}

export interface ModelRequest {
  model: string;
  messages: readonly ModelMessage[];
  tools: readonly ToolSpec[];
  outputSchema: JsonObject | null;
  temperature: number | null;
  maxOutputTokens: number;
  /** Calls with the same key share a prefix that the provider may cache. */
  cacheKey: string;
}

/** What a provider says of its limits with an answer; null where it says nothing. */
export interface RateFacts {
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
  remainingRequests: number | null;
  remainingTokens: number | null;
}

/** What is known of a call, however it ended. */
export interface CallFacts {
  provider: string;
  /** The model that answered, by its own account; null when none did. */
  answeredModel: string | null;
  /** Null: nobody said. */
  usage: Usage | null;
  providerCostUsd: number | null;
  finishReason: string | null;
  httpStatus: number | null;
  timeToFirstTokenMs: number | null;
  rate: RateFacts | null;
  bytesIn: number;
  bytesOut: number;
}

export interface ModelReply {
  text: string;
  toolCalls: readonly ToolCall[];
}

/** A reply may fail and have cost something all the same. */
export interface ModelCall {
  facts: CallFacts;
  reply: Result<ModelReply, NodeError>;
}

/** Hears an answer's text as it comes, piece by piece. */
export type HearText = (piece: string) => void;

export interface Model {
  /** One call; never throws. Ends with `timeout` or `cancelled` when the signal is aborted. */
  call(request: ModelRequest, signal: AbortSignal, hear: HearText): Promise<ModelCall>;
}
