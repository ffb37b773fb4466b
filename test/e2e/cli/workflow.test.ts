/** `weir workflow …`, `weir artifact …` and `weir keys …`, built, against a running Weir. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine } from "../../support/command-line.ts";
import { startWeir, type WeirProcess } from "../../support/weir-process.ts";

let weir: WeirProcess;
let cli: CommandLine;

beforeAll(async () => {
  weir = await startWeir();
  cli = openCommandLine(weir);
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
});

const first = {
  metadata: { name: "two steps" },
  nodes: [
    { id: "a", type: "conditional", config: { condition: "output.n > 1" } },
    { id: "b", type: "parallel" },
    { id: "c", type: "parallel" },
  ],
  edges: [
    { from: "a", to: "b", branch: "if" },
    { from: "a", to: "c", branch: "else" },
  ],
};
const second = {
  ...first,
  nodes: [
    { id: "a", type: "conditional", config: { condition: "output.n > 2" } },
    first.nodes[1],
    { id: "d", type: "parallel" },
  ],
  edges: [first.edges[0], { from: "a", to: "d", branch: "else" }],
};

const json = async (...args: string[]) => JSON.parse((await cli.run([...args, "-o", "json"])).stdout);

describe("validate", () => {
  test("says what a definition amounts to, as the API does", async () => {
    cli.write("good.json", first);
    const { exitCode, stdout } = await cli.run(["workflow", "validate", "good.json"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^good.json: valid\n {2}3 nodes, 2 edges, 0 agents \(simple\)/);
    expect(await json("workflow", "validate", "good.json")).toEqual(
      (await weir.api("POST", "/api/v1/workflows/validate", first)).body,
    );
  });

  test("names every problem with its place, and ends with 1", async () => {
    cli.write("bad.json", {
      nodes: [
        { id: "a", type: "http" },
        { id: "b", type: "paralel" },
      ],
      edges: [{ from: "a", to: "x" }],
    });
    const { exitCode, stdout } = await cli.run(["workflow", "validate", "bad.json"]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^bad.json: invalid, \d errors/);
    for (const place of ["/nodes/0/config/url", "/nodes/1/type", "/edges/0/to"])
      expect(stdout).toContain(`error    ${place}`);
    const { stdout: rows } = await cli.run(["workflow", "validate", "bad.json", "-o", "compact"]);
    expect(rows).toMatch(/^error\t\/nodes\/0\/config\/url\t/m);
  });

  test("works without a Weir: asked to, without a key, and when nobody answers", async () => {
    const nowhere = openCommandLine(null);
    const good = nowhere.write("good.json", first);
    const offline = await nowhere.run(["workflow", "validate", good, "--offline"]);
    expect([offline.exitCode, offline.stderr]).toEqual([0, ""]);
    const keyless = await nowhere.run(["workflow", "validate", good]);
    expect([keyless.exitCode, keyless.stderr]).toEqual([0, "no key is known: checked on this machine\n"]);
    const unreachable = await nowhere.run(["workflow", "validate", good], {
      env: { WEIR_URL: "http://127.0.0.1:9", WEIR_KEY: "k" },
    });
    expect([unreachable.exitCode, unreachable.stderr]).toEqual([
      0,
      expect.stringMatching(/cannot be reached.*: checked on this machine\n$/),
    ]);
    const bad = nowhere.write("bad.json", { nodes: [] });
    expect((await nowhere.run(["workflow", "validate", bad, "--offline"])).exitCode).toBe(1);
    nowhere.remove();
  });

  test.each([
    ["missing.json", /missing.json cannot be read: there is no such file/],
    [".", /cannot be read: it is a folder/],
    ["broken.json", /broken.json is not JSON/],
  ])("%s is a bad file: one line, 2", async (file, line) => {
    cli.write("broken.json", "{");
    expect(failureOf(await cli.run(["workflow", "validate", file]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(line),
    });
  });
});

describe("a workflow over time", () => {
  test("push makes versions; list, show, history, diff and pull show them; delete ends it", async () => {
    cli.write("first.json", { tag: "steps", description: "the beginning", workflow: first });
    cli.write("second.json", second);
    const pushed = await cli.run(["workflow", "push", "first.json"]);
    expect([pushed.exitCode, pushed.stdout]).toEqual([
      0,
      expect.stringMatching(/^steps version 1 {2}sha256:[0-9a-f]{64}\n$/),
    ]);
    expect(await json("workflow", "push", "second.json", "steps", "-d", "another end")).toMatchObject({
      tag: "steps",
      version: 2,
    });

    expect((await cli.run(["workflow", "list"])).stdout).toMatch(
      /^tag +version +changed +description\nsteps +2 +\d s ago +another end\n$/,
    );
    expect(await json("workflow", "list")).toEqual((await weir.api("GET", "/api/v1/workflows")).body);
    const shown = (await cli.run(["workflow", "show", "steps"])).stdout;
    expect(shown).toMatch(/● a {2}conditional {2}output\.n > 2\n {2}├──▶ b {2}if\n {2}└──▶ d {2}else/);
    expect((await cli.run(["workflow", "show", "steps", "--at", "1"])).stdout).toContain("└──▶ c  else");
    expect((await cli.run(["workflow", "history", "steps", "-o", "compact"])).stdout).toMatch(
      /^2\tsha256:.*another end\n1\tsha256:.*the beginning\n$/,
    );

    const diff = (await cli.run(["workflow", "diff", "steps"])).stdout;
    expect(diff).toContain("steps version 1 → 2");
    for (const line of [
      "~ a  conditional",
      '    - config.condition: "output.n > 1"',
      '    + config.condition: "output.n > 2"',
      "    + ──▶ d  else",
      "    - ──▶ c  else",
      "+ d  parallel",
      "- c  parallel",
      "  1 node unchanged",
    ]) {
      expect(diff.split("\n")).toContain(line);
    }
    expect(await json("workflow", "diff", "steps", "1", "2")).toEqual(
      (await weir.api("GET", "/api/v1/workflows/steps/diff?from=1&to=2")).body,
    );
    expect((await cli.run(["workflow", "diff", "steps", "2", "2"])).stdout).toContain("no difference");

    expect(JSON.parse((await cli.run(["workflow", "pull", "steps"])).stdout)).toEqual(second);
    expect((await cli.run(["workflow", "pull", "steps", "pulled.json", "--at", "1"])).exitCode).toBe(0);
    expect(JSON.parse(cli.read("pulled.json"))).toEqual(first);
    expect(failureOf(await cli.run(["workflow", "pull", "steps", "pulled.json"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/pulled.json exists/),
    });

    const { artifact_id: artifact } = (await weir.api("GET", "/api/v1/workflows/steps")).body;
    expect(await json("artifact", "get", artifact)).toEqual(second);
    const started = await cli.run(["run", "start", artifact, "-i", '{"n": 5}', "--wait", "-o", "json"]);
    expect(JSON.parse(started.stdout).outputs).toEqual({ b: { n: 5 } });

    expect((await cli.run(["workflow", "delete", "steps"])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["workflow", "show", "steps"])).exitCode).toBe(2);
  });

  test.each([
    [["workflow", "push", "untagged.json"], 2, /names no tag: give one/],
    [["workflow", "push", "untagged.json", "a tag"], 1, /\/tag must be 1 to 64/],
    [["workflow", "push", "empty.json", "empty"], 1, /\/workflow\/nodes /],
    [["workflow", "pull", "nowhere"], 2, /there is no workflow "nowhere"/],
    [["workflow", "show", "nowhere"], 2, /there is no workflow/],
    [["workflow", "history", "nowhere"], 2, /there is no workflow/],
    [["workflow", "diff", "nowhere"], 2, /there is no workflow/],
    [["workflow", "delete", "nowhere"], 2, /there is no workflow/],
    [["artifact", "get", "sha256:00"], 2, /there is no artifact/],
  ])("%j is refused with %i", async (args, exitCode, line) => {
    cli.write("untagged.json", first);
    cli.write("empty.json", { nodes: [] });
    expect(failureOf(await cli.run(args))).toEqual({ exitCode, line: expect.stringMatching(line) });
  });
});

describe("keys", () => {
  test("create shows the key once, list never, delete revokes it", async () => {
    const created = await cli.run(["keys", "create", "ci", "--scope", "read", "run", "--expires-in", "1h"]);
    expect(created.exitCode).toBe(0);
    const key = created.stdout.trim();
    expect(key).toMatch(/^weir_/);
    expect(created.stderr).toMatch(/^key_\w+ of tenant default, shown this once:\n$/);
    expect((await cli.run(["run", "list"], { env: { WEIR_KEY: key } })).exitCode).toBe(0);
    const forbidden = await cli.run(["keys", "list"], { env: { WEIR_KEY: key } });
    expect(failureOf(forbidden)).toEqual({ exitCode: 2, line: expect.stringMatching(/lacks the scope "admin"/) });

    const listed = (await cli.run(["keys", "list", "-o", "compact"])).stdout;
    expect(listed).toMatch(/^key_\w+\tweir_\w+\tci\tread,run\t/m);
    expect(listed).not.toContain(key);
    const id = listed.split("\t")[0] ?? "";
    expect((await cli.run(["keys", "delete", id])).exitCode).toBe(0);
    expect(failureOf(await cli.run(["keys", "delete", id])).exitCode).toBe(2);
    expect(failureOf(await cli.run(["keys", "create", "x"]))).toEqual({
      exitCode: 2,
      line: expect.stringMatching(/required option '-s, --scope/),
    });
  });
});
