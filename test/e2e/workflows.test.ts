/** Workflows over time: versions, differences, deletion, runs by tag; content by address; the registry of node types. */
import { createHash } from "node:crypto";
import { Validator } from "@cfworker/json-schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { applyPatch } from "#workflow/patch.ts";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

const post = (path: string, body: unknown, headers = {}) => weir.api("POST", `/api/v1${path}`, body, headers);
const get = (path: string, headers = {}) => weir.api("GET", `/api/v1${path}`, undefined, headers);
const remove = (path: string, headers = {}) => weir.api("DELETE", `/api/v1${path}`, undefined, headers);

const workflowOf = (...ids: string[]) => ({
  nodes: ids.map((id) => ({ id, type: "parallel" })),
  edges: ids.slice(1).map((to, index) => ({ from: ids[index] ?? "", to })),
});

/** Saves each definition as the next version of the tag. */
async function save(tag: string, ...definitions: object[]): Promise<ApiAnswer> {
  let saved = await post("/workflows", { tag, workflow: definitions[0], description: "v1" });
  for (const [index, workflow] of definitions.slice(1).entries()) {
    const headers = { "If-Match": saved.headers.get("etag") ?? "" };
    saved = await post("/workflows", { tag, workflow, replace: true, description: `v${index + 2}` }, headers);
  }
  expect(saved.status).toBe(201);
  return saved;
}

