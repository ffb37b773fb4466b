/** The command: the same seed goes the same way, a failure comes with a script that repeats it, bad options say so. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Scenario } from "./scenario/scenario.ts";
import { scriptIn, simulateInProcess } from "./simulate-process.ts";

const BUG = ["--bug", "join-fires-twice"];

describe("simulate: repeating", () => {
  test("a seed goes the same way every time, whatever ran before it in the process", async () => {
    const [once, again] = await Promise.all([
      simulateInProcess("--trace", "--from", "11"),
      simulateInProcess("--trace", "--from", "11"),
    ]);
    expect(once.output.split("\n").length).toBeGreaterThan(50);
    expect(again).toEqual(once);
    const alone = await simulateInProcess("--seeds", "1", "--from", "39", ...BUG, "--no-shrink");
    const among = await simulateInProcess("--seeds", "20", "--from", "20", ...BUG, "--no-shrink", "--go-on");
    const [failure = ""] = /^seed 39 .*$/m.exec(alone.output) ?? [];
    expect(failure).toMatch(/^seed 39 breaks 5/);
    expect(among.output).toContain(failure);
  });

  test("a failure is made smaller and printed as a script that fails with the bug and passes without it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-simulate-"));
    try {
      const { code, output } = await simulateInProcess("--seeds", "100", "--threads", "1", ...BUG);
      expect(code).toBe(1);
      const script = scriptIn(output);
      const scenario = JSON.parse(script) as Scenario;
      expect(scenario.runs).toHaveLength(1);
      expect(scenario.workflows[0]?.nodes.length).toBeLessThanOrEqual(4);
      expect(scenario).toMatchObject({ faults: [], commands: [], crashes: [] });
      const file = join(folder, "script.json");
      writeFileSync(file, script);
      const repeated = await simulateInProcess("--script", file, ...BUG);
      expect(repeated.code).toBe(1);
      expect(repeated.output).toContain("Check 5:");
      const passed = await simulateInProcess("--script", file);
      expect(passed.code).toBe(0);
      expect(passed.output).toContain("Nothing was broken");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("simulate: options", () => {
  test.each([
    [["--seeds", "0"], "--seeds must be a whole number from 1"],
    [["--from", "x"], "--from must be a whole number from 0"],
    [["--bug", "none"], '--bug names no planted bug: "none"'],
    [["--unknown"], "Unknown option"],
  ])("%j is refused and told why", async (options, why) => {
    const { code, output } = await simulateInProcess(...options);
    expect(output).toContain(why);
    expect(output).toContain("npm run simulate -- [options]");
    expect(code).toBe(2);
  });
});
