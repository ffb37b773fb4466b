/** `weir/client` as it is installed, against a running Weir: also when that is killed in between. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf, attempt, isWeirError, Weir } from "weir/client";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let server: WeirProcess;
let witness: Witness;
let weir: Weir;

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    setTimeout(() => answerOk(request, response), request.url === "/slow" ? 2_000 : 0);
  });
  server = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
  weir = new Weir({ url: server.url, key: server.key });
});

afterAll(async () => {
  await server.stop();
  await witness.close();
});

const echo = { nodes: [{ id: "a", type: "parallel" }] };
const slow = () => ({
  nodes: [
    { id: "call", type: "http", config: { url: `${witness.url}/slow` } },
    { id: "after", type: "parallel" },
  ],
  edges: [{ from: "call", to: "after" }],
});

describe("runs", () => {
  test("start, wait, and everything that can be asked of one", async () => {
    const started = await weir.runs.start({ definition: echo, inputs: { n: 1 }, labels: { by: "client" } });
    const run = await weir.runs.wait(started.run_id);
    expect(run).toMatchObject({ status: "completed", outputs: { a: { n: 1 } }, labels: { by: "client" } });
    expect((await weir.runs.details(run.run_id)).node_executions.a?.status).toBe("completed");
    expect((await weir.runs.events(run.run_id, { limit: 1 })).items).toHaveLength(1);
    expect((await weir.runs.explain(run.run_id)).summary).toMatch(/^The run completed/);
    expect(await attempt(weir.runs.cancel(run.run_id))).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  test("startAndWait gives the run that ended in the start, and one that takes longer with its events", async () => {
    expect((await weir.runs.startAndWait({ definition: echo })).status).toBe("completed");
    const types: string[] = [];
    const run = await weir.runs.startAndWait({ definition: slow() }, { onEvent: ({ type }) => types.push(type) });
    expect(run.status).toBe("completed");
    expect([types[0], types.at(-1)]).toEqual(["run.queued", "run.completed"]);
  });

  test("stream gives each event once and in order, from any position", async () => {
    const { run_id: id } = await weir.runs.start({ definition: slow() });
    const collect = async (after: number) => {
      const seen: number[] = [];
      for await (const { seq } of weir.runs.stream(id, { after })) seen.push(seq);
      return seen;
    };
    const [all, rest] = await Promise.all([collect(0), collect(3)]);
    expect(all).toEqual(all.map((_, index) => index + 1));
    expect(rest).toEqual(all.slice(3));
  });

  test("many are started at once, each with its own outcome", async () => {
    const results = await weir.runs.startMany([{ definition: echo }, { workflow: "nowhere" }]);
    expect(results).toMatchObject([
      { status: 202, run: { run_id: expect.any(String) } },
      { status: 404, error: { code: "not_found" } },
    ]);
  });

  test("all() lists them by label, newest first", async () => {
    await weir.runs.startMany(
      Array.from({ length: 3 }, (_, n) => ({ definition: echo, labels: { list: "all", n: String(n) } })),
    );
    await sleep(2_000);
    const found: (string | undefined)[] = [];
    for await (const run of weir.runs.all({ labels: { list: "all" } })) found.push(run.labels.n);
    expect(found.sort()).toEqual(["0", "1", "2"]);
  });
});

describe("workflows", () => {
  test("push makes versions, a stale etag is refused, and delete leaves nothing", async () => {
    expect(await weir.workflows.push("made", echo)).toMatchObject({ tag: "made", version: 1 });
    const etag = answerOf(await weir.workflows.get("made"))?.headers.get("ETag") ?? "";
    const changed = { nodes: [...echo.nodes, { id: "b", type: "parallel" }] };
    expect(await weir.workflows.push("made", changed, { description: "more" })).toMatchObject({ version: 2 });
    expect(await attempt(weir.workflows.replace("made", echo, etag))).toMatchObject({
      ok: false,
      error: { code: "precondition_failed" },
    });
    expect((await weir.workflows.diff("made")).summary).toEqual(['node "b" (parallel) added']);
    expect((await weir.workflows.version("made", 1)).workflow).toEqual({ ...echo, edges: [] });
    expect((await weir.workflows.versions("made")).items.map(({ version }) => version)).toEqual([2, 1]);
    await weir.workflows.delete("made");
    expect(isWeirError(((await attempt(weir.workflows.get("made"))) as { error?: unknown }).error, "not_found")).toBe(
      true,
    );
  });

  test("validate answers for an invalid one too", async () => {
    expect((await weir.workflows.validate({ nodes: [] })).valid).toBe(false);
    const refused = await attempt(weir.workflows.create("x", { nodes: [] }));
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "invalid", problems: [{ pointer: "/workflow/nodes" }] },
    });
  });
});

test("everything else: health, node types, artifacts, expressions, keys, tenants", async () => {
  expect((await weir.health()).status).toBe("ok");
  expect((await weir.ready()).components.d1?.status).toBe("ok");
  expect((await weir.nodeTypes()).items.map(({ type }) => type)).toContain("http");
  const { artifact_id: id } = await weir.workflows.push("artifact", echo);
  expect(await weir.artifact(id)).toEqual({ ...echo, edges: [] });
  expect(await weir.evaluate("output.n * 2", { variables: { output: { n: 4 } } })).toBe(8);
  const key = await weir.keys.create({ name: "client", scopes: ["read"] });
  const reader = new Weir({ url: server.url, key: key.key });
  expect(await attempt(reader.runs.start({ definition: echo }))).toMatchObject({
    ok: false,
    error: { code: "forbidden" },
  });
  expect((await weir.keys.list()).items.map((each) => each.id)).toContain(key.id);
  await weir.keys.delete(key.id);
  expect((await weir.tenants()).items.length).toBeGreaterThan(0);
});

test("kill -9 of workerd while it waits and starts: nothing is lost, nothing is done twice", async () => {
  const boots = server.output().match(/^weir ready on/gm)?.length ?? 0;
  const { run_id: id } = await weir.runs.start({ definition: slow() });
  const seen: number[] = [];
  const waiting = weir.runs.wait(id, { onEvent: ({ seq }) => seen.push(seq) });
  await sleep(300);
  await server.kill9Workerd();
  const late = await weir.runs.start({ definition: echo, labels: { after: "kill" } });
  await server.waitForReady(boots + 1);
  expect((await waiting).status).toBe("completed");
  expect(seen).toEqual((await weir.runs.events(id, { limit: 1_000 })).items.map(({ seq }) => seq));
  await sleep(2_000);
  const { items } = await weir.runs.list({ labels: { after: "kill" } });
  expect(items.map(({ run_id: each }) => each)).toEqual([late.run_id]);
});

describe("the built file", () => {
  const text = readFileSync(new URL("../../dist/client/weir.mjs", import.meta.url), "utf8");

  test("imports nothing and names nothing of Node's", () => {
    expect(text).not.toMatch(/^import |\bimport\(|\brequire\(|\bprocess\.|\bBuffer\b/m);
  });

  test("stays small enough for a page", () => {
    // As it travels; it is kept readable, and a page's own bundler makes less of it.
    expect(gzipSync(text).length).toBeLessThan(12_000);
  });

  test("runs in any Node from 20 on", () => {
    const script = `const { Weir } = await import("weir/client"); const weir = new Weir({ url: process.env.U, key: process.env.K });
      const run = await weir.runs.startAndWait({ definition: { nodes: [{ id: "a", type: "parallel" }] }, inputs: { n: 2 } });
      process.stdout.write(process.versions.node + " " + JSON.stringify(run.outputs));`;
    for (const node of nodesOfThisMachine()) {
      const out = execFileSync(node, ["--input-type=module", "-e", script], {
        env: { ...process.env, U: server.url, K: server.key },
        encoding: "utf8",
      });
      expect(out).toMatch(/^\d+\.\d+\.\d+ \{"a":\{"n":2\}\}$/);
    }
  });
});

/** The project's own Node, and the machine's when it has another. */
function nodesOfThisMachine(): string[] {
  const path = (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => !folder.includes("node_modules"))
    .join(":");
  try {
    return [process.execPath, execFileSync("which", ["node"], { env: { PATH: path }, encoding: "utf8" }).trim()];
  } catch {
    return [process.execPath];
  }
}
