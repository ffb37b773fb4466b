/** The tools inside workerd, where no code is made from strings and what is heavy is imported when it is needed. */
import { describe, expect, test } from "vitest";
import { PipelineSessions } from "#agent/pipeline/sessions.ts";
import { TOOL_NAMES, type ToolContext, type ToolPorts } from "#agent/tool.ts";
import { callTool } from "#agent/tools/call-tool.ts";
import { executeRequest } from "#http/request.ts";
import { noResolver } from "#http/resolver.ts";
import { environmentSecrets } from "#http/secrets.ts";
import { systemClock } from "#kernel/clock.ts";
import { fail, ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";

const document: Json = {
  openapi: "3.1.0",
  servers: [{ url: "https://api.example.com/v1" }],
  paths: {
    "/items/{id}": {
      get: {
        operationId: "getItem",
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer" } }],
        security: [{ token: [] }],
      },
    },
  },
  components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
};

/** Requests go through the real guard; what lies outside echoes them. */
const ports: ToolPorts = {
  async http(request) {
    const outcome = await executeRequest(request, {
      fetch: (url, options) => fetch(url, options),
      policy: { allowPrivateHosts: new Set(), ownOrigins: new Set() },
      resolver: noResolver,
      secrets: environmentSecrets({ WEIR_SECRET_API: "a-secret-value", WEIR_SECRET_API_HOSTS: "api.example.com" }),
      clock: systemClock,
      idempotencyKey: "run/think/1",
    });
    if (!outcome.ok) return fail(outcome.error);
    const { output, bytes_in, bytes_out } = outcome;
    const headers = output.headers as Record<string, string>;
    return ok({ status_code: output.status_code, headers, body: output.body, bytes_in, bytes_out });
  },
  readContent: async () => null,
  proposePatch: async () => fail({ reason: "not here", problems: [], example: {} }),
  proposeWorkflowChange: async () => fail("not here"),
  workflows: async () => [{ tag: "summarise", name: null, description: "sums a page up", agents: 1 }],
  delegate: async () => fail("not here"),
  openApi: async () => ok(document),
};

async function call(name: string, args: Json): Promise<Json> {
  const context: ToolContext = {
    tenant: "default",
    runId: "run_xx00001J000000000000000000000",
    node: "think",
    visit: 1,
    attempt: 1,
    depth: 0,
    signal: new AbortController().signal,
    ports,
    variables: { inputs: {}, node: () => undefined },
    sessions: new PipelineSessions(),
    nowMs: () => 0,
  };
  const answer = await callTool({ name, arguments: JSON.stringify(args) }, TOOL_NAMES, context, (error) => {
    throw error;
  });
  return answer.ok ? answer.result : answer.error;
}

describe("agent tools in workerd", () => {
  test("a pipeline uses jq, RE2 and the date library", async () => {
    const result = await call("execute_pipeline", {
      pipeline: [
        { step: "http_request", url: "https://data.example.com/orders", params: { year: 2026 } },
        { step: "jq_transform", query: '[.path, "/b"] | map({path: ., at: "01/05/2026"})' },
        { step: "regex_extract", pattern: "/(?P<word>\\pL+)", field: "path" },
        { step: "parse_date", field: "at", format: "%d/%m/%Y" },
        { step: "table_sort", field: "word" },
      ],
    });
    expect(result).toStrictEqual([
      { path: "/b", at: "2026-05-01T00:00:00.000Z", word: "b" },
      { path: "/orders", at: "2026-05-01T00:00:00.000Z", word: "orders" },
    ]);
  });

  test("a private address is refused, and so is a secret in a pipeline", async () => {
    const fetchFrom = (url: string) => call("execute_pipeline", { pipeline: [{ step: "http_request", url }] });
    expect(await fetchFrom("http://[::ffff:169.254.169.254]/latest")).toContain("url_refused");
    expect(await fetchFrom("https://example.com/?k=$secrets.API")).toContain("cannot refer to a secret");
  });

  test("an operation is called with the secret of its profile, only where it is bound", async () => {
    const args = { openapi_url: "https://api.example.com/openapi.json", operation_id: "getItem", params: { id: 7 } };
    const answer = await call("openapi_action", { ...args, auth_profile: "API" });
    expect(answer).toMatchObject({ status_code: 200, body: { path: "/v1/items/7", method: "GET" } });
    expect(JSON.stringify(answer)).not.toContain("a-secret-value");
    expect(await call("openapi_action", { ...args, auth_profile: "OTHER" })).toContain("secret OTHER is not set");
  });

  test("a deep program of jq ends in an error", async () => {
    const jq = (query: string) => call("execute_pipeline", { pipeline: [{ step: "jq_transform", query }] });
    expect(await jq("def f: [f]; f")).toContain("nests too deeply");
    expect(await jq("def f: 1 + f; f")).toContain("nests too deeply");
    expect(await jq("last(range(1e12))")).toContain("units of work");
  });

  test("a search finds workflows and built-in parts", async () => {
    expect(await call("search_tools", { query: "sum up a page", limit: 1 })).toMatchObject({
      matches: [{ name: "summarise" }],
    });
  });
});
