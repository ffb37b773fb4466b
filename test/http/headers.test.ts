import { describe, expect, test } from "vitest";
import { answerHeaders, dropBodyHeaders, dropCredentials, requestHeaders } from "#http/headers.ts";
import { REQUEST_HEADER_BYTES_MAX } from "#http/limits.ts";
import { HEADERS_MAX } from "#workflow/limits.ts";

const own = { idempotencyKey: "run/node/1" };

function build(given: Record<string, string>, contentType: string | null = null): Headers {
  const headers = requestHeaders(Object.entries(given), own, contentType);
  if (!(headers instanceof Headers)) throw new Error(headers.error.message);
  return headers;
}

function objection(given: Record<string, string>): string {
  const headers = requestHeaders(Object.entries(given), own, null);
  if (headers instanceof Headers) throw new Error("was accepted");
  expect(headers).toMatchObject({ refused: "request", error: { code: "url_refused" } });
  return headers.error.message;
}

describe("headers of a request", () => {
  test("are those given and Weir's own", () => {
    expect(Object.fromEntries(build({ "X-One": "1", Accept: "text/html" }))).toEqual({
      accept: "text/html",
      "idempotency-key": "run/node/1",
      "user-agent": "weir",
      "x-one": "1",
    });
  });

  test("Weir's idempotency key wins; its trace, user agent and content type give way", () => {
    const given = { "IDEMPOTENCY-KEY": "mine", Traceparent: "mine", "User-Agent": "mine", "Content-Type": "text/csv" };
    const headers = requestHeaders(Object.entries(given), { ...own, traceparent: "00-ab-cd-01" }, "application/json");
    expect(Object.fromEntries(headers as Headers)).toEqual({
      "content-type": "text/csv",
      "idempotency-key": "run/node/1",
      traceparent: "mine",
      "user-agent": "mine",
    });
  });

  test("a trace of the workflow's own passes when Weir has none", () => {
    expect(build({ traceparent: "mine" }).get("traceparent")).toBe("mine");
    const traced = requestHeaders([], { ...own, traceparent: "00-ab-cd-01" }, null) as Headers;
    expect(traced.get("traceparent")).toBe("00-ab-cd-01");
  });

  test.each([
    ...["Host", "content-length", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding"],
    ...["Upgrade", "Expect", "CDN-Loop", "CF-Connecting-IP", "cf-ray", "Cf-Worker"],
  ])("%s cannot be set", (name) => {
    expect(objection({ [name]: "x" })).toContain(name.toLowerCase());
  });

  test.each(["", " ", "a b", "a:b", "a\r\nb", "ä", "a\0", "(a)"])("%j is not a header name", (name) => {
    expect(objection({ [name]: "x" })).toContain("not a header name");
  });

  test.each(["a\r\nX-Evil: 1", "a\nb", "a\rb", "\r\n"])("a line break is refused: %j", (value) => {
    expect(objection({ "x-one": value })).toBe("the value of header x-one holds a line break");
  });

  test.each(["a\0b", "a\x01b", "a\x7fb", "日本"])(
    "another character that HTTP has no place for is refused: %j",
    (value) => {
      expect(objection({ "x-one": value })).toContain("does not allow");
    },
  );

  test.each(["", "a\tb", "caf\xe9", "~!@#$%^&*()"])("%j is a value", (value) => {
    expect(build({ "x-one": value }).get("x-one")).toBe(value);
  });

  test("refusals quote no value", () => {
    expect(objection({ "x-one": "canary-secret\n" })).not.toContain("canary");
  });

  test(`there are at most ${HEADERS_MAX}`, () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "1"]));
    expect(build(many(HEADERS_MAX)).get("x-0")).toBe("1");
    expect(objection(many(HEADERS_MAX + 1))).toContain(String(HEADERS_MAX));
  });

  test(`they have at most ${REQUEST_HEADER_BYTES_MAX} bytes`, () => {
    const value = "v".repeat(REQUEST_HEADER_BYTES_MAX - "x-one".length);
    expect(build({ "x-one": value }).get("x-one")).toBe(value);
    expect(objection({ "x-one": `${value}v` })).toContain(String(REQUEST_HEADER_BYTES_MAX));
  });
});

describe("headers on a redirect", () => {
  test("credentials and fields that hold secrets stay behind", () => {
    const given = {
      Authorization: "a",
      Cookie: "b",
      "Proxy-Authorization": "c",
      "X-Api-Key": "d",
      "X-Mine": "e",
      Accept: "f",
    };
    const headers = build(given);
    dropCredentials(headers, ["x-mine"]);
    expect([...headers.keys()]).toEqual(["accept", "idempotency-key", "user-agent"]);
  });

  test("those of the body go with it", () => {
    const headers = build({
      "content-type": "text/csv",
      "Content-Encoding": "gzip",
      "content-language": "en",
      "x-one": "1",
    });
    dropBodyHeaders(headers);
    expect([...headers.keys()]).toEqual(["idempotency-key", "user-agent", "x-one"]);
  });
});

describe("headers of an answer", () => {
  test("are kept by lower-case name, repeated ones joined, cookies left out", () => {
    const headers = new Headers([
      ["X-One", "1"],
      ["X-One", "2"],
      ["Set-Cookie", "session=1"],
      ["__proto__", "x"],
    ]);
    const kept = answerHeaders(headers);
    expect(JSON.stringify(kept)).toBe('{"__proto__":"x","x-one":"1, 2"}');
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
});
