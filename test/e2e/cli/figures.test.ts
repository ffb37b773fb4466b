/** `weir metrics` and `weir sql`, built, against a running Weir. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";

let weir: WeirProcess;
let cli: CommandLine;

const RUNS = 3;
const definition = { nodes: [{ id: "a", type: "transform", config: { expression: "inputs.n" } }] };

beforeAll(async () => {
  weir = await startWeir();
  cli = openCommandLine(weir);
  await weir.api("POST", "/api/v1/workflows", { tag: "sums", workflow: definition });
  for (const inputs of [{ n: 1 }, { n: 2 }, { m: 1 }]) {
    await weir.api("POST", "/api/v1/runs", { workflow: "sums", inputs, wait_ms: 5_000 });
  }
  for (let tries = 0; tries < 20; tries++) {
    const { body } = await weir.api("GET", "/api/v1/metrics/summary");
    if (body.business.completed + body.business.failed === RUNS && body.red.requests > RUNS) break;
    await sleep(250);
  }
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
});

describe("metrics", () => {
  test("shows runs, requests and resources; json is the API's answer", async () => {
    const { stdout, exitCode } = await cli.run(["metrics"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^runs +3 submitted {3}2 completed {3}1 failed {3}0 cancelled {3}0 active now$/m);
    expect(stdout).toMatch(/^success +66\.7 % {3}\S+( \w+)? on average {3}0 patches$/m);
    expect(stdout).toMatch(/^queues +weir-http 0 {3}weir-agent 0 {3}weir-dead 0$/m);
    expect(stdout).toMatch(/^POST \/api\/v1\/runs +3 +0\.0 % +/m);
    const json = JSON.parse((await cli.run(["metrics", "--window", "6h", "-o", "json"])).stdout);
    expect(json).toMatchObject({ window_s: 21_600, business: { submitted: 3, completed: 2, failed: 1 } });
    expect((await cli.run(["metrics", "-o", "compact"])).stdout).toMatch(/^business\.submitted\t3$/m);
  });

  test("a window that is none is refused", async () => {
    expect(failureOf(await cli.run(["metrics", "--window", "soon"]))).toEqual({
      exitCode: 1,
      line: expect.stringMatching(/15m, 6h or 7d/),
    });
  });

  test("top shows the same figures", async () => {
    const { stdout } = await cli.run(["top", "--once"]);
    expect(stdout).toMatch(/^last 5\S* ?\w* +3 submitted/m);
    expect(stdout).toMatch(/^models +0 tokens {3}\$0\.0000$/m);
    expect(stdout).toMatch(/^queues +weir-http 0/m);
  });
});

describe("sql", () => {
  const query = "SELECT state, count() AS runs FROM weir_run GROUP BY state ORDER BY state";

  test("answers as a table, as JSON, as CSV and with tabs", async () => {
    expect((await cli.run(["sql", query])).stdout).toMatch(/^state +runs\ncompleted +2\nfailed +1\n$/);
    expect(JSON.parse((await cli.run(["sql", query, "--format", "json"])).stdout)).toMatchObject({ rows: 2 });
    expect((await cli.run(["sql", query, "--format", "csv"])).stdout).toBe("state,runs\ncompleted,2\nfailed,1\n");
    expect((await cli.run(["sql", query, "-o", "compact"])).stdout).toBe("completed\t2\nfailed\t1\n");
    const quoted = await cli.run(["sql", "SELECT 'a,\"b\"' AS x, 1 AS y", "--format", "csv"]);
    expect(quoted.stdout).toBe('x,y\n"a,""b""",1\n');
    expect((await cli.run(["sql", "SELECT 1 AS a FORMAT JSONEachRow"])).stdout).toBe('{"a":1}\n');
    expect((await cli.run(["sql", "SELECT run_id FROM weir_llm"])).stdout).toBe("no rows\n");
  });

  test.each([
    [["sql", "DROP TABLE weir_run"], 1],
    [["sql", "SELECT nope FROM weir_run"], 1],
    [["sql"], 2],
    [["sql", "SELECT 1", "--format", "xml"], 2],
  ])("%j is refused with %i and one line", async (args, exitCode) => {
    expect(failureOf(await cli.run(args))).toMatchObject({ exitCode });
  });
});
