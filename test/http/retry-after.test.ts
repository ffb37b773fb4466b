import { expect, test } from "vitest";
import { RETRY_AFTER_MS_MAX } from "#engine/limits.ts";
import { retryAfterMs } from "#http/retry-after.ts";

const nowMs = Date.parse("2026-11-23T12:00:00Z");

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 5 ", 5_000],
  [String(RETRY_AFTER_MS_MAX / 1_000), RETRY_AFTER_MS_MAX],
  [String(RETRY_AFTER_MS_MAX / 1_000 + 1), RETRY_AFTER_MS_MAX],
  ["9999999999", RETRY_AFTER_MS_MAX],
  ["Mon, 23 Nov 2026 12:00:30 GMT", 30_000],
  ["Mon, 23 Nov 2026 11:00:00 GMT", 0],
  ["Tue, 23 Nov 2027 12:00:00 GMT", RETRY_AFTER_MS_MAX],
  ["Mon, 99 Nov 2026 12:00:30 GMT", null],
  ["2026-11-23T12:00:30Z", null],
  ["-1", null],
  ["1.5", null],
  ["1e3", null],
  ["soon", null],
  ["", null],
  [null, null],
])("Retry-After %j means %j ms", (value, expected) => {
  expect(retryAfterMs(value, nowMs)).toBe(expected);
});
