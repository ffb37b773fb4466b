/** `weir logs` and `weir tail`, into pipes and files and on a terminal, built, against a running Weir. */
import { createWriteStream, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine, plainText } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
let cli: CommandLine;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    if (request.url === "/slow") setTimeout(() => answerOk(request, response), 1_500);
    else answerJson(response, 400, {});
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  cli = openCommandLine(weir);
  const save = (tag: string, workflow: object) => weir.api("POST", "/api/v1/workflows", { tag, workflow });
  await save("echo", { nodes: [{ id: "a", type: "parallel" }] });
  await save("fails", { nodes: [{ id: "broken", type: "transform", config: { expression: "1 / 0" } }] });
  for (const path of ["slow", "bad"]) {
    const call = { id: "call", type: "http", config: { url: `${witness.url}/${path}` } };
    await save(path, { nodes: [call, { id: "after", type: "parallel" }], edges: [{ from: "call", to: "after" }] });
  }
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
  await witness.close();
});

const started = async (...args: string[]) => {
  const { stdout } = await cli.run(["run", "start", ...args, "--output", "compact"]);
  return stdout.split("\t")[0] ?? "";
};

describe("logs", () => {
  test("of an unknown run are refused with 2", async () => {
    for (const args of [[], ["-f"]]) {
      const failed = failureOf(await cli.run(["logs", "run_xx00001HF0000000000000000000", ...args]));
      expect(failed).toEqual({ exitCode: 2, line: expect.stringMatching(/^there is no run "/) });
    }
  });

  test("of a run: levels, node, service, tail, errors alone", async () => {
    const id = await started("bad", "--wait");
    const lines = async (...args: string[]) =>
      (await cli.run(["logs", id, "-o", "compact", ...args])).stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split("\t"));
    const types = (rows: string[][]) => rows.map((row) => row[5]);
    expect(types(await lines("--level", "debug"))).toContain("node.queued");
    expect(types(await lines())).not.toContain("node.queued");
    expect(types(await lines("--filter", "errors"))).toEqual(["node.failed", "run.failed"]);
    expect(types(await lines("--tail", "1"))).toEqual(["run.failed"]);
    expect(await lines("--tail", "0")).toEqual([]);
    expect(new Set((await lines("--node", "call")).map((row) => row[4]))).toEqual(new Set(["call"]));
    expect(new Set((await lines("--service", "http-worker")).map((row) => row[2]))).toEqual(new Set(["http-worker"]));
    expect(await lines("--since", "1h")).toHaveLength((await lines()).length);
    await sleep(1_100);
    expect(await lines("--since", "1s")).toEqual([]);
  });

  test("json is the API's events, one a line", async () => {
    const id = await started("echo");
    const { stdout } = await cli.run(["logs", id, "-o", "json", "--level", "debug"]);
    const { items } = (await weir.api("GET", `/api/v1/runs/${id}/events`)).body;
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(items);
  });

  test("of several runs at once, each line with its run, in the order it happened", async () => {
    const ids = [await started("echo"), await started("fails")];
    const { stdout } = await cli.run(["logs", ...ids, "-f"]);
    const lines = stdout.trimEnd().split("\n");
    for (const id of ids) expect(lines.filter((line) => line.includes(id)).length).toBeGreaterThan(3);
    const times = lines.map((line) => line.slice(0, 24));
    expect(times).toEqual(times.toSorted());
  });

  test("-f into a file: every line whole and at once, no colour, no cursor, and it ends with the run", async () => {
    const id = await started("slow");
    const file = `${cli.folder}/log.txt`;
    let early = "";
    const { exitCode, stderr } = await cli.run(["logs", "-f", id], {
      started: (child) => {
        child.stdout?.pipe(createWriteStream(file));
        void sleep(1_000).then(() => {
          early = readFileSync(file, "utf8");
        });
      },
    });
    expect([exitCode, stderr]).toEqual([0, ""]);
    const text = readFileSync(file, "utf8");
    expect(plainText(text)).toBe(text);
    expect(early).toMatch(/started\n$/);
    expect(early).not.toContain("completed");
    const lines = text.trimEnd().split("\n");
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}(info|warn|error) /);
    expect(lines.at(-1)).toMatch(/run completed$/);
  });

  test("of the whole tenant, and as it comes until Ctrl+C", async () => {
    const before = await started("echo", "--label", "tenant=log");
    await sleep(2_000);
    expect((await cli.run(["logs", "--since", "1m"])).stdout).toContain(before);
    let after = "";
    const { exitCode, stdout } = await cli.run(["logs", "-f", "--tail", "0"], {
      started: (child) =>
        void sleep(1_500)
          .then(async () => {
            after = await started("echo");
          })
          .then(() => sleep(4_500))
          .then(() => child.kill("SIGINT")),
    });
    expect(exitCode).toBe(130);
    expect(stdout).not.toContain(before);
    expect(
      stdout
        .split("\n")
        .filter((line) => line.includes(after))
        .at(-1),
    ).toMatch(/run completed$/);
  });

  test("a reader that has seen enough ends it without a word", async () => {
    const id = await started("echo");
    const { exitCode, stderr } = await cli.run(["logs", id, "--level", "debug"], {
      started: (child) => child.stdout?.destroy(),
    });
    expect([exitCode, stderr]).toEqual([0, ""]);
  });
});

describe("tail", () => {
  test("prints every event of the tenant as it happens", async () => {
    let id = "";
    const { exitCode, stdout } = await cli.run(["tail", "-o", "json"], {
      started: (child) =>
        void sleep(1_500)
          .then(async () => {
            id = await started("echo");
          })
          .then(() => sleep(4_500))
          .then(() => child.kill("SIGINT")),
    });
    expect(exitCode).toBe(130);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter((event) => event.run_id === id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1).type).toBe("run.completed");
  });
});

describe("on a terminal", () => {
  test("progress is drawn in place and taken away again; what stays has colours", async () => {
    const { exitCode, stdout } = await cli.onTerminal(["run", "start", "slow", "--wait"]);
    expect(exitCode).toBe(0);
    expect(plainText(stdout)).toMatch(/⠋ slow {2}░+ {2}0\/2 nodes/);
    expect(plainText(stdout)).toMatch(/call {2}(queued|running) \d+ ms/);
    expect(stdout).toContain("\u001b[32mcompleted\u001b[39m");
    expect(stdout).toContain("\u001b[?25h");
  });

  test("NO_COLOR and --no-color leave the colours out", async () => {
    for (const [args, env] of [
      [["run", "list"], { NO_COLOR: "1" }],
      [["run", "list", "--no-color"], {}],
    ] as const) {
      const { stdout } = await cli.onTerminal(args, { env });
      expect(stdout).not.toContain("\u001b[3");
    }
    expect((await cli.onTerminal(["run", "list"])).stdout).toContain("\u001b[3");
  });
});
