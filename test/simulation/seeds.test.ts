/** Ten thousand seeds: the engine, the coordinator and the consumers in weather that nobody orders. */
import { describe, expect, test } from "vitest";
import { simulateInProcess } from "./simulate-process.ts";

const SEEDS = 10_000;
/** Seeds of one process: a process takes a second to begin, and none is so long that a core stands idle at the end. Two run at once. */
const PORTION = 1_250;

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
