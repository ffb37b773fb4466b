/** The playground, the API's description of itself, and health by service. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiAnswer, startWeir, type WeirProcess } from "../support/weir-process.ts";

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

const evaluate = (what: string, body: unknown) => weir.api("POST", `/api/v1/eval/${what}`, body);
const open = (path: string, headers = {}) => weir.api("GET", path, undefined, { authorization: "", ...headers });

function expectInvalid(answer: ApiAnswer, pointer: string) {
  expect(answer).toMatchObject({ status: 422, body: { error: { code: "invalid", details: [{ pointer }] } } });
}

describe("eval/cel", () => {
  test.each<[string, object, unknown]>([
    ["price * 2.0", { price: 21 }, 42],
    ["$.score > 0.5 && output.ok", { output: { score: 0.7, ok: true } }, true],
    ["index % 2 == 1", { index: 3 }, true],
    ["ctx.a.b + nodes.a.b", { ctx: { a: { b: 1 } } }, 2],
    ["[1, 2].map(x, x * 2)", {}, [2, 4]],
  ])("%s", async (expression, variables, result) => {
    expect(await evaluate("cel", { expression, variables })).toMatchObject({ status: 200, body: { result } });
  });

  test.each<[string, object | undefined, string]>([
    ["1 +", undefined, "/expression"],
    ["", undefined, "/expression"],
    ["nothing", {}, "/expression"],
    ["constructor", {}, "/expression"],
    ["output.x", { output: {} }, "/expression"],
    ["output.constructor", { output: {} }, "/expression"],
    ["output", {}, "/expression"],
    ["1 / 0", {}, "/expression"],
    ["x", { "not a name": 1 }, "/variables"],
    ["x".repeat(2_049), {}, "/expression"],
  ])("%s is 422", async (expression, variables, pointer) => {
    expectInvalid(await evaluate("cel", { expression, variables }), pointer);
  });
});

describe("eval/patch", () => {
  test("any document, scalars and the root too", async () => {
    const operations = [
      { op: "test", path: "/a/0", value: 1, note: "ignored" },
      { op: "add", path: "/a/-", value: null },
      { op: "move", from: "/a/0", path: "/b" },
    ];
    const patched = await evaluate("patch", { document: { a: [1] }, operations });
    expect(patched.body).toEqual({ result: { a: [null], b: 1 } });
    for (const document of [null, 0, "x", false, []]) {
      const replaced = await evaluate("patch", { document, operations: [{ op: "replace", path: "", value: "new" }] });
      expect(replaced.body).toEqual({ result: "new" });
      expect((await evaluate("patch", { document, operations: [] })).body).toEqual({ result: document });
    }
  });

  test("what cannot be done is 422 at its operation", async () => {
    const operations = [
      { op: "add", path: "/a", value: 1 },
      { op: "remove", path: "/b" },
    ];
    expectInvalid(await evaluate("patch", { document: {}, operations }), "/operations/1/path");
    expectInvalid(
      await evaluate("patch", { document: {}, operations: [{ op: "add", path: "/__proto__/x", value: 1 }] }),
      "/operations/0/path",
    );
    expectInvalid(await evaluate("patch", { operations: [] }), "/document");
    expectInvalid(await evaluate("patch", { document: {}, operations: {} }), "/operations");
    expectInvalid(await evaluate("patch", { document: {}, operations: Array(101).fill(operations[0]) }), "/operations");
  });
});

describe("eval/template", () => {
  test("whole values keep their type, text is filled in, secrets and absent nodes are left", async () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: templates of Weir's, not of JavaScript
    const template = {
      list: "$nodes.fetch.items",
      text: "Hello ${$inputs.name}, ${$index}",
      gone: "$nodes.gone.x",
      secret: "Bearer ${$secrets.TOKEN}",
      item: ["$item", 1],
    };
    const variables = { nodes: { fetch: { items: [1] } }, inputs: { name: "you" }, index: 2, item: null };
    const { body } = await evaluate("template", { template, variables });
    expect(body.result).toEqual({
      list: [1],
      text: "Hello you, 2",
      gone: null,
      secret: "Bearer ${$secrets.TOKEN}",
      item: [null, 1],
    });
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: templates of Weir's, not of JavaScript
  });

  test.each<[unknown, unknown, string]>([
    ["$inputs.missing", {}, "/template"],
    [{ deep: ["${$oops}"] }, {}, "/template/deep/0"],
    ["x", { output: 1 }, "/variables"],
    ["x", { index: 1.5 }, "/variables/index"],
    ["x", { nodes: [] }, "/variables/nodes"],
    ["$item", {}, "/template"],
  ])("%j with %j is 422", async (template, variables, pointer) => {
    expectInvalid(await evaluate("template", { template, variables }), pointer);
  });
});

describe("eval/transform", () => {
  test("CEL by default, JMESPath by name", async () => {
    const input = { items: [{ n: 1 }, { n: 2 }] };
    const cel = await evaluate("transform", { expression: "output.items.map(i, i.n)", input });
    const jmespath = await evaluate("transform", { expression: "items[*].n", language: "jmespath", input });
    expect([cel.body, jmespath.body]).toEqual([{ result: [1, 2] }, { result: [1, 2] }]);
    expect((await evaluate("transform", { expression: "output", input: null })).body).toEqual({ result: null });
  });

  test("a broken expression, an unknown language and no input are 422", async () => {
    expectInvalid(
      await evaluate("transform", { expression: "items[", language: "jmespath", input: {} }),
      "/expression",
    );
    expectInvalid(await evaluate("transform", { expression: "x", language: "perl", input: {} }), "/language");
    expectInvalid(await evaluate("transform", { expression: "x" }), "/input");
  });
});

describe("description", () => {
  test("the page and the document are open, kept by ETag, and the page names every route", async () => {
    const [document, page] = [await open("/openapi.json"), await open("/docs")];
    for (const path of Object.keys(document.body.paths))
      expect(page.body).toContain(`<span class="path">${path}</span>`);
    for (const name of Object.keys(document.body.components.schemas))
      expect(page.body).toContain(`id="schema-${name}"`);
    for (const [path, { headers }] of [
      ["/openapi.json", document],
      ["/docs", page],
    ] as const) {
      const again = await open(path, { "if-none-match": headers.get("etag") ?? "" });
      expect([again.status, again.body]).toEqual([304, ""]);
    }
  });

  test("the page runs no script and loads nothing: its policy allows its one style alone", async () => {
    const { body, headers } = await open("/docs");
    const style = /<style>([^<]*)<\/style>/.exec(body)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(body).not.toMatch(/<script|<link|<img|\ssrc=|style=|\son\w+=|https?:\/\//);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  });

  test("every route names its scope or is open, and documents its errors with the envelope", async () => {
    const { paths } = (await open("/openapi.json")).body;
    const opened: string[] = [];
    for (const [path, methods] of Object.entries<Record<string, { responses: object; "x-scope"?: string }>>(paths)) {
      for (const [method, { responses, "x-scope": scope }] of Object.entries(methods)) {
        if (scope === undefined) opened.push(`${method} ${path}`);
        else expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "500", "503"]));
        const errors = Object.entries<{ content?: object }>(responses as never).filter(([status]) =>
          /^[45]/.test(status),
        );
        for (const [status, { content }] of errors) {
          const isHealth = path.startsWith("/health") && status === "503";
          if (!isHealth) expect(JSON.stringify(content)).toContain("#/components/schemas/Error");
        }
      }
    }
    // A signed link is for people without a key: its token says what it allows.
    expect(opened.sort()).toEqual([
      "get /api/v1/approve/{token}",
      "get /docs",
      "get /health",
      "get /health/{service}",
      "get /openapi.json",
      "get /schemas/workflow.json",
      "post /api/v1/approve/{token}",
    ]);
  });

  test("the schema of a workflow file is open, also to editors in a browser, and kept by ETag", async () => {
    const { status, headers, body } = await open("/schemas/workflow.json");
    expect([status, headers.get("content-type"), headers.get("access-control-allow-origin")]).toEqual([
      200,
      "application/schema+json",
      "*",
    ]);
    expect(body).toMatchObject({ title: "Weir workflow", required: ["nodes"] });
    expect(headers.get("cache-control")).toBe("public, max-age=3600");
    const again = await open("/schemas/workflow.json", { "if-none-match": headers.get("etag") ?? "" });
    expect([again.status, again.body]).toEqual([304, ""]);
  });

  test("where a file names its schema is no part of the workflow: the same artifact with and without", async () => {
    const workflow = { nodes: [{ id: "a", type: "parallel" }] };
    const save = (tag: string, document: object) => weir.api("POST", "/api/v1/workflows", { tag, workflow: document });
    const [without, having] = [
      await save("schema-without", workflow),
      await save("schema-with", { $schema: `${weir.url}/schemas/workflow.json`, ...workflow }),
    ];
    expect(having.body.artifact_id).toBe(without.body.artifact_id);
    expect((await weir.api("GET", "/api/v1/workflows/schema-with")).body.workflow).not.toHaveProperty("$schema");
  });
});

describe("health by service", () => {
  test.each(["orchestrator", "workflow-runner", "http-worker", "d1", "queues"])("%s", async (service) => {
    expect(await open(`/health/${service}`)).toMatchObject({ status: 200, body: { service, status: "ok" } });
    expect(await open(`/health/${service}`, { accept: "text/plain" })).toMatchObject({ status: 200, body: "OK" });
  });

  test("what is not there is 404 with a key and 401 without", async () => {
    expect((await weir.api("GET", "/health/nowhere")).status).toBe(404);
    expect((await open("/health/nowhere")).status).toBe(401);
    expect((await open("/health/ready")).status).toBe(401);
  });
});
