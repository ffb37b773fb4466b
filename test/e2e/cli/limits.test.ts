/** `weir cache …` and `weir budgets …`, built, against a running Weir. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";
import { startWitness, type Witness } from "../../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
let cli: CommandLine;

beforeAll(async () => {
  witness = await startWitness();
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  cli = openCommandLine(weir);
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
  await witness.close();
});

const json = async (...args: string[]) => JSON.parse((await cli.run([...args, "-o", "json"])).stdout);

describe("cache", () => {
  test("list and stats show what is remembered, invalidate forgets it", async () => {
    expect((await cli.run(["cache", "list"])).stdout).toBe("nothing is remembered\n");
    const call = { id: "call", type: "http", config: { url: `${witness.url}/once`, cache: { ttl_ms: 600_000 } } };
    cli.write("cached.json", { nodes: [call] });
    for (let n = 0; n < 3; n++) {
      expect((await cli.run(["run", "start", "cached.json", "--wait"])).exitCode).toBe(0);
      await sleep(200);
    }
    expect(witness.requests).toHaveLength(1);
    const { items } = await json("cache", "list");
    expect(items).toMatchObject([{ node: "call" }]);
    const [{ key, hits, bytes }] = items;
    expect((await cli.run(["cache", "list"])).stdout).toContain(key);
    expect(await json("cache", "stats")).toEqual({ entries: 1, bytes, hits });
    expect((await cli.run(["cache", "stats"])).stdout).toMatch(/^1 output, \d+ bytes, given again /);
    expect((await cli.run(["cache", "invalidate", key])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["cache", "invalidate", key]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/nothing is remembered under/),
    });
    expect(await json("cache", "list")).toEqual({ items: [], next_cursor: null });
  });
});

describe("budgets", () => {
  test("set makes, changes and takes away", async () => {
    expect((await cli.run(["budgets", "list"])).stdout).toMatch(/^no budgets/);
    await cli.run(["budgets", "set", "day", "5"]);
    expect(await json("budgets", "set", "workflow", "0.5", "--of", "reports")).toEqual(
      (await weir.api("GET", "/api/v1/budgets")).body,
    );
    const { stdout } = await cli.run(["budgets", "list"]);
    expect(stdout).toMatch(/^of +which +limit +spent +reserved +status/);
    expect(stdout).toMatch(/^workflow +reports +\$0\.50 +\$0\.00/m);
    expect((await cli.run(["budgets", "list", "-o", "compact"])).stdout).toMatch(/^day\t\t5\t0\t/m);
    await cli.run(["budgets", "set", "day", "none"]);
    expect((await json("budgets", "list")).items).toMatchObject([{ scope: "workflow", key: "reports" }]);
  });

  test.each([
    [["budgets", "set", "year", "5"], 2, /Allowed choices are run, workflow, day, month/],
    [["budgets", "set", "day", "much"], 2, /amount in USD/],
    [["budgets", "set", "day", "5", "--of", "x"], 1, /the budget of a day is the tenant's/],
  ])("%j is refused with %i", async (args, exitCode, line) => {
    expect(failureOf(await cli.run(args))).toEqual({ exitCode, line: expect.stringMatching(line) });
  });
});
