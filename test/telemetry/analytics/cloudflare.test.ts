/** Queries that go to the platform's SQL API, against a strict fake of it: a server on the loopback. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerSql } from "#telemetry/analytics/backend.ts";
import { type ApiFetch, cloudflareBackend } from "#telemetry/analytics/cloudflare.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { EPOCH, generateRows, sourceOf } from "../../support/generated-points.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const TOKEN = "token-of-the-account";
const source = sourceOf({ weir_run: generateRows("weir_run", 100, 4) });

let server: Server;
let base = "";
const received: string[] = [];
/** What the fake answers in place of the truth. */
let answer: { status: number; body: string; headers?: Record<string, string> } | "break off" | null = null;

/** Takes what the platform takes: its path, its token, POST, plain positional SQL, and nothing of ours. */
function answerOf(
  request: IncomingMessage,
  sql: string,
): { status: number; body: string; headers?: Record<string, string> } {
  const envelope = (code: number, message: string) => JSON.stringify({ success: false, errors: [{ code, message }] });
  if (request.method !== "POST") return { status: 405, body: "" };
  if (request.url !== `/client/v4/accounts/${ACCOUNT}/analytics_engine/sql`)
    return { status: 400, body: envelope(7003, "no route") };
  if (request.headers.authorization !== `Bearer ${TOKEN}`)
    return { status: 403, body: envelope(10000, "Authentication error") };
  if (/\b(run_id|total_ms|state|tenant|cost_usd)\b(?!.* AS )/.test(sql.replaceAll(/AS \w+/g, ""))) {
    return { status: 422, body: 'Input was invalid: unable to find type of column: "run_id"' };
  }
  return { status: 200, body: runQuery(prepareQuery(sql, null, EPOCH), source, new WorkBudget(() => 0)) };
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push(body);
    if (answer === "break off") {
      request.socket.destroy();
      return;
    }
    const { status, body: text, headers = {} } = answer ?? answerOf(request, body);
    response.writeHead(status, { "content-type": "text/plain", ...headers }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

beforeEach(() => {
  received.length = 0;
  answer = null;
});

const toFake: ApiFetch = (url, options) => fetch(url.replace("https://api.cloudflare.com", base), options);
const backend = (token = TOKEN, accountId = ACCOUNT) => cloudflareBackend({ accountId, token, fetch: toFake });
const ask = (sql: string, tenant: string | null = null, to = backend()) => answerSql(sql, tenant, to, EPOCH * 1_000);

describe("Analytics Engine's SQL API", () => {
  test("a query arrives by position and canonical, and its answer is handed on as it is", async () => {
    const result = await ask(
      "select run_id, sum(total_ms) as ms -- all\n from weir_run group by run_id order by ms desc limit 1",
    );
    expect(result.ok && JSON.parse(result.value.text).rows).toBe(1);
    expect(received).toEqual([
      "SELECT blob7 AS run_id, sum(double1) AS ms FROM weir_run GROUP BY blob7 ORDER BY ms DESC LIMIT 1 FORMAT JSON",
    ]);
  });

  test("a tenant's query carries the fence, and only that tenant's points come back", async () => {
    const result = await ask("SELECT 'globex' AS blob1, topK(blob1) AS t, count() AS n FROM weir_run", "acme");
    expect(received[0]).toMatch(
      /^SELECT 'globex' AS blob1, .* FROM \(SELECT dataset, timestamp, .* FROM weir_run WHERE blob1 = 'acme'\) FORMAT JSON$/,
    );
    expect(result.ok && JSON.parse(result.value.text).data[0].n).toBe(
      String([...generateRows("weir_run", 100, 4)].filter((row) => row.blob1 === "acme").length),
    );
  });

  test("formats are asked for and named", async () => {
    const result = await ask("SELECT count() AS n FROM weir_run FORMAT TabSeparated");
    expect(result).toEqual({ ok: true, value: { text: "100\n", format: "TabSeparated" } });
  });

  test("what needs no points never leaves: no table of the account is listed", async () => {
    const result = await ask("SHOW TABLES");
    expect(result.ok && JSON.parse(result.value.text).rows).toBe(6);
    expect((await ask("SELECT 1 AS one")).ok).toBe(true);
    expect((await ask("SELECT a FROM (SELECT 1 AS a)")).ok).toBe(true);
    expect(received).toEqual([]);
  });

  test("a wrong query is refused here, and does not leave either", async () => {
    for (const sql of ["SELECT nope FROM weir_run", "SELECT * FROM other_dataset", "DROP TABLE weir_run", "SELECT"]) {
      expect((await ask(sql, "acme")).ok).toBe(false);
    }
    expect(received).toEqual([]);
  });

  test("a refusal of the platform is an answer that quotes it", async () => {
    answer = { status: 422, body: "Input was invalid: unsupported expression\n" };
    expect(await ask("SELECT count() FROM weir_run")).toEqual({
      ok: false,
      error: {
        line: 1,
        column: 1,
        message: "Analytics Engine refuses the query: Input was invalid: unsupported expression ",
      },
    });
  });

  test.each([
    ["a wrong token", () => ask("SELECT count() FROM weir_run", null, backend("other")), /CLOUDFLARE_API_TOKEN/],
    [
      "a wrong account",
      () => ask("SELECT count() FROM weir_run", null, backend(TOKEN, "other")),
      /CLOUDFLARE_ACCOUNT_ID/,
    ],
  ])("%s is ours to set right, not the caller's", async (_, call, message) => {
    await expect(call()).rejects.toMatchObject({ code: "unavailable", message: expect.stringMatching(message) });
  });

  test.each([
    [{ status: 429, body: "", headers: { "retry-after": "7" } }, "7"],
    [{ status: 429, body: "", headers: { "retry-after": "soon" } }, "10"],
  ])("a limit of the platform says when to come back", async (limited, after) => {
    answer = limited;
    await expect(ask("SELECT count() FROM weir_run")).rejects.toMatchObject({
      code: "unavailable",
      headers: { "Retry-After": after },
    });
  });

  test.each([
    { status: 500, body: "secret stack" },
    { status: 302, body: "", headers: { location: "http://127.0.0.1/" } },
    "break off" as const,
  ])("an API that fails is unavailable, and nothing of it is shown", async (failure) => {
    answer = failure;
    const failed = ask("SELECT count() FROM weir_run");
    await expect(failed).rejects.toMatchObject({ code: "unavailable" });
    await expect(failed).rejects.not.toThrow(/stack|token/i);
  });
});
