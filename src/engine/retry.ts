/** When a failed attempt is tried again: exponential backoff with full jitter from the run's seed. */
import { isRetryable, type NodeError } from "#kernel/errors.ts";
import type { RetryPolicy } from "#workflow/graph.ts";
import { BACKOFF_MS_MAX } from "#workflow/limits.ts";
import { RETRY_AFTER_MS_MAX } from "./limits.ts";
import { seededRandom } from "./random.ts";

/**
 * Milliseconds until the attempt after `attempt` (1, 2, …), or null when there is none. What the far side asked for
 * by Retry-After is a lower bound. Full jitter: anywhere between nothing and the whole backoff.
 */
export function retryDelayMs(policy: RetryPolicy, error: NodeError, attempt: number, seed: string): number | null {
  if (attempt >= policy.maxAttempts || !isRetryable(error)) return null;
  const backoff = Math.min(policy.backoffMs * policy.multiplier ** (attempt - 1), BACKOFF_MS_MAX);
  const delay = policy.jitter ? Math.floor(backoff * seededRandom(seed)()) : Math.floor(backoff);
  return Math.max(delay, Math.min(error.retry_after_ms ?? 0, RETRY_AFTER_MS_MAX));
}
