/** Logs: one object a record with the names that all use, from a level on, and never a secret or a prompt. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { createLogger, LOG_LEVELS, type LogLevel } from "#telemetry/log.ts";
import { LogRedaction, secretsIn } from "#telemetry/log-redaction.ts";
import { traceIdOf } from "#telemetry/traces/ids.ts";

afterEach(() => vi.restoreAllMocks());

/** What is written to the console, by the method it was written with. */
function written(): [LogLevel, unknown][] {
  const records: [LogLevel, unknown][] = [];
  for (const level of LOG_LEVELS) {
    vi.spyOn(console, level).mockImplementation((record) => void records.push([level, record]));
  }
  return records;
}

describe("a record", () => {
  test("is one object with time, level, message, service and what was given; of a run with its trace", () => {
    const records = written();
    const logger = createLogger({ service: "workflow-runner", level: "info", asLines: false });
    const error = Object.assign(new Error("no room"), { code: "overloaded" });
    logger.warn("it failed", { run_id: "run_1", node_id: "a", attempt: 2, tenant: "acme", request_id: "req_1", error });
    expect(records).toEqual([
      [
        "warn",
        {
          ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          level: "warn",
          msg: "it failed",
          service: "workflow-runner",
          trace_id: traceIdOf("run_1"),
          run_id: "run_1",
          node_id: "a",
          attempt: 2,
          tenant: "acme",
          request_id: "req_1",
          error: { code: "overloaded", message: "no room", stack: expect.any(String) },
        },
      ],
    ]);
  });

  test("is one line of JSON where a person reads it", () => {
    const records = written();
    createLogger({ service: "s", level: "info", asLines: true }).info("two\nlines", { a: 1 });
    const [[, line] = []] = records;
    expect(String(line)).not.toContain("\n");
    expect(JSON.parse(String(line))).toMatchObject({ msg: "two\nlines", a: 1 });
  });

  test.each(LOG_LEVELS)("from level %s on is written", (level) => {
    const records = written();
    const logger = createLogger({ service: "s", level, asLines: false });
    for (const each of LOG_LEVELS) logger[each]("x");
    expect(records.map(([each]) => each)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)));
  });
});

describe("redaction", () => {
  const SECRET = "canary-5f1e8d0c/+=";
  const KEY = `weir_${"k".repeat(43)}`;
  const redaction = new LogRedaction([SECRET]);
  const clean = (fields: Record<string, unknown>) => JSON.stringify(redaction.fields(fields));

  test.each([
    { note: `it was ${SECRET}` },
    { url: `https://example.com/?q=${encodeURIComponent(SECRET)}` },
    { error: new Error(`failed with ${SECRET}`) },
    { deep: { list: [{ text: btoa(SECRET) }] } },
    { Authorization: "something" },
    { cookie: "something" },
    { openai_api_key: "something" },
    { client_secret: "something" },
    { password: "something" },
    { access_token: "something" },
    { prompt: "something" },
    { messages: [{ role: "user", content: "something" }] },
    { inputs: { name: "something" } },
    { output: "something" },
    { payload: { a: "something" } },
    { note: `key ${KEY} of somebody` },
    { note: "sk-proj-something1234567890" },
    { note: "Authorization: Bearer something.else-1234" },
    { note: "https://user:something@example.com/" },
  ])("nothing of it shows in %j", (fields) => {
    const text = clean(fields);
    expect(text).not.toContain("something");
    expect(text).not.toContain("canary");
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(btoa(SECRET));
    expect(text).not.toContain(KEY);
    expect(text).toMatch(/redacted|withheld/);
  });

  test.each([
    { messages: 3, tokens: 12, input: null, output: true },
    { run_id: "run_1", node_id: "summarise-output", statement: "SELECT 1 FROM weir_node", next: "weir_http" },
    { error_code: "output_too_large", token_count: 4, latency_ms: 3 },
  ])("what tells nothing stays: %j", (fields) => {
    expect(redaction.fields(fields)).toEqual(fields);
  });

  test("a message is cleaned too, a long text is cut, deep nesting ends", () => {
    const records = written();
    createLogger({ service: "s", level: "info", asLines: false, secrets: [SECRET] }).info(`with ${SECRET}`);
    expect(JSON.stringify(records)).not.toContain(SECRET);
    expect(redaction.text("x".repeat(4_096))).toHaveLength(4_096);
    expect(redaction.text("x".repeat(4_097))).toBe(`${"x".repeat(4_096)}…`);
    const deep = { a: { b: { c: { d: { e: { f: 1 } } } } } };
    expect(clean(deep)).toBe('{"a":{"b":{"c":{"d":{"e":"[nested too deeply]"}}}}}');
  });

  test("secrets are found among the variables by their names; hosts and short ones are none", () => {
    const variables = {
      WEIR_SECRET_CRM: "secret-of-crm",
      WEIR_SECRET_CRM_HOSTS: "crm.example.com",
      OPENAI_API_KEY: "sk-1234567890",
      CLOUDFLARE_API_TOKEN: "token-1234567",
      WEIR_SECRET_SHORT: "short",
      LOG_LEVEL: "debug-and-more",
      DB: { prepare: 1 },
    };
    expect(secretsIn(variables)).toEqual(["secret-of-crm", "sk-1234567890", "token-1234567"]);
  });
});
