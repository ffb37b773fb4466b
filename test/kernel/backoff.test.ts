import { describe, expect, test } from "vitest";
import { Backoff } from "#kernel/backoff.ts";

describe("backoff", () => {
  test("doubles from its first pause to its longest, and begins anew after a success", () => {
    const backoff = new Backoff(1_000, 5_000);
    expect([1, 2, 3, 4, 5].map(() => backoff.failed())).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(backoff.failures).toBe(5);
    backoff.succeeded();
    expect([backoff.failures, backoff.failed()]).toEqual([0, 1_000]);
  });

  test("stays at its longest however often", () => {
    const backoff = new Backoff();
    for (let i = 0; i < 2_000; i++) backoff.failed();
    expect(backoff.failed()).toBe(60_000);
  });
});
