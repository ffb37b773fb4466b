/** Tags over HTTP and from the command line: moved by compare-and-set, and back and forth along their history. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, failureOf, openCommandLine } from "../support/command-line.ts";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;
let cli: CommandLine;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir();
  cli = openCommandLine(weir);
});

afterAll(async () => {
  cli.remove();
  await weir.stop();
});

const workflow = (expression: string) => ({ nodes: [{ id: "a", type: "transform", config: { expression } }] });

/** A tag with three versions; gives the artifact of each. */
async function threeVersions(tag: string): Promise<string[]> {
  const ids: string[] = [];
  for (const n of [1, 2, 3]) {
    const body = { tag, workflow: workflow(`'${tag}' + '${n}'`), ...(n === 1 ? {} : { replace: true }) };
    const saved = await api.post("/workflows", body, n === 1 ? {} : { "if-match": "*" });
    expect(saved.status).toBe(201);
    ids.push(saved.body.artifact_id);
  }
  return ids;
}

const versionOf = async (tag: string) => (await api.get(`/tags/${tag}`)).body.version;

describe("a tag", () => {
  test("goes back and forth along its history, and refuses at both ends", async () => {
    const ids = await threeVersions("steps");
    expectError(await api.post("/tags/steps/redo"), 409, "conflict");
    for (const version of [2, 1]) {
      const { status, body } = await api.post("/tags/steps/undo");
      expect([status, body.version, body.artifact_id]).toEqual([200, version, ids[version - 1]]);
    }
    expectError(await api.post("/tags/steps/undo"), 409, "conflict");
    expect((await api.post("/tags/steps/redo")).body.version).toBe(2);
    const run = await api.post("/runs", { workflow: "steps", wait_ms: 5_000 });
    expect([run.body.artifact_id, run.body.outputs]).toEqual([ids[1], { a: "steps2" }]);
    const history = (await api.get("/tags/steps/history")).body.items;
    expect(history.map(({ version, current }: { version: number; current: boolean }) => [version, current])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  test("gets a new version behind all that it has had, also when it points to an older one", async () => {
    await threeVersions("behind");
    await api.post("/tags/behind/undo");
    const body = { tag: "behind", workflow: workflow("'four'"), replace: true };
    const saved = await api.post("/workflows", body, { "if-match": "*" });
    expect([saved.status, saved.body.version]).toEqual([201, 4]);
    expect((await api.post("/tags/behind/undo")).body.version).toBe(3);
  });

  test("moves to a version, to an artifact of its history, and to one that is new to it", async () => {
    const ids = await threeVersions("moved");
    const [other = ""] = await threeVersions("other");
    const move = (to: unknown) => api.post("/tags/moved/move", { to });
    expect((await move(1)).body.version).toBe(1);
    expect((await move(ids[1])).body.version).toBe(2);
    expect((await move(other)).body).toMatchObject({ name: "moved", version: 4, artifact_id: other });
    expect((await api.get("/workflows/moved")).body).toMatchObject({ version: 4, artifact_id: other });
    for (const to of [5, "sha256:none"]) {
      const refused = await move(to);
      expectError(refused, 422, "invalid");
      expect(refused.body.error.details[0].pointer).toBe("/to");
    }
    for (const to of [0, -1, 1.5, null, "x".repeat(201)]) expectError(await move(to), 422, "invalid");
    expect(await versionOf("moved")).toBe(4);
  });

  test("moves only from where it is expected, and not when its ETag is another", async () => {
    const ids = await threeVersions("cas");
    const move = (body: object, headers = {}) => api.post("/tags/cas/move", body, headers);
    const refused = await move({ to: 1, expected: 2 });
    expectError(refused, 409, "conflict");
    expect(refused.body.error.details).toEqual({ version: 3, artifact_id: ids[2] });
    expectError(await move({ to: 1, expected: ids[0] }), 409, "conflict");
    expect((await move({ to: 1, expected: 3 })).status).toBe(200);
    expect((await move({ to: 2, expected: ids[0] })).status).toBe(200);
    const etag = (await api.get("/tags/cas")).headers.get("ETag") ?? "";
    expect((await api.get("/workflows/cas")).headers.get("ETag")).toBe(etag);
    const moved = await move({ to: 3 }, { "if-match": etag });
    expect([moved.status, moved.headers.get("ETag") === etag]).toEqual([200, false]);
    for (const path of ["move", "undo", "redo"]) {
      const body = path === "move" ? { to: 1 } : undefined;
      expectError(await api.post(`/tags/cas/${path}`, body, { "if-match": etag }), 412, "precondition_failed");
    }
    const racing = await Promise.all([1, 2, 1, 2].map((to) => move({ to, expected: 3 })));
    expect(racing.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of racing) expect([200, 409, 412]).toContain(status);
  });

  test("is listed; an absent one and another tenant's is not found", async () => {
    await threeVersions("listed");
    expect((await api.get("/tags?limit=200")).body.items.map(({ name }: { name: string }) => name)).toContain("listed");
    await api.post("/tenants", { id: "neighbour" });
    const { body } = await api.post("/keys", { name: "k", scopes: ["read", "write"], tenant: "neighbour" });
    const headers = { authorization: `Bearer ${body.key}` };
    for (const path of ["/tags/listed", "/tags/listed/history"])
      expectError(await api.get(path, headers), 404, "not_found");
    expectError(await api.post("/tags/listed/undo", undefined, headers), 404, "not_found");
    expectError(await api.post("/tags/listed/move", { to: 1 }, headers), 404, "not_found");
    for (const name of ["nothing", "-", "a%2Fb"]) expectError(await api.get(`/tags/${name}`), 404, "not_found");
    const { body: reader } = await api.post("/keys", { name: "r", scopes: ["read"] });
    const undone = await api.post("/tags/listed/undo", undefined, { authorization: `Bearer ${reader.key}` });
    expectError(undone, 403, "forbidden");
  });
});

describe("weir workflow", () => {
  test("undo, redo and move point the tag elsewhere, and say where", async () => {
    const ids = await threeVersions("typed");
    const run = (...args: string[]) => cli.run(["workflow", ...args, "-o", "compact"]);
    expect(await run("undo", "typed")).toEqual({ exitCode: 0, stdout: `typed\t2\t${ids[1]}\n`, stderr: "" });
    expect((await run("redo", "typed")).stdout).toBe(`typed\t3\t${ids[2]}\n`);
    expect((await run("move", "typed", "1")).stdout).toBe(`typed\t1\t${ids[0]}\n`);
    expect((await run("move", "typed", ids[1] ?? "", "--expected", "1")).stdout).toBe(`typed\t2\t${ids[1]}\n`);
    expect((await cli.run(["workflow", "undo", "typed", "--no-color"])).stdout).toMatch(
      /^typed is version 1 {2}sha256:/,
    );
  });

  test("refused moves are one line: 1 for the state of things, 2 for what is not there", async () => {
    await threeVersions("refused");
    const failed = async (...args: string[]) => failureOf(await cli.run(["workflow", ...args])).exitCode;
    expect(await failed("redo", "refused")).toBe(1);
    expect(await failed("move", "refused", "9")).toBe(1);
    expect(await failed("move", "refused", "1", "--expected", "2")).toBe(1);
    expect(await failed("undo", "absent")).toBe(2);
    expect(await failed("move", "refused")).toBe(2);
  });
});
