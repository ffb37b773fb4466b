/** Keys that make a start safe to repeat: the same key and body are the same run for 24 hours. */

const KEY_BYTES = 16;

/** `getRandomValues` and not `randomUUID`: pages that were not loaded by HTTPS lack the second. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
