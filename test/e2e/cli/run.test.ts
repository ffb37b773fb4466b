/** `weir run …`, built, against a running Weir. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
let cli: CommandLine;

const RUN_ID = /^run_[a-z]{2}[0-9a-f]{3}[0-9A-Z]{26}$/;
const NOWHERE = "run_xx00001HF0000000000000000000";

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    if (request.url === "/slow") setTimeout(() => answerOk(request, response), 1_500);
    else if (request.url === "/never") setTimeout(() => answerOk(request, response), 60_000);
    else if (request.url === "/bad") answerJson(response, 400, {});
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  cli = openCommandLine(weir);
  const save = (tag: string, workflow: object) => weir.api("POST", "/api/v1/workflows", { tag, workflow });
  await save("echo", {
    nodes: [{ id: "a", type: "parallel" }],
    inputs: { type: "object", properties: { n: { type: "number" } } },
  });
  await save("fails", { nodes: [{ id: "broken", type: "transform", config: { expression: "1 / 0" } }] });
  for (const path of ["slow", "never", "bad"]) {
    const call = { id: "call", type: "http", config: { url: `${witness.url}/${path}` } };
    await save(path, { nodes: [call, { id: "after", type: "parallel" }], edges: [{ from: "call", to: "after" }] });
  }
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
  await witness.close();
});

const runs = async (id: string) => (await weir.api("GET", `/api/v1/runs/${id}`)).body;
const started = async (...args: string[]) => {
  const { stdout } = await cli.run(["run", "start", ...args, "--output", "compact"]);
  return stdout.split("\t")[0] ?? "";
};

describe("run start", () => {
  test("returns at once with the id; compact has it first on the line", async () => {
    const { exitCode, stdout, stderr } = await cli.run(["run", "start", "never"]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    const [id = "", status] = stdout.trim().split(/\s+/);
    expect([id, status]).toEqual([expect.stringMatching(RUN_ID), "running"]);
    await cli.run(["run", "cancel", id]);
    expect(await started("echo")).toMatch(RUN_ID);
  });

  test("takes inputs as JSON, as a file, and what is more", async () => {
    cli.write("inputs.json", { n: 7 });
    const id = await started("echo", "-i", "inputs.json", "--label", "team=a", "--label", "by=cli", "--priority", "1");
    expect(await runs(id)).toMatchObject({ inputs: { n: 7 }, labels: { team: "a", by: "cli" }, priority: 1 });
    expect((await runs(await started("echo", "--inputs", '{"n": 8}'))).inputs).toEqual({ n: 8 });
  });

  test("the same idempotency key is the same run", async () => {
    const first = await started("echo", "--idempotency-key", "cli-1");
    expect(await started("echo", "--idempotency-key", "cli-1")).toBe(first);
  });

  test("takes a file, one with a tag around the workflow, and standard input", async () => {
    const definition = { nodes: [{ id: "only", type: "parallel" }] };
    cli.write("plain.json", definition);
    cli.write("wrapped.json", { tag: "w", workflow: definition });
    for (const [args, stdin] of [
      [["plain.json"], ""],
      [["./wrapped.json"], ""],
      [["-"], JSON.stringify(definition)],
    ] as const) {
      const { stdout, exitCode } = await cli.run(["run", "start", ...args, "--wait", "-o", "json"], { stdin });
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ status: "completed", outputs: { only: {} } });
    }
  });

  test("--wait ends with the run, 0 when it completed and 1 when it failed", async () => {
    const good = await cli.run(["run", "start", "echo", "--wait", "-i", '{"n": 3}']);
    expect(good.exitCode).toBe(0);
    expect(good.stdout).toContain('"n": 3');
    const bad = await cli.run(["run", "start", "fails", "--wait"]);
    expect(bad.exitCode).toBe(1);
    expect(bad.stdout).toMatch(/expression_failed at broken/);
  });

  test("-f prints its log as it comes and ends with it", async () => {
    const { exitCode, stdout } = await cli.run(["run", "start", "bad", "-f", "-o", "compact"]);
    expect(exitCode).toBe(1);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(rows.map((row) => row[5]).filter((type) => type?.startsWith("run."))).toEqual([
      "run.queued",
      "run.started",
      "run.failed",
    ]);
    expect(rows.at(-1)?.slice(1, 3)).toEqual(["error", "coordinator"]);
  });

  test("--timeout lets go of it with 1 and says how to go on", async () => {
    const { exitCode, stderr } = await cli.run(["run", "start", "never", "--wait", "--timeout", "300ms"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/weir: it has not ended after 300 ms; the run goes on: weir run wait run_\w+\n$/);
  });

  test("Ctrl+C lets go of it with 130; the run goes on", async () => {
    const { exitCode, stderr } = await cli.run(["run", "start", "never", "--wait"], {
      started: (child) => void sleep(900).then(() => child.kill("SIGINT")),
    });
    expect(exitCode).toBe(130);
    const id = /weir run wait (\S+)/.exec(stderr)?.[1] ?? "";
    expect((await runs(id)).status).toBe("running");
    await cli.run(["run", "cancel", id]);
  });

  test.each([
    [["run", "start", "nowhere"], 2, /there is no workflow .*nowhere/],
    [["run", "start", "missing.json"], 2, /missing.json cannot be read: there is no such file/],
    [["run", "start", "echo", "--inputs", "{"], 2, /--inputs is not JSON/],
    [["run", "start", "echo", "--inputs", "[1]"], 2, /--inputs must be a JSON object/],
    [["run", "start", "echo", "--inputs", '{"n": "x"}'], 1, /inputs do not fit/],
    [["run", "start", "echo", "--priority", "9"], 2, /whole number from 1 to 5/],
    [["run", "start", "echo", "--label", "x"], 2, /key=value/],
    [["run", "start"], 2, /missing required argument/],
  ])("%j is refused with %i and one line", async (args, exitCode, line) => {
    expect(failureOf(await cli.run(args))).toEqual({ exitCode, line: expect.stringMatching(line) });
  });

  test("an invalid definition names its first problem and counts the rest", async () => {
    const file = cli.write("invalid.json", {
      nodes: [
        { id: "a", type: "http" },
        { id: "a", type: "nope" },
      ],
    });
    const { exitCode, line } = failureOf(await cli.run(["run", "start", file]));
    expect(exitCode).toBe(1);
    expect(line).toMatch(/the workflow has \d problems: \/definition\/nodes\/\S+ .* \(and \d more\)$/);
  });
});

describe("run status, details, explain", () => {
  let good: string;
  let bad: string;

  beforeAll(async () => {
    good = await started("echo", "-i", '{"n": 1}', "--wait");
    bad = await started("fails", "--wait");
  });

  test("status tells how it stands; 1 for a failed one", async () => {
    const { exitCode, stdout } = await cli.run(["run", "status", good]);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${good}  completed in \\d+`))]);
    const failed = await cli.run(["run", "status", bad, "-o", "compact"]);
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout.split("\t").slice(0, 3)).toEqual([bad, "failed", "fails"]);
  });

  test("--output json is the API's answer, byte for byte", async () => {
    for (const [words, route] of [
      [["run", "status", good], `/api/v1/runs/${good}`],
      [["run", "details", good], `/api/v1/runs/${good}/details`],
      [["run", "explain", good], `/api/v1/runs/${good}/explain`],
    ] as const) {
      const { stdout } = await cli.run([...words, "--output", "json"]);
      const answer = await fetch(weir.url + route, { headers: { authorization: `Bearer ${weir.key}` } });
      expect(stdout).toBe(`${await answer.text()}\n`);
    }
  });

  test("details draws every node", async () => {
    const { exitCode, stdout } = await cli.run(["run", "details", bad]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/node +type +wait +execution +status\nbroken +transform .* failed/);
    const compact = await cli.run(["run", "details", good, "-o", "compact"]);
    expect(compact.stdout).toMatch(/^a\tparallel\tcompleted\t1\t/);
  });

  test("explain says what a run waits for", async () => {
    const id = await started("never");
    const { exitCode, stdout } = await cli.run(["run", "explain", id]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^The run waits for "call"/);
    expect(stdout).toMatch(/after +predecessors/);
    await cli.run(["run", "cancel", id]);
  });

  test.each([
    [["run", "status", NOWHERE]],
    [["run", "details", NOWHERE]],
    [["run", "explain", NOWHERE]],
    [["run", "wait", NOWHERE]],
    [["run", "cancel", NOWHERE]],
    [["run", "status", "../../keys"]],
  ])("%j of an unknown run is refused with 2", async (args) => {
    expect(failureOf(await cli.run(args))).toEqual({ exitCode: 2, line: expect.stringMatching(/^there is no run "/) });
  });
});

describe("run wait, cancel", () => {
  test("wait ends with the run and says what came of it", async () => {
    const { exitCode, stdout } = await cli.run(["run", "wait", await started("slow")]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/completed in 1\.\d+ s/);
  });

  test("cancel ends a run, and a second time it is a conflict", async () => {
    const id = await started("never");
    const { exitCode, stdout } = await cli.run(["run", "cancel", id, "--reason", "no longer needed"]);
    expect([exitCode, stdout]).toEqual([0, `${id}  cancelled\n`]);
    expect(failureOf(await cli.run(["run", "cancel", id]))).toEqual({
      exitCode: 1,
      line: expect.stringMatching(/cancelled already/),
    });
    expect((await cli.run(["run", "status", id])).exitCode).toBe(1);
  });
});

describe("run list", () => {
  test("filters, and pages on", async () => {
    for (let n = 0; n < 3; n++) await started("echo", "--label", "list=yes");
    await sleep(2_000);
    const list = (...args: string[]) => cli.run(["run", "list", "--label", "list=yes", ...args]);
    expect((await list("-o", "compact")).stdout.trimEnd().split("\n")).toHaveLength(3);
    expect((await list("--status", "failed")).stdout).toBe("no runs\n");
    const { stdout } = await list("--limit", "2");
    expect(stdout).toMatch(/^run +status +workflow +submitted +took/);
    const cursor = /more: --cursor (\S+)/.exec(stdout)?.[1] ?? "";
    expect((await list("--limit", "2", "--cursor", cursor, "-o", "compact")).stdout.trimEnd().split("\n")).toHaveLength(
      1,
    );
    expect(JSON.parse((await list("-o", "json")).stdout)).toMatchObject({ items: [{}, {}, {}], next_cursor: null });
  });

  test("an unknown status is refused with those that there are", async () => {
    expect(failureOf(await cli.run(["run", "list", "--status", "done"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/Allowed choices are queued, .*see weir run list --help$/),
    });
  });
});
