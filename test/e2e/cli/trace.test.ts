/** `weir trace`, built, against a running Weir: a waterfall for people, OTLP for programs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine, plainText } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
let cli: CommandLine;
let id: string;

beforeAll(async () => {
  let asked = 0;
  witness = await startWitness((request, response) => {
    if (asked++ === 0) answerJson(response, 503, {});
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  cli = openCommandLine(weir);
  const retry = { max_attempts: 2, backoff_ms: 50, jitter: false };
  const definition = {
    nodes: [
      { id: "think", type: "agent", config: { task: "Say hello." } },
      { id: "call", type: "http", config: { url: `${witness.url}/x` }, retry },
    ],
    edges: [{ from: "think", to: "call" }],
  };
  const started = await weir.api("POST", "/api/v1/runs", { definition, wait_ms: 30_000 });
  expect(started.body.status).toBe("completed");
  id = started.body.run_id;
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
  await witness.close();
});

const SPANS = [
  ["invoke_workflow"],
  ["  invoke_agent think"],
  ["    chat weir-demo"],
  ["  http call"],
  ["    GET"],
  ["  http call"],
  ["    GET"],
];

describe("trace", () => {
  test("is a waterfall: each span below its parent, with its time, a bar, and what went wrong", async () => {
    const { exitCode, stdout, stderr } = await cli.run(["trace", id]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(plainText(stdout)).toBe(stdout);
    const [header = "", ...lines] = stdout.trimEnd().split("\n");
    expect(header).toMatch(/^span +took +when +wait$/);
    expect(lines.map((line) => [/^ *\S+(?: [^\s·█]+)?/.exec(line)?.[0]])).toEqual(SPANS);
    for (const line of lines) expect(line).toMatch(/ \d[\d.]* m?s +·*█/);
    expect(lines[3]).toMatch(/http_status$/);
    expect(lines[4]).toMatch(/http_status {2}503 {2}127\.0\.0\.1$/);
    expect(lines[5]).toMatch(/attempt 2$/);
    expect(lines[6]).toMatch(/200 {2}127\.0\.0\.1$/);
    expect(lines[2]).toMatch(/\d+ → \d+ tokens$/);
  });

  test("fits a terminal, in colours", async () => {
    const { stdout } = await cli.onTerminal(["trace", id]);
    expect(stdout).toContain("\u001b[36m");
    for (const line of plainText(stdout).split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test("json is the API's answer", async () => {
    const { stdout } = await cli.run(["trace", id, "-o", "json"]);
    const headers = { authorization: `Bearer ${weir.key}` };
    const answer = await fetch(new URL(`/api/v1/runs/${id}/trace`, weir.url), { headers });
    expect(stdout).toBe(`${await answer.text()}\n`);
  });

  test("compact is a line for each span, between tabs", async () => {
    const { stdout } = await cli.run(["trace", id, "-o", "compact"]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(rows.map(([depth, name]) => [`${"  ".repeat(Number(depth))}${name}`])).toEqual(SPANS);
    expect(rows.map(([, , , , error]) => error)).toEqual(["", "", "", "http_status", "http_status", "", ""]);
    const [, agent, chat] = rows as [string[], string[], string[]];
    expect(chat[6]).toBe(agent[5]);
  });

  test("of an unknown run is refused with 2; without an id it is a matter of usage", async () => {
    const unknown = failureOf(await cli.run(["trace", "run_xx00001HF0000000000000000000"]));
    expect(unknown).toEqual({ exitCode: 2, line: expect.stringMatching(/^there is no run "/) });
    expect(failureOf(await cli.run(["trace"])).exitCode).toBe(2);
  });
});
