/** When a failed attempt is tried again: exponential backoff with full jitter from the run's seed. */
import { isRetryable, type NodeError } from "#kernel/errors.ts";
import type { RetryPolicy } from "#workflow/graph.ts";
import { BACKOFF_MS_MAX } from "#workflow/limits.ts";
import { POSTPONEMENT_MS_DEFAULT, POSTPONEMENTS_MAX, RETRY_AFTER_MS_MAX } from "./limits.ts";
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

/**
 * Milliseconds until an attempt that found no room to begin is made again, or null when it was not so, or has been too
 * often: then it counts like any other. What was asked for is a lower bound; up to a half more keeps many apart.
 */
export function postponementMs(error: NodeError, postponements: number, seed: string): number | null {
  if (error.postponed !== true || postponements >= POSTPONEMENTS_MAX) return null;
  const asked = Math.min(error.retry_after_ms ?? POSTPONEMENT_MS_DEFAULT, RETRY_AFTER_MS_MAX);
  return Math.floor(asked * (1 + seededRandom(seed)() / 2));
}
