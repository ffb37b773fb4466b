/** The simulator is worth what it finds: each planted bug within a bounded number of seeds, by the check that it breaks. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { plant } from "./module-hooks.ts";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.ts";
import { simulateInProcess } from "./simulate-process.ts";

const SEEDS_MAX = 3_000;

describe("simulation: a planted bug is found", () => {
  test.concurrent.each(PLANTED_BUGS)("$name", async ({ name, breaks }) => {
    const options = ["--bug", name, "--seeds", String(SEEDS_MAX), "--threads", "1", "--no-shrink"];
    const { code, output } = await simulateInProcess(...options);
    const [, check] = /^seed \d+ breaks (\S+):/m.exec(output) ?? [];
    expect(breaks, output.slice(-2_000)).toContain(check);
    expect(code).toBe(1);
  });
});

describe("simulation: planting", () => {
  const bug = PLANTED_BUGS[0] as PlantedBug;

  test.each(PLANTED_BUGS)("$name changes one place of its file", (each) => {
    const source = readFileSync(each.file, "utf8");
    expect(plant(source, each)).not.toBe(source);
  });

  test("a place that is not there, or there twice, is an error that names it", () => {
    expect(() => plant("nothing of the kind", bug)).toThrow(`the bug "${bug.name}" needs one place in ${bug.file}`);
    expect(() => plant(`${bug.find}\n${bug.find}`, bug)).toThrow("(found 2)");
  });
});
