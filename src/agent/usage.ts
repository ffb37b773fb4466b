/**
 * What a model call used, from the usage objects of both OpenAI APIs: cached and cache-write tokens are part of the
 * input, reasoning tokens part of the output, and neither is counted again. What it costs is `prices.ts`.
 */
import { z } from "zod";

export interface Usage {
  /** All tokens read, cached ones and those written to the cache included. */
  input_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  /** All tokens written, reasoning included. */
  output_tokens: number;
  reasoning_tokens: number;
}

export const NO_USAGE: Usage = {
  input_tokens: 0,
  cached_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
};

const count = z.number().nonnegative().nullish().catch(null);

const usageSchema = z.object({
  // Chat completions
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish().catch(null),
  completion_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
  // Responses
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish().catch(null),
  output_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
  total_tokens: count,
  /** Some gateways say what they charge, in USD. */
  cost: count,
});

export interface ReportedUsage {
  usage: Usage;
  /** The provider's own figure, which wins over any table. */
  costUsd: number | null;
}

/** Null when the provider did not say how much was read and written. */
export function readUsage(raw: unknown): ReportedUsage | null {
  const parsed = usageSchema.safeParse(raw);
  if (!parsed.success) return null;
  const { data } = parsed;
  const input = data.prompt_tokens ?? data.input_tokens;
  const written = data.completion_tokens ?? data.output_tokens;
  if (input === null || input === undefined || written === null || written === undefined) return null;
  const inputDetails = data.prompt_tokens_details ?? data.input_tokens_details;
  const outputDetails = data.completion_tokens_details ?? data.output_tokens_details;
  const reasoning = outputDetails?.reasoning_tokens ?? 0;
  // Some providers leave reasoning out of the completion; their total gives it away.
  const isBeside = reasoning > 0 && data.total_tokens === input + written + reasoning;
  const output = isBeside ? written + reasoning : written;
  const cached = Math.min(inputDetails?.cached_tokens ?? 0, input);
  const usage = {
    input_tokens: input,
    cached_tokens: cached,
    cache_write_tokens: Math.min(inputDetails?.cache_write_tokens ?? 0, input - cached),
    output_tokens: output,
    reasoning_tokens: Math.min(reasoning, output),
  };
  return { usage, costUsd: data.cost ?? null };
}

export function addUsage(left: Usage, right: Usage): Usage {
  return {
    input_tokens: left.input_tokens + right.input_tokens,
    cached_tokens: left.cached_tokens + right.cached_tokens,
    cache_write_tokens: left.cache_write_tokens + right.cache_write_tokens,
    output_tokens: left.output_tokens + right.output_tokens,
    reasoning_tokens: left.reasoning_tokens + right.reasoning_tokens,
  };
}