async function listed(path: string): Promise<ApiAnswer> {
  const until = Date.now() + 5_000;
  for (;;) {
    const answer = await get(path);
    if (answer.body.items?.length > 0 || Date.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function expectError(answer: ApiAnswer, status: number, code: string) {
  expect(answer).toMatchObject({ status, body: { error: { code, request_id: expect.stringMatching(/^req_/) } } });
}

describe("versions", () => {
  test("newest first, page by page, each readable for ever", async () => {
    const last = await save("history", workflowOf("a"), workflowOf("a", "b"), workflowOf("b"));
    const all = await get("/workflows/history/versions");
    expect(
      all.body.items.map((item: { version: number; description: string }) => [item.version, item.description]),
    ).toEqual([
      [3, "v3"],
      [2, "v2"],
      [1, "v1"],
    ]);
    expect(all.body.items[0].artifact_id).toBe(last.body.artifact_id);
    const first = await get("/workflows/history/versions?limit=2");
    const second = await get(`/workflows/history/versions?limit=2&cursor=${first.body.next_cursor}`);
    expect([...first.body.items, ...second.body.items]).toEqual(all.body.items);
    expect(second.body.next_cursor).toBeNull();
    const old = await get("/workflows/history/versions/1");
    expect(old.body).toMatchObject({ tag: "history", version: 1, workflow: workflowOf("a") });
  });

  test.each(["0", "4", "01", "-1", "1.0", "x", "9".repeat(400)])("version %s is 404", async (number) => {
    expectError(await get(`/workflows/history/versions/${number}`), 404, "not_found");
  });

  test("an unknown tag is 404, a bad cursor 422", async () => {
    expectError(await get("/workflows/nowhere/versions"), 404, "not_found");
    expectError(await get("/workflows/nowhere/versions/1"), 404, "not_found");
    expectError(await get("/workflows/history/versions?cursor=eA"), 422, "invalid");
  });
});

describe("diff", () => {
  test("its operations make the one of the other, its summary says so in words", async () => {
    const [one, two] = [workflowOf("a", "b"), { ...workflowOf("a", "c"), metadata: { name: "two" } }];
    await save("changing", one, two);
    const diff = await get("/workflows/changing/diff");
    expect(diff.body).toMatchObject({ from: { version: 1 }, to: { version: 2 } });
    expect(diff.body.summary).toEqual([
      'node "b" (parallel) removed',
      'node "c" (parallel) added',
      "edge a → b removed",
      "edge a → c added",
      "metadata added",
    ]);
    expect(applyPatch(one, diff.body.operations)).toEqual({ ok: true, value: two });
    const back = await get("/workflows/changing/diff?from=2&to=1");
    expect(applyPatch(two, back.body.operations)).toEqual({ ok: true, value: one });
    expect((await get("/workflows/changing/diff?from=2")).body).toMatchObject({ operations: [], summary: [] });
  });

  test("a version that is not there is 404, what is no number 422", async () => {
    expectError(await get("/workflows/changing/diff?from=1&to=9"), 404, "not_found");
    expectError(await get("/workflows/nowhere/diff"), 404, "not_found");
    for (const query of ["from=0", "from=x", "to=1.5", "since=1"]) {
      expectError(await get(`/workflows/changing/diff?${query}`), 422, "invalid");
    }
  });
});

describe("deletion", () => {
  test("a stale ETag is 412; the right one, * or none deletes; then the tag is gone and can be made anew", async () => {
    await save("going", workflowOf("a"), workflowOf("b"));
    expectError(await remove("/workflows/going", { "If-Match": '"1"' }), 412, "precondition_failed");
    const { headers } = await get("/workflows/going");
    const gone = await remove("/workflows/going", { "If-Match": `"7", ${headers.get("etag")}` });
    expect([gone.status, gone.body]).toEqual([204, ""]);
    for (const path of ["", "/versions", "/versions/1", "/diff"]) {
      expectError(await get(`/workflows/going${path}`), 404, "not_found");
    }
    expectError(await remove("/workflows/going"), 404, "not_found");
    expectError(await post("/runs", { workflow: "going" }), 404, "not_found");
    await save("going", workflowOf("c"));
    expect((await get("/workflows/going/versions")).body.items).toHaveLength(1);
    expect((await remove("/workflows/going", { "If-Match": "*" })).status).toBe(204);
  });

  test("its artifacts and runs stay", async () => {
    const { artifact_id: artifact } = (await save("leaving", workflowOf("a"))).body;
    const run = await post("/workflows/leaving/execute", { wait_ms: 5_000 });
    expect((await listed("/workflows/leaving/runs")).body.items).toHaveLength(1);
    expect((await remove("/workflows/leaving")).status).toBe(204);
    expect((await get(`/runs/${run.body.run_id}`)).body).toMatchObject({ workflow: "leaving", artifact_id: artifact });
    expect((await get("/workflows/leaving/runs")).body.items[0].run_id).toBe(run.body.run_id);
    expect((await post("/runs", { workflow: artifact, wait_ms: 5_000 })).body.status).toBe("completed");
  });

  test("what an idempotency key has started is answered although the tag is gone or wants other inputs", async () => {
    const inputs = { type: "object", properties: { n: { type: "number" } } };
    await save("kept", { ...workflowOf("a"), inputs });
    const [key, body] = [{ "Idempotency-Key": "kept-1" }, { workflow: "kept", inputs: { n: 1 } }];
    const first = await post("/runs", body, key);
    const strict = { ...inputs, properties: { n: { type: "string" } } };
    const replaced = { tag: "kept", workflow: { ...workflowOf("a"), inputs: strict }, replace: true };
    expect((await post("/workflows", replaced, { "If-Match": "*" })).status).toBe(201);
    const again = async () => {
      const answer = await post("/runs", body, key);
      expect([answer.status, answer.body.run_id]).toEqual([200, first.body.run_id]);
      expect(answer.headers.get("idempotent-replay")).toBe("true");
    };
    await again();
    await remove("/workflows/kept");
    await again();
    expectError(await post("/runs", { ...body, inputs: { n: 2 } }, key), 409, "conflict");
    expectError(await post("/runs", body, { "Idempotency-Key": "kept-2" }), 404, "not_found");
    const batch = await post("/runs/batch", [{ ...body, idempotency_key: "kept-1" }]);
    expect(batch.body.items).toMatchObject([{ status: 200, replayed: true, run: { run_id: first.body.run_id } }]);
  });

  test("of a replacement and a deletion at once one wins, and nothing half-made is left", async () => {
    for (let round = 0; round < 10; round++) {
      await save("raced", workflowOf("a"));
      const match = { "If-Match": '"1"' };
      const [replaced, deleted] = await Promise.all([
        post("/workflows", { tag: "raced", workflow: workflowOf("b"), replace: true }, match),
        remove("/workflows/raced", match),
      ]);
      if (deleted.status === 204) {
        expect(replaced.status).toBe(412);
        expectError(await get("/workflows/raced/versions"), 404, "not_found");
      } else {
        expect([replaced.status, deleted.status]).toEqual([201, 412]);
        expect((await get("/workflows/raced/versions")).body.items).toHaveLength(2);
        await remove("/workflows/raced");
      }
    }
  });
});

describe("execute and runs of a workflow", () => {
  test("like POST /runs: waiting, labels, priority, the same idempotency keys, no body needed", async () => {
    await save("doing", workflowOf("a"));
    const waited = await post("/workflows/doing/execute", { inputs: { n: 1 }, wait_ms: 5_000 });
    expect(waited).toMatchObject({ status: 200, body: { status: "completed", outputs: { a: { n: 1 } } } });
    const key = { "Idempotency-Key": "doing-1" };
    const body = { inputs: { n: 2 }, labels: { team: "ops" }, priority: 1 };
    const first = await post("/workflows/doing/execute", body, key);
    expect(first.status).toBe(202);
    const again = await post("/runs", { ...body, workflow: "doing" }, key);
    expect([again.status, again.body.run_id]).toEqual([200, first.body.run_id]);
    expect((await weir.api("POST", "/api/v1/workflows/doing/execute")).status).toBe(202);
    const found = await listed("/workflows/doing/runs?label.team=ops");
    expect(found.body.items).toMatchObject([{ run_id: first.body.run_id, labels: { team: "ops" }, priority: 1 }]);
  });

  test("an unknown tag is 404 on both, an artifact id is no tag, a workflow in the body is unknown", async () => {
    for (const tag of ["nowhere", `sha256:${"0".repeat(64)}`, "%00", "x".repeat(65)]) {
      expectError(await post(`/workflows/${tag}/execute`, {}), 404, "not_found");
      expectError(await get(`/workflows/${tag}/runs`), 404, "not_found");
    }
    expectError(await post("/workflows/doing/execute", { workflow: "doing" }), 422, "invalid");
    expectError(await get("/workflows/doing/runs?workflow=other"), 422, "invalid");
  });
});

describe("content by address", () => {
  test("the bytes are what the address says, may be kept for ever and are not sent twice", async () => {
    const { artifact_id: id } = (
      await save("content", {
        nodes: [
          { id: "10", type: "parallel" },
          { id: "9", type: "function", config: { function_name: "identity", params: { "10": 1, "9": 2, ä: "ü" } } },
        ],
      })
    ).body;
    const hex = id.slice("sha256:".length);
    for (const path of [`/api/v1/artifacts/${id}`, `/api/v1/cas/${hex}`]) {
      const headers = { authorization: `Bearer ${weir.key}` };
      const answer = await fetch(new URL(path, weir.url), { headers });
      expect(
        createHash("sha256")
          .update(await answer.text())
          .digest("hex"),
      ).toBe(hex);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
      const etag = answer.headers.get("etag") ?? "";
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
        const again = await fetch(new URL(path, weir.url), { headers: { ...headers, "if-none-match": known } });
        expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
      }
      expect((await fetch(new URL(path, weir.url), { headers: { ...headers, "if-none-match": '"x"' } })).status).toBe(
        200,
      );
    }
  });

  test.each([
    "artifacts/sha256:00",
    `artifacts/${"0".repeat(64)}`,
    `cas/sha256:${"0".repeat(64)}`,
    `cas/${"0".repeat(64)}`,
    `cas/${"G".repeat(64)}`,
  ])("%s is 404, also for those who claim to have it", async (path) => {
    expectError(await get(`/${path}`, { "if-none-match": "*" }), 404, "not_found");
  });
});

describe("node types", () => {
  test("each says what it is and how it is configured", async () => {
    const { items } = (await get("/node-types")).body;
    expect(items.map((item: { type: string }) => item.type)).toEqual([...NODE_TYPES.keys()]);
    const types = new Map(items.map((item: { type: string }) => [item.type, item]));
    expect(types.get("file-search")).toMatchObject({ status: "coming_soon", kind: "task" });
    expect(types.get("transform")).toMatchObject({
      label: "Transform",
      category: "data",
      status: "available",
      expressions: ["expression"],
      config_schema: { type: "object", required: ["expression"], additionalProperties: false },
      outputs: expect.any(String),
    });
  });

  test.each<[string, unknown, boolean]>([
    ["http", { url: "https://a.example.com/", headers: { a: "b" }, payload: { any: [1] } }, true],
    ["http", { url: "https://a.example.com/", headers: "$inputs.headers", expect_status: [200] }, true],
    ["http", { url: "https://a.example.com/", method: "BREW" }, false],
    ["http", { url: "https://a.example.com/", expect_status: [99] }, false],
    ["http", {}, false],
    ["transform", { expression: "a.b", language: "jmespath" }, true],
    ["transform", { expression: "", language: "cel" }, false],
    ["filter", { condition: "item > 1" }, true],
    ["filter", { from: [] }, false],
    ["aggregate", { operation: "sum", field: "a", from: "$inputs" }, true],
    ["aggregate", { operation: "guess" }, false],
    ["function", { function_name: "identity", params: {} }, true],
    ["function", { function_name: "identity", params: [] }, false],
    ["function", { function_name: "constructor" }, false],
    ["parallel", {}, true],
    ["parallel", { colour: 1 }, false],
    ["conditional", { condition: "true" }, true],
  ])("the schema of %s and the save-time check agree on %j: %s", async (type, config, isAccepted) => {
    const { items } = (await get("/node-types")).body;
    const { config_schema: schema } = items.find((item: { type: string }) => item.type === type);
    expect(new Validator(schema, "2020-12").validate(config).valid).toBe(isAccepted);
    const edges = [{ from: "n", to: "m", ...(type === "conditional" ? { branch: "if" } : {}) }];
    const verdict = await post("/workflows/validate", {
      nodes: [
        { id: "n", type, config },
        { id: "m", type: "parallel" },
      ],
      edges,
    });
    expect(verdict.body.valid).toBe(isAccepted);
  });
});
