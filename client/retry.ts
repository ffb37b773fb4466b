/** When a call is made again, and after how long. */
import { aborted, type WeirError } from "./errors.ts";

/** A call is tried so often in all, unless the options say otherwise: long enough for a restart in between. */
export const ATTEMPTS_DEFAULT = 5;
const BACKOFF_MS = 250;
const BACKOFF_MS_MAX = 5_000;
/** A server that asks for a longer pause is not waited for: the caller is told instead. */
export const RETRY_AFTER_MS_MAX = 30_000;

/** Refused before anything was done: may be repeated whatever the call was. */
const REFUSED: ReadonlySet<string> = new Set(["rate_limited", "overloaded"]);
/** Nobody knows whether it was done: only a call that may happen twice is repeated. */
const UNKNOWN: ReadonlySet<string> = new Set(["unreachable", "timeout", "unavailable", "internal"]);
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Milliseconds until the next try; null when there is none. `tried`: attempts so far. */
export function pauseBeforeRetry(
  error: WeirError,
  call: { tried: number; attempts: number; isRepeatable: boolean },
  random: () => number = Math.random,
): number | null {
  if (call.tried >= call.attempts) return null;
  if (!REFUSED.has(error.code) && !(call.isRepeatable && isPassing(error))) return null;
  if (error.retryAfterMs !== null) return error.retryAfterMs <= RETRY_AFTER_MS_MAX ? error.retryAfterMs : null;
  const ms = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** call.tried);
  // Half by chance: callers that were refused together do not come back together.
  return ms / 2 + (random() * ms) / 2;
}

/** Whether the same question may get an answer a moment later. */
export function isPassing(error: WeirError): boolean {
  const isGateway = error.code === "bad_answer" && GATEWAY_STATUSES.has(error.status ?? 0);
  return REFUSED.has(error.code) || UNKNOWN.has(error.code) || isGateway;
}

/** Resolves after `ms`; rejects with `aborted` when the signal comes first. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(aborted(signal.reason));
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    const onAbort = () => {
      clearTimeout(timer);
      reject(aborted(signal?.reason));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
