/** Which Weir is meant, with which key; what does not need one; and what is said when it does not work. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine, plainText } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";

let weir: WeirProcess;
let cli: CommandLine;
/** Knows no address and no key. */
let bare: CommandLine;

const INSPECTOR_PORT = 18_780;

beforeAll(async () => {
  weir = await startWeir({ env: { WEIR_INSPECTOR_PORT: String(INSPECTOR_PORT) } });
  cli = openCommandLine(weir);
  bare = openCommandLine(null);
});

afterAll(async () => {
  cli.remove();
  bare.remove();
  await weir.stop();
});

describe("one line, exit code 2", () => {
  test("an address where nobody listens", async () => {
    for (const args of [["status"], ["run", "list"], ["logs", "-f"], ["top"]]) {
      const failed = failureOf(await cli.run([...args, "--url", "http://127.0.0.1:9"]));
      expect(failed).toEqual({
        exitCode: 2,
        line: expect.stringMatching(/^http:\/\/127.0.0.1:9 cannot be reached.*--url or WEIR_URL$/),
      });
    }
  });

  test("an address that is none", async () => {
    expect(failureOf(await cli.run(["status", "--url", "weir.test"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/no http\(s\) URL/),
    });
  });

  test("an address where something else listens", async () => {
    const server = createServer((_, response) => response.writeHead(404).end("<html>")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    expect(failureOf(await cli.run(["status", "--url", `http://127.0.0.1:${port}`]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/is it a Weir\?$/),
    });
    server.close();
  });

  test("a key that is wrong, and one that no key can be", async () => {
    for (const key of ["weir_wrong", "two words", "schlüssel"]) {
      expect(failureOf(await cli.run(["status", "--key", key]))).toEqual({
        exitCode: 2,
        line: expect.stringMatching(/key/),
      });
    }
  });

  test("no key at all", async () => {
    expect(failureOf(await bare.run(["status", "--url", weir.url]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/^no key for .*: give one with --key or WEIR_KEY/),
    });
  });

  test.each([
    [["rn"], /unknown command 'rn' \(Did you mean run\?\); see weir --help$/],
    [["run", "strt", "x"], /unknown command 'strt' \(Did you mean start\?\); see weir run --help$/],
    [
      ["run", "list", "--statsu", "failed"],
      /unknown option '--statsu' \(Did you mean --status\?\); see weir run list --help$/,
    ],
    [["run", "list", "--limit", "0"], /whole number from 1 to 200/],
    [["run", "list", "extra"], /too many arguments/],
    [["status", "--output", "yaml"], /Allowed choices are pretty, json, compact/],
    [["logs", "--since", "yesterday"], /span of time/],
  ])("%j", async (args, line) => {
    expect(failureOf(await cli.run(args))).toEqual({ exitCode: 2, line: expect.stringMatching(line) });
  });
});

describe("help", () => {
  test("of all and of each command, with 0; a group without a command shows its own with 2", async () => {
    const all = await bare.run(["--help"]);
    expect(all.exitCode).toBe(0);
    for (const name of [
      "run",
      "logs",
      "workflow",
      "artifact",
      "keys",
      "status",
      "top",
      "tail",
      "doctor",
      "profile",
      "init",
      "completion",
      "bench",
    ]) {
      expect(all.stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
      expect((await bare.run([name, "--help"])).exitCode).toBe(0);
    }
    expect((await bare.run([])).exitCode).toBe(0);
    expect((await bare.run(["run"])).exitCode).toBe(2);
    expect((await bare.run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("where the address and the key come from", () => {
  test("a profile, kept for its owner alone, named or the one in use", async () => {
    const config = openCommandLine(null);
    const set = await config.run(["config", "set", "local", "--url", weir.url, "--key", weir.key]);
    expect([set.exitCode, set.stderr]).toEqual([0, `kept profile local in ${config.folder}/config/config.json\n`]);
    expect(statSync(path.join(config.folder, "config/config.json")).mode & 0o777).toBe(0o600);
    expect((await config.run(["status"])).exitCode).toBe(0);
    await config.run(["config", "set", "other", "--url", "http://127.0.0.1:9", "--key", "k"]);
    expect(failureOf(await config.run(["status", "--profile", "other"])).line).toMatch(/127.0.0.1:9 cannot be reached/);
    // What is named counts more than the environment, an option more than both.
    const env = { WEIR_URL: weir.url, WEIR_KEY: weir.key };
    expect(failureOf(await config.run(["status", "--profile", "other"], { env })).exitCode).toBe(2);
    expect((await config.run(["status", "--profile", "other", "--url", weir.url, "--key", weir.key])).exitCode).toBe(0);
    // The key of a profile goes to the address of that profile alone.
    expect(failureOf(await config.run(["status", "--url", "http://127.0.0.1:10"])).line).toMatch(
      /^no key for http:\/\/127.0.0.1:10/,
    );
    const listed = (await config.run(["config", "list"])).stdout;
    expect(listed).toMatch(/\* +local +http/);
    expect(listed).not.toContain(weir.key);
    expect((await config.run(["config", "use", "other"])).exitCode).toBe(0);
    expect(failureOf(await config.run(["status"])).exitCode).toBe(2);
    expect((await config.run(["config", "remove", "other"])).exitCode).toBe(0);
    expect(failureOf(await config.run(["status", "--profile", "other"]))).toEqual({
      exitCode: 2,
      line: 'there is no profile "other": there are local',
    });
    config.remove();
  });

  test("a config that is broken is named", async () => {
    const config = openCommandLine(null);
    await config.run(["config", "set", "x", "--key", "k"]);
    config.write("config/config.json", "{");
    expect(failureOf(await config.run(["status"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/config.json is not JSON/),
    });
    config.remove();
  });

  test("the state folder of the local runtime, for that runtime alone", async () => {
    const env = { WEIR_STATE: weir.state };
    expect((await bare.run(["status"], { env })).stdout).toContain(`at ${weir.url}: ok`);
    expect((await bare.run(["status", "--url", weir.url], { env })).exitCode).toBe(0);
    expect(failureOf(await bare.run(["status", "--url", "http://127.0.0.1:9"], { env })).line).toMatch(/^no key for/);
  });
});

describe("status, top, doctor", () => {
  test("status lists every service; json is the API's answer", async () => {
    const { exitCode, stdout } = await cli.run(["status"]);
    expect(exitCode).toBe(0);
    for (const name of ["d1", "coordinator", "queues", "http-worker"])
      expect(stdout).toMatch(new RegExp(`^${name} +ok +\\d+ ms`, "m"));
    const { components } = (await weir.api("GET", "/health/ready")).body;
    const names = (await cli.run(["status", "-o", "compact"])).stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    expect(names).toEqual(Object.keys(components));
    expect(JSON.parse((await cli.run(["status", "-o", "json"])).stdout)).toMatchObject({
      service: "orchestrator",
      status: "ok",
    });
  });

  test("top prints one look when nobody watches", async () => {
    await cli.run(["bench", "--runs", "5", "--in-flight", "2"]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { exitCode, stdout } = await cli.run(["top"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^last 5 min +5 submitted .* 5 completed +0 failed +0 cancelled +100\.0 % succeed$/m);
    expect(JSON.parse((await cli.run(["top", "-o", "json"])).stdout)).toMatchObject({
      recent: { completed: 5 },
      active: { running: 0 },
    });
  });

  test("top is live on a terminal, ends with q and gives the terminal back", async () => {
    const { exitCode, stdout } = await cli.onTerminal(["top", "--interval", "500ms"], {
      stdin: null,
      started: (child) => setTimeout(() => child.stdin?.write("q"), 2_500),
    });
    expect(exitCode).toBe(0);
    expect(stdout.startsWith("\u001b[?1049h")).toBe(true);
    expect(stdout.trimEnd().endsWith("\u001b[?1049l")).toBe(true);
    expect(plainText(stdout).match(/active /g)?.length).toBeGreaterThan(1);
  });

  test("top that is interrupted gives the terminal back too, and says so by its code", async () => {
    const { exitCode, stdout } = await cli.onTerminal(["top", "--interval", "500ms"], {
      stdin: null,
      started: (child) => setTimeout(() => child.stdin?.write("\u0003"), 2_500),
    });
    expect(exitCode).toBe(130);
    expect(stdout).toContain("\u001b[?1049l");
  });

  test("doctor finds nothing to mend here, and says what it looked at", async () => {
    const { exitCode, stdout } = await cli.run(["doctor"]);
    expect([exitCode, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "all well"]);
    for (const name of ["reachable", "version", "key", "clocks", "d1", "coordinator", "queues", "runs", "canary run"]) {
      expect(stdout).toMatch(new RegExp(`^✓ ${name} `, "m"));
    }
    const { healthy, findings } = JSON.parse((await cli.run(["doctor", "-o", "json", "--no-run"])).stdout);
    expect(healthy).toBe(true);
    expect(findings.map(({ name }: { name: string }) => name)).not.toContain("canary run");
  });

  test("doctor says what to mend: nobody there, no key, a wrong key, runs that fail", async () => {
    const away = await cli.run(["doctor", "--url", "http://127.0.0.1:9"]);
    expect([away.exitCode, away.stdout]).toEqual([
      1,
      expect.stringMatching(/^✗ reachable .*\n +→ .*start it \(npm start\)/),
    ]);
    const keyless = await bare.run(["doctor", "--url", weir.url]);
    expect([keyless.exitCode, keyless.stdout]).toEqual([
      1,
      expect.stringMatching(/✗ key +none is known\n +→ give one with --key/),
    ]);
    const wrong = await cli.run(["doctor", "--key", "weir_wrong"]);
    expect([wrong.exitCode, wrong.stdout]).toEqual([
      1,
      expect.stringMatching(/✗ key .*\n +→ the key was not accepted/),
    ]);
    cli.write("fails.json", { nodes: [{ id: "a", type: "transform", config: { expression: "1 / 0" } }] });
    await cli.run(["run", "start", "fails.json", "--wait"]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const failing = await cli.run(["doctor", "--no-run"]);
    expect([failing.exitCode, failing.stdout]).toEqual([
      0,
      expect.stringMatching(/! runs +1 failed in the last hour\n +→ weir run list --status failed/),
    ]);
  });
});

describe("bench, profile", () => {
  test("bench drives real runs, tells how fast, and leaves no workflow behind", async () => {
    const { exitCode, stdout } = await cli.run(["bench", "--workload", "fanout10", "--runs", "10", "-o", "json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      workload: "fanout10",
      runs: 10,
      per_second: expect.any(Number),
      p99_ms: expect.any(Number),
    });
    expect((await weir.api("GET", "/api/v1/workflows")).body.items).toEqual([]);
  });

  test("profile writes files that DevTools opens", async () => {
    const env = { WEIR_STATE: weir.state };
    const cpu = await cli.run(["profile", "cpu", "--seconds", "1", "--out", "a.cpuprofile"], { env });
    expect([cpu.exitCode, cpu.stdout]).toEqual([0, "a.cpuprofile\n"]);
    expect(JSON.parse(cli.read("a.cpuprofile"))).toMatchObject({
      nodes: expect.any(Array),
      startTime: expect.any(Number),
    });
    const heap = await cli.run(["profile", "heap", "--inspector-port", String(INSPECTOR_PORT)]);
    expect([heap.exitCode, heap.stdout]).toEqual([0, expect.stringMatching(/^weir-\d{8}T\d{6}\.heapsnapshot\n$/)]);
    expect(JSON.parse(cli.read(heap.stdout.trim()))).toMatchObject({ snapshot: { meta: expect.any(Object) } });
  });

  test("profile without an inspector says how to start one", async () => {
    expect(failureOf(await cli.run(["profile", "cpu"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/WEIR_INSPECTOR_PORT=9229 npm start/),
    });
    expect(failureOf(await cli.run(["profile", "heap", "--inspector-port", "9"])).line).toMatch(
      /nothing to profile on port 9/,
    );
  });
});

describe("init", () => {
  test("writes a workflow that is valid, runs, and names its schema", async () => {
    const made = await cli.run(["init", "greeting"]);
    expect([made.exitCode, made.stdout]).toEqual([0, "greeting.json\n"]);
    expect(JSON.parse(cli.read("greeting.json")).$schema).toBe(`${weir.url}/schemas/workflow.json`);
    expect((await cli.run(["workflow", "validate", "greeting.json"])).exitCode).toBe(0);
    const run = await cli.run(["run", "start", "greeting.json", "-i", '{"name": "Weir"}', "--wait", "-o", "json"]);
    expect(JSON.parse(run.stdout).outputs).toEqual({ short: { greeting: "Hello Weir" } });
    expect(failureOf(await cli.run(["init", "greeting"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/greeting.json exists/),
    });
    expect(failureOf(await cli.run(["init", "a b"])).exitCode).toBe(2);
  });
});

describe("completion", () => {
  test.each(["bash", "zsh", "fish"])("%s gets a script", async (shell) => {
    const { exitCode, stdout } = await bare.run(["completion", shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/weir complete/);
  });

  test("what the scripts ask for: commands, options, values", async () => {
    const ask = async (...words: string[]) =>
      (await bare.run(["complete", "--", ...words])).stdout.split("\n").map((line) => line.split("\t")[0]);
    expect(await ask("run", "st")).toEqual(expect.arrayContaining(["start", "status"]));
    expect(await ask("run", "list", "--st")).toContain("--status");
    expect(await ask("run", "list", "--status", "")).toContain("failed");
    expect(await ask("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  test("bash accepts its script", async () => {
    const { stdout } = await bare.run(["completion", "bash"]);
    execFileSync("bash", ["-n"], { input: stdout });
  });

  test("an unknown shell is refused with those that there are", async () => {
    expect(failureOf(await bare.run(["completion", "tcsh"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/Allowed choices are/),
    });
  });
});
