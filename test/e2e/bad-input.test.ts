/** What comes back for bad input: the documented error, what to change, and nothing changed. Also the open routes. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

const node = (id: string, more: object = {}) => ({ id, type: "parallel", ...more });
const post = (path: string, body: unknown, headers = {}) => weir.api("POST", `/api/v1${path}`, body, headers);
const get = (path: string, headers = {}) => weir.api("GET", `/api/v1${path}`, undefined, headers);

/** Sends bytes as they are; `fetch` would mend some of them. */
function raw(path: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(weir.url);
    const all = { authorization: `Bearer ${weir.key}`, "content-type": "application/json", ...headers };
    const sent = httpRequest({ hostname, port, path, method: "POST", headers: all }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function expectError(answer: { status: number; body: unknown }, status: number, code: string) {
  expect(answer).toMatchObject({ status, body: { error: { code, request_id: expect.stringMatching(/^req_/) } } });
}

describe("keys", () => {
  const routes = ["/api/v1/runs", "/api/v1/workflows", "/health/ready", "/nowhere", "/cdn-cgi/mf/scheduled"];

  test.each(routes)("GET %s without a key, with a wrong one or with another scheme is 401", async (route) => {
    for (const authorization of [
      "",
      "Bearer",
      "Bearer weir_wrong",
      `Basic ${weir.key}`,
      `Bearer ${"x".repeat(5000)}`,
    ]) {
      const answer = await weir.api("GET", route, undefined, { authorization });
      expectError(answer, 401, "unauthenticated");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test("liveness and the API description are open", async () => {
    const health = await weir.api("GET", "/health", undefined, { authorization: "" });
    expect(health).toMatchObject({ status: 200, body: { service: "orchestrator", status: "ok" } });
    const description = await weir.api("GET", "/openapi.json", undefined, { authorization: "" });
    expect(description).toMatchObject({ status: 200, body: { openapi: "3.1.0" } });
    expect(Object.keys(description.body.paths)).toContain("/api/v1/runs/{id}/events");
  });
});

describe("bodies", () => {
  test("malformed JSON is 400 and says where", async () => {
    const answer = await post("/runs", '{"workflow": ');
    expectError(answer, 400, "bad_request");
    expect(answer.body.error.message).toContain("JSON");
  });

  test("2 MB are 413, with and without a declared length", async () => {
    expectError(await post("/runs", `{"x":"${"y".repeat(2_000_000)}"}`), 413, "payload_too_large");
    expect(await raw("/api/v1/runs", Buffer.alloc(2_000_000, 0x20), { "transfer-encoding": "chunked" })).toBe(413);
  });

  test("a form is 415", async () => {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    expectError(await post("/runs", "workflow=x", type), 415, "unsupported_media_type");
  });

  test("JSON without a content type is accepted", async () => {
    const body = JSON.stringify({ definition: { nodes: [node("a")] } });
    expect(await raw("/api/v1/runs", body, { "content-type": "application/json; charset=utf-8" })).toBe(202);
  });

  test.each([
    ["nested deeper than 64", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["a hundred thousand brackets", "[".repeat(100_000)],
    ["half a surrogate pair", '{"workflow":"\\ud800"}'],
    ["a number beyond double", '{"definition":{"nodes":[]},"inputs":{"x":1e999}}'],
    ["NaN", '{"workflow":NaN}'],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["nothing", ""],
  ])("%s is a 4xx", async (_, body) => {
    const status = await raw("/api/v1/runs", body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  test("__proto__ anywhere leaves no trace", async () => {
    const body =
      '{"definition":{"nodes":[{"id":"a","type":"parallel"}]},"inputs":{"__proto__":{"polluted":true}},"wait_ms":5000}';
    expect(await raw("/api/v1/runs", body)).toBe(200);
    const health = await weir.api("GET", "/health");
    expect(health.body.polluted).toBeUndefined();
  });
});

describe("POST /runs", () => {
  test.each([
    ["an unknown field", { workflow: "x", colour: 1 }, "/colour"],
    ["neither workflow nor definition", {}, ""],
    ["both", { workflow: "x", definition: {} }, ""],
    ["wait_ms beyond 30 s", { workflow: "x", wait_ms: 30_001 }, "/wait_ms"],
    ["inputs that are a list", { workflow: "x", inputs: [] }, "/inputs"],
    ["a label that is no text", { workflow: "x", labels: { a: 1 } }, "/labels/a"],
    ["a priority of 6", { workflow: "x", priority: 6 }, "/priority"],
  ])("%s is 422 at its place", async (_, body, pointer) => {
    const answer = await post("/runs", body);
    expectError(answer, 422, "invalid");
    expect(answer.body.error.details.map((problem: { pointer: string }) => problem.pointer)).toContain(pointer);
  });

  test("a body that is a list, text or null is 422", async () => {
    for (const body of ["[]", '"x"', "null", "7"]) expectError(await post("/runs", body), 422, "invalid");
  });

  test("an unknown workflow, tag or artifact, is 404", async () => {
    for (const workflow of ["nowhere", "sha256:00", "../../etc", "x".repeat(200)]) {
      expectError(await post("/runs", { workflow }), 404, "not_found");
    }
  });

  test("a definition's problems come all at once, under /definition", async () => {
    const definition = {
      nodes: [node("a"), node("a"), node("b", { type: "transform", config: { expression: "1 +" } })],
      edges: [
        { from: "a", to: "ghost" },
        { from: "b", to: "b" },
      ],
    };
    const answer = await post("/runs", { definition });
    expectError(answer, 422, "invalid");
    const pointers = answer.body.error.details.map((problem: { pointer: string }) => problem.pointer);
    expect(pointers).toEqual([
      "/definition/nodes/1/id",
      "/definition/edges/0/to",
      "/definition/edges/1",
      "/definition/nodes/2/config/expression",
    ]);
  });

  test("inputs that do not fit the workflow's schema are 422 at their place", async () => {
    const inputs = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const definition = { nodes: [node("a")], inputs };
    expectError(await post("/runs", { definition }), 422, "invalid");
    const answer = await post("/runs", { definition, inputs: { n: "x" } });
    expectError(answer, 422, "invalid");
    expect(answer.body.error.details).toContainEqual(expect.objectContaining({ pointer: "/inputs/n" }));
    expect((await post("/runs", { definition, inputs: { n: 1 } })).status).toBe(202);
  });

  test("the same key and body give the same run, another body is 409, a bad key is 422", async () => {
    const key = { "Idempotency-Key": "order-1" };
    const body = { definition: { nodes: [node("a")] }, inputs: { n: 1 } };
    const first = await post("/runs", body, key);
    expect(first.status).toBe(202);
    const again = await Promise.all(Array.from({ length: 10 }, () => post("/runs", body, key)));
    for (const answer of again) {
      expect(answer.status).toBe(200);
      expect(answer.body.run_id).toBe(first.body.run_id);
      expect(answer.headers.get("idempotent-replay")).toBe("true");
    }
    expectError(await post("/runs", { ...body, inputs: { n: 2 } }, key), 409, "conflict");
    expectError(await post("/runs", body, { "Idempotency-Key": "a b" }), 422, "invalid");
    expectError(await post("/runs", body, { "Idempotency-Key": "k".repeat(256) }), 422, "invalid");
    expect((await post("/runs", body, { "Idempotency-Key": "k".repeat(255) })).status).toBe(202);
  });

  test("fifty starts at once under one key are one run", async () => {
    const body = { definition: { nodes: [node("a")] } };
    const headers = { "Idempotency-Key": "order-2" };
    const answers = await Promise.all(Array.from({ length: 50 }, () => post("/runs", body, headers)));
    expect(new Set(answers.map((answer) => answer.body.run_id)).size).toBe(1);
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(1);
  });
});

describe("runs by id", () => {
  const ids = [
    "nowhere",
    "run_xx00001HF0000000000000000000000",
    "run_xx00201HF0000000000000000000",
    "run_zz00001HF0000000000000000000",
    "run_xxfff01HF0000000000000000000",
    "%00",
    "run_'; DROP TABLE runs; --",
  ];

  test.each(ids)("%s is 404 on every route", async (id) => {
    const path = `/runs/${encodeURIComponent(id)}`;
    expectError(await get(path), 404, "not_found");
    expectError(await get(`${path}/details`), 404, "not_found");
    expectError(await get(`${path}/events`), 404, "not_found");
    expectError(await post(`${path}/cancel`, {}), 404, "not_found");
  });

  test("cancel: 202 once, then 409; without a body too", async () => {
    const slow = { id: "wait", type: "http", config: { url: "https://10.0.0.1/" }, retry: { max_attempts: 1 } };
    const ended = await post("/runs", { definition: { nodes: [slow] }, wait_ms: 10_000 });
    expect(ended.body.status).toBe("failed");
    expectError(await post(`/runs/${ended.body.run_id}/cancel`, { reason: "late" }), 409, "conflict");
    expectError(await weir.api("POST", `/api/v1/runs/${ended.body.run_id}/cancel`), 409, "conflict");
    expectError(await post(`/runs/${ended.body.run_id}/cancel`, { colour: 1 }), 422, "invalid");
  });

  test("events: bad positions are 422", async () => {
    const { body } = await post("/runs", { definition: { nodes: [node("a")] }, wait_ms: 5_000 });
    for (const query of ["after=-1", "after=x", "limit=0", "limit=1001", "colour=1"]) {
      expectError(await get(`/runs/${body.run_id}/events?${query}`), 422, "invalid");
    }
    const all = await get(`/runs/${body.run_id}/events`);
    expect(all.body.terminal).toBe(true);
    const seqs = all.body.items.map((event: { seq: number }) => event.seq);
    expect(seqs).toEqual(seqs.map((_: number, index: number) => index + 1));
    const paged: number[] = [];
    for (let after = 0, terminal = false; !terminal; ) {
      const page = await get(`/runs/${body.run_id}/events?after=${after}&limit=2`);
      paged.push(...page.body.items.map((event: { seq: number }) => event.seq));
      ({ next_after: after, terminal } = page.body);
    }
    expect(paged).toEqual(seqs);
  });
});

describe("lists", () => {
  test.each(["limit=0", "limit=201", "cursor=garbage", "status=done", "colour=red", "submitted_after=yesterday"])(
    "GET /runs?%s is 422",
    async (query) => {
      expectError(await get(`/runs?${query}`), 422, "invalid");
    },
  );

  test("filters narrow, and pages follow each other without gap or repeat", async () => {
    const definition = { nodes: [node("a")] };
    for (let i = 0; i < 5; i++) await post("/runs", { definition, labels: { suite: "lists", n: String(i) } });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const whole = await get("/runs?label.suite=lists");
    expect(whole.body.items.map((item: { labels: { n: string } }) => item.labels.n)).toEqual(["4", "3", "2", "1", "0"]);
    expect((await get("/runs?label.suite=lists&label.n=3")).body.items).toHaveLength(1);
    expect((await get("/runs?label.suite=lists&status=failed")).body.items).toEqual([]);
    const ids: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await get(`/runs?label.suite=lists&limit=2${cursor}`);
      ids.push(...page.body.items.map((item: { run_id: string }) => item.run_id));
      if (page.body.next_cursor === null) break;
      cursor = `&cursor=${page.body.next_cursor}`;
    }
    expect(ids).toEqual(whole.body.items.map((item: { run_id: string }) => item.run_id));
  });
});

describe("workflows", () => {
  const workflow = { nodes: [node("a")] };

  test("create, conflict, replace with the right ETag, stale ETag", async () => {
    const created = await post("/workflows", { tag: "versions", workflow });
    expect(created).toMatchObject({ status: 201, body: { tag: "versions", version: 1, warnings: [] } });
    const etag = created.headers.get("etag") ?? "";
    expectError(await post("/workflows", { tag: "versions", workflow }), 409, "conflict");
    expectError(await post("/workflows", { tag: "versions", workflow, replace: true }), 409, "conflict");
    const next = { nodes: [node("b")] };
    const replaced = await post("/workflows", { tag: "versions", workflow: next, replace: true }, { "If-Match": etag });
    expect(replaced).toMatchObject({ status: 201, body: { version: 2 } });
    const stale = await post("/workflows", { tag: "versions", workflow, replace: true }, { "If-Match": etag });
    expectError(stale, 412, "precondition_failed");
    const read = await get("/workflows/versions");
    expect(read.body).toMatchObject({ tag: "versions", version: 2, workflow: { nodes: [{ id: "b" }] } });
    expect(read.headers.get("etag")).toBe(replaced.headers.get("etag"));
    const run = await post("/runs", { workflow: "versions", wait_ms: 5_000 });
    expect(Object.keys(run.body.outputs)).toEqual(["b"]);
  });

  test("the same content has the same address", async () => {
    const one = await post("/workflows", { tag: "one", workflow: { nodes: [{ id: "a", type: "parallel" }] } });
    const two = await post("/workflows", {
      tag: "two",
      workflow: { nodes: [{ type: "parallel", id: "a" }], edges: [] },
    });
    expect(two.body.artifact_id).toBe(one.body.artifact_id);
    expect(one.body.artifact_id).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test("a bad tag, an unknown field and a bad workflow are 422; nothing is stored", async () => {
    expectError(await post("/workflows", { tag: "-x", workflow }), 422, "invalid");
    expectError(await post("/workflows", { tag: "x".repeat(65), workflow }), 422, "invalid");
    expectError(await post("/workflows", { tag: "nope", workflow, colour: 1 }), 422, "invalid");
    expectError(await post("/workflows", { tag: "nope" }), 422, "invalid");
    const bad = await post("/workflows", { tag: "nope", workflow: { nodes: [] } });
    expectError(bad, 422, "invalid");
    expect(bad.body.error.details[0].pointer).toBe("/workflow/nodes");
    expectError(await get("/workflows/nope"), 404, "not_found");
    expect((await post("/workflows", { tag: "x".repeat(64), workflow })).status).toBe(201);
  });

  test("validate answers 200 with the verdict for any JSON", async () => {
    for (const body of ["null", "7", "[]", "{}"]) {
      expect(await post("/workflows/validate", body)).toMatchObject({ status: 200, body: { valid: false } });
    }
    const verdict = await post("/workflows/validate", {
      nodes: [node("a"), node("b")],
      edges: [{ from: "a", to: "b" }],
    });
    expect(verdict.body).toEqual({
      valid: true,
      errors: [],
      warnings: [],
      suggestions: [],
      summary: {
        nodes: 2,
        edges: 1,
        agents: 0,
        tier: "simple",
        entry: ["a"],
        terminal: ["b"],
        critical_path: ["a", "b"],
      },
    });
  });
});

describe("routes", () => {
  test("an unknown route is 404, a wrong method 405 with what is allowed", async () => {
    expectError(await get("/nowhere"), 404, "not_found");
    const answer = await weir.api("PUT", "/api/v1/runs", {});
    expectError(answer, 405, "method_not_allowed");
    expect(answer.headers.get("allow")).toBe("GET, HEAD, POST");
  });

  test("every answer carries a request id and continues the caller's trace", async () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const answer = await get("/runs", { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    expect(answer.headers.get("traceparent")).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  });
});
