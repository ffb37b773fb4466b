/** A part of the ten thousand seeds of `npm run simulate -- --seeds 10000`: the engine, the coordinator and the consumers in weather that nobody orders. */
import { describe, expect, test } from "vitest";
import { simulateInProcess } from "./simulate-process.ts";

const SEEDS = 2_000;
const PORTION = 200;

describe("simulation: every check holds", () => {
  const portions = Array.from({ length: SEEDS / PORTION }, (_, index) => index * PORTION);

  test.concurrent.each(portions)(`in ${PORTION} seeds from %i`, async (from) => {
    const { code, output } = await simulateInProcess(
      "--seeds",
      String(PORTION),
      "--from",
      String(from),
      "--threads",
      "1",
    );
    expect(output).toContain(`${PORTION} seeds from ${from}`);
    expect(output).toContain("every check holds");
    expect(code).toBe(0);
  });
});
