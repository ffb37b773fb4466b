/** `weir approve`, `reject`, `approvals`, `patch …`, `replay`, `replay-node`, `run pause|resume|signal`, built, against a running Weir. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine, plainText } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";

let weir: WeirProcess;
let cli: CommandLine;

beforeAll(async () => {
  weir = await startWeir();
  cli = openCommandLine(weir);
  const save = (tag: string, workflow: object) => weir.api("POST", "/api/v1/workflows", { tag, workflow });
  const ask = { id: "ask", type: "hitl", config: { message: "Ship it?" } };
  const after = { id: "after", type: "parallel" };
  const edges = [{ from: "ask", to: "after" }];
  await save("asks", { nodes: [ask, after], edges });
  await save("two-asked", { nodes: [{ ...ask, config: { ...ask.config, quorum: 2 } }, after], edges });
  await save("gated", { metadata: { patch_policy: "gated" }, nodes: [ask, after], edges });
  const listens = { id: "listen", type: "wait_for_event", config: { event: "paid" } };
  await save("listens", { nodes: [listens, after], edges: [{ from: "listen", to: "after" }] });
  await save("fails", {
    nodes: [
      { id: "first", type: "parallel" },
      { id: "broken", type: "transform", config: { expression: "1 / 0" } },
    ],
    edges: [{ from: "first", to: "broken" }],
  });
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
});

const started = async (tag: string) =>
  (await cli.run(["run", "start", tag, "-o", "compact"])).stdout.split("\t")[0] ?? "";
const run = async (id: string) => (await weir.api("GET", `/api/v1/runs/${id}`)).body;
const approvalOf = async (id: string) =>
  (await weir.api("GET", `/api/v1/runs/${id}/details`)).body.approvals[0].approval_id as string;
const NOWHERE = "run_xx00001HF0000000000000000000";

describe("approvals", () => {
  test("the inbox shows what waits, approve lets the run go on, and it is decided once", async () => {
    const id = await started("asks");
    const approval = await approvalOf(id);
    await sleep(2_000);
    expect((await cli.run(["approvals"])).stdout).toMatch(new RegExp(`${approval}  pending  Ship it\\?`));
    expect((await cli.run(["approvals", "-o", "compact"])).stdout).toContain(`${approval}\tpending\t${id}\task\t`);
    const { exitCode, stdout } = await cli.run(["approve", approval, "--reason", "looks good"]);
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/ {2}approved\n {2}Ship it\?\n.*\n {2}operator: approve, looks good\n$/),
    ]);
    expect((await cli.run(["run", "wait", id])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["approve", approval]))).toEqual({
      exitCode: 1,
      line: expect.stringMatching(/approved already|decided/),
    });
    await sleep(2_000);
    expect((await cli.run(["approvals", "--status", "approved", "-o", "compact"])).stdout).toContain(approval);
    expect(JSON.parse((await cli.run(["approvals", "--status", "all", "-o", "json"])).stdout)).toMatchObject({
      items: [{ approval_id: approval }],
    });
  });

  test("reject needs a reason, and the run fails by it", async () => {
    const id = await started("asks");
    const approval = await approvalOf(id);
    expect(failureOf(await cli.run(["reject", approval]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/required option '-r, --reason/),
    });
    expect(failureOf(await cli.run(["approve", approval, "reject"]))).toEqual({
      exitCode: 1,
      line: expect.stringMatching(/a rejection needs a comment/),
    });
    expect((await cli.run(["reject", approval, "--reason", "not on Friday"])).stdout).toMatch(/ rejected\n/);
    const ended = await cli.run(["run", "wait", id]);
    expect([ended.exitCode, ended.stdout]).toEqual([1, expect.stringMatching(/approval_rejected at ask/)]);
  });

  test("below the quorum it stays pending; the second argument decides", async () => {
    const approval = await approvalOf(await started("two-asked"));
    expect((await cli.run(["approve", approval, "approve"])).stdout).toMatch(/pending \(1 of 2\)/);
    expect(failureOf(await cli.run(["approve", approval, "maybe"])).line).toMatch(
      /Allowed choices are approve, reject/,
    );
  });

  test("an unknown approval is refused with 2", async () => {
    for (const id of ["apr_x", `apr_${NOWHERE.slice(4)}-1-ask`]) {
      expect(failureOf(await cli.run(["approve", id]))).toEqual({
        exitCode: 2,
        line: expect.stringMatching(/there is no approval/),
      });
    }
  });
});

describe("patch", () => {
  const operations = [
    { op: "add", path: "/nodes/-", value: { id: "notify", type: "parallel" } },
    { op: "add", path: "/edges/-", value: { from: "after", to: "notify" } },
  ];

  test("a dry run tells, propose changes the run, show draws the graph, revert takes it back", async () => {
    const id = await started("asks");
    const file = cli.write("operations.json", operations);
    const dry = await cli.run(["patch", "propose", id, file, "--dry-run"]);
    expect([dry.exitCode, dry.stdout]).toEqual([0, '  node "notify" (parallel) added\n  edge after → notify added\n']);
    expect((await cli.run(["patch", "list", id])).stdout).toBe("no patches\n");

    const made = await cli.run(["patch", "propose", id, file, "-d", "tell them", "--if-patch-seq", "0"]);
    expect([made.exitCode, made.stdout]).toEqual([0, expect.stringMatching(/^patch 1 {2}applied\n/)]);
    expect((await cli.run(["patch", "list", id])).stdout).toMatch(
      /1 {2}applied {2}2 operations {2}operator +\d s ago {2}tell them/,
    );
    const shown = (await cli.run(["patch", "show", id, "1"])).stdout;
    for (const line of ["  tell them", "+ notify  parallel", "    + ──▶ notify", "  1 node unchanged"])
      expect(shown.split("\n")).toContain(line);
    expect((await cli.run(["patch", "show", id, "1", "-o", "compact"])).stdout.split("\n")[0]).toBe(
      'add\t/nodes/-\t\t{"id":"notify","type":"parallel"}',
    );
    expect(failureOf(await cli.run(["patch", "propose", id, file, "--if-patch-seq", "0"])).exitCode).toBe(1);

    const more = await cli.run(["patch", "propose", id, "-"], {
      stdin: JSON.stringify([
        { op: "replace", path: "/nodes/2", value: { id: "notify", type: "transform", config: { expression: "1" } } },
      ]),
    });
    expect(more.stdout).toMatch(
      /~ notify {2}transform\n {4}- type: "parallel"\n {4}\+ type: "transform"\n {4}\+ config.expression: "1"/,
    );
    const reverted = await cli.run(["patch", "revert", id, "2"]);
    expect([reverted.exitCode, reverted.stdout]).toEqual([0, "patch 2  reverted; the run is at patch 1\n"]);
    await cli.run(["approve", await approvalOf(id)]);
    expect(Object.keys((await run(id)).outputs)).toEqual(["notify"]);
  });

  test("on a terminal what came is green", async () => {
    const id = await started("asks");
    await cli.run(["patch", "propose", id, JSON.stringify(operations)]);
    const { stdout } = await cli.onTerminal(["patch", "show", id, "1"]);
    expect(stdout).toContain("\u001b[32m+ notify  parallel\u001b[39m");
    expect(plainText(stdout)).toContain("+ ──▶ notify");
  });

  test("a gated one waits for a decision", async () => {
    const id = await started("gated");
    expect((await cli.run(["patch", "propose", id, JSON.stringify(operations)])).stdout).toMatch(
      /^patch 1 {2}proposed\n\n.*\+ notify/s,
    );
    expect((await cli.run(["patch", "decide", id, "1", "approve", "-r", "fine"])).stdout).toMatch(
      /^patch 1 {2}applied/,
    );
    await cli.run(["patch", "propose", id, JSON.stringify([{ op: "add", path: "/metadata/name", value: "x" }])]);
    expect((await cli.run(["patch", "decide", id, "2", "reject"])).stdout).toMatch(/^patch 2 {2}rejected/);
  });

  test.each([
    [["patch", "propose", "RUN", "{}"], 2, /the operations must be a list/],
    [["patch", "propose", "RUN", "nofile.json"], 2, /nofile.json cannot be read/],
    [["patch", "propose", "RUN", '[{"op": "remove", "path": "/nodes/0"}]'], 1, /has started|frozen|problem/],
    [["patch", "propose", "RUN", '[{"op": "add", "path": "/nodes/-", "value": {}}]'], 1, /problem/],
    [["patch", "show", "RUN", "9"], 2, /the run has no patch 9/],
    [["patch", "show", "RUN", "x"], 2, /whole number/],
    [["patch", "revert", "RUN", "9"], 2, /no patch 9/],
    [["patch", "decide", "RUN", "9", "approve"], 2, /no patch 9/],
    [["patch", "list", NOWHERE], 2, /there is no run/],
  ])("%j is refused with %i", async (words, exitCode, line) => {
    const id = await started("asks");
    expect(failureOf(await cli.run(words.map((word) => (word === "RUN" ? id : word))))).toEqual({
      exitCode,
      line: expect.stringMatching(line),
    });
  });
});

describe("replay", () => {
  test("a node of a failed run, with another config, and the run goes on", async () => {
    const id = await started("fails");
    expect((await cli.run(["run", "wait", id])).exitCode).toBe(1);
    const { exitCode, stdout } = await cli.run([
      "replay-node",
      id,
      "broken",
      "--config",
      '{"expression": "41 + 1"}',
      "--reason",
      "mended",
    ]);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${id}  \\w+\n$`))]);
    expect((await cli.run(["run", "wait", id])).exitCode).toBe(0);
    expect((await run(id)).outputs).toEqual({ broken: 42 });
    expect(failureOf(await cli.run(["replay-node", id, "broken"]))).toEqual({ exitCode: 1, line: expect.any(String) });
    expect((await cli.run(["replay-node", id, "broken", "--force"])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["replay-node", id, "nowhere", "--force"])).exitCode).toBe(2);
  });

  test("a run as a new one: from a node, by mode, waited for", async () => {
    const id = await started("fails");
    const again = await cli.run(["replay", id, "--from", "broken", "--mode", "freeze", "-o", "json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ replay_of: id, run_id: expect.not.stringMatching(id) });
    const waited = await cli.run(["replay", id, "--mode", "shadow", "--wait"]);
    expect([waited.exitCode, waited.stdout]).toEqual([1, expect.stringMatching(/expression_failed at broken/)]);
    expect(failureOf(await cli.run(["replay", id, "--mode", "dry"])).line).toMatch(
      /Allowed choices are freeze, shadow, live/,
    );
    expect(failureOf(await cli.run(["replay", NOWHERE])).exitCode).toBe(2);
  });
});

describe("run pause, resume, signal", () => {
  test("pause holds, resume lets go", async () => {
    const id = await started("asks");
    expect((await cli.run(["run", "pause", id, "--reason", "maintenance"])).stdout).toBe(`${id}  paused\n`);
    await cli.run(["approve", await approvalOf(id)]);
    expect((await run(id)).status).toBe("paused");
    expect((await cli.run(["run", "resume", id])).exitCode).toBe(0);
    expect((await cli.run(["run", "wait", id])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["run", "pause", id]))).toEqual({
      exitCode: 1,
      line: expect.stringMatching(/completed already/),
    });
  });

  test("signal gives a run what it waits for", async () => {
    const id = await started("listens");
    expect((await cli.run(["logs", id])).stdout).toMatch(/listen {2}waits for the event paid/);
    expect((await cli.run(["run", "signal", id, "paid", "--payload", '{"amount": 5}'])).exitCode).toBe(0);
    expect((await cli.run(["run", "wait", id])).exitCode).toBe(0);
    expect((await run(id)).outputs).toEqual({ after: { amount: 5 } });
    expect(failureOf(await cli.run(["run", "signal", id, "paid"])).exitCode).toBe(1);
  });
});
