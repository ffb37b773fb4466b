/** The Retry-After header field (RFC 9110 §10.2.3). */
import { RETRY_AFTER_MS_MAX } from "#engine/limits.ts";

const SECONDS = /^\d{1,10}$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Milliseconds to wait, at most `RETRY_AFTER_MS_MAX`; a date that has passed gives 0. Null when the field is absent or
 * neither a number of seconds nor a date of the preferred form.
 */
export function retryAfterMs(value: string | null, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (SECONDS.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MS_MAX);
  const date = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.min(Math.max(date - nowMs, 0), RETRY_AFTER_MS_MAX);
}
