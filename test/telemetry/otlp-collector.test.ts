/** A delivery to a collector: where it goes, what it carries, and what each answer means. */
import { describe, expect, test } from "vitest";
import { collectorAddress, deliver, parseHeaders } from "#telemetry/otlp-collector.ts";

describe("an address", () => {
  test.each([
    ["http://c:4318", "", "http://c:4318/v1/traces", {}],
    ["http://c:4318/", "", "http://c:4318/v1/traces", {}],
    ["https://c/api/public/otel", "", "https://c/api/public/otel/v1/traces", {}],
    ["https://c/v1/traces", "", "https://c/v1/traces", {}],
    ["https://u:p%40@c", "", "https://c/v1/traces", { authorization: `Basic ${btoa("u:p@")}` }],
    ["https://u:p@c", "authorization=Bearer%20x", "https://c/v1/traces", { authorization: "Bearer x" }],
  ])("of %s with %j", (endpoint, headers, url, expected) => {
    expect(collectorAddress(endpoint, "v1/traces", headers)).toEqual({ url, headers: expected });
  });

  test.each([
    ["", {}],
    ["a=1", { a: "1" }],
    ["A=1, b = two%20words ,c=x=y", { a: "1", b: "two words", c: "x=y" }],
    ["novalue,=x,bad name=1,good=1", { good: "1" }],
    ["odd=%zz", { odd: "%zz" }],
  ])("headers %j are read as %j", (text, headers) => {
    expect(parseHeaders(text)).toEqual(headers);
  });
});

describe("a delivery", () => {
  const address = { url: "http://c/v1/traces", headers: { "x-key": "k" } };
  const answered = (answer: Response | Error) =>
    deliver(
      address,
      "{}",
      async () => {
        if (answer instanceof Error) throw answer;
        return answer;
      },
      0,
    );

  test("is a POST of JSON with the headers of the address", async () => {
    const asked: unknown[] = [];
    await deliver(
      address,
      '{"a":1}',
      async (url, { method, headers, body }) => {
        asked.push({ url, method, headers, body });
        return new Response("{}");
      },
      0,
    );
    const headers = { "x-key": "k", "content-type": "application/json" };
    expect(asked).toEqual([{ url: "http://c/v1/traces", method: "POST", headers, body: '{"a":1}' }]);
  });

  test.each([
    [new Response("{}"), { outcome: "taken", rejected: 0 }],
    [new Response(null, { status: 204 }), { outcome: "taken", rejected: 0 }],
    [Response.json({ partialSuccess: { rejectedSpans: "3" } }), { outcome: "taken", rejected: 3 }],
    [Response.json({ partialSuccess: { rejectedLogRecords: 2 } }), { outcome: "taken", rejected: 2 }],
    [new Response("no JSON"), { outcome: "taken", rejected: 0 }],
    [new Response("", { status: 503 }), { outcome: "again", reason: "status 503", waitMs: null }],
    [
      new Response("", { status: 429, headers: { "retry-after": "7" } }),
      { outcome: "again", reason: "status 429", waitMs: 7_000 },
    ],
    [new Response("", { status: 400 }), { outcome: "refused", reason: "status 400" }],
    [new Response("", { status: 301 }), { outcome: "refused", reason: "status 301" }],
    [new DOMException("late", "TimeoutError"), { outcome: "again", reason: "TimeoutError", waitMs: null }],
    [new TypeError("fetch failed"), { outcome: "again", reason: "TypeError", waitMs: null }],
  ])("case %#", async (answer, outcome) => {
    expect(await answered(answer)).toEqual(outcome);
  });
});
