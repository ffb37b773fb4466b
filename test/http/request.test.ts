// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are Weir's templates, not JavaScript's
import { afterAll, describe, expect, test, vi } from "vitest";
import { ANSWER_BYTES_MAX, PAYLOAD_BYTES_MAX, SNIPPET_BYTES_MAX, SNIPPET_LENGTH_MAX } from "#http/limits.ts";
import type { HttpMethod, HttpRequestSpec } from "#http/prepare.ts";
import { executeRequest, type HttpEnvironment, type HttpOutcome } from "#http/request.ts";
import type { Json } from "#kernel/json.ts";
import { TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX } from "#workflow/limits.ts";
import { environmentFor, mappedFetch, startServer, stopServers } from "./loopback.ts";

afterAll(stopServers);

/** An environment whose fetch gives `response` for a public host. */
function answering(response: () => Response, own: Partial<HttpEnvironment> = {}): HttpEnvironment {
  return environmentFor([], { fetch: async () => response(), ...own });
}

function get(response: () => Response, spec: Partial<HttpRequestSpec> = {}): Promise<HttpOutcome> {
  return executeRequest({ url: "https://example.com/", ...spec }, answering(response));
}

function errorOf(outcome: HttpOutcome) {
  if (outcome.ok) throw new Error("succeeded");
  return outcome.error;
}

function bodyOf(outcome: HttpOutcome): Json {
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.output.body;
}

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(0x61);
}

describe("request: what is sent", () => {
  test("a GET carries query, headers, idempotency key and trace", async () => {
    const server = await startServer();
    const outcome = await executeRequest(
      {
        url: `${server.origin}/items?a=1#part`,
        headers: { "X-One": "1" },
        query: { b: ["x", 2, true], c: null, "d e": "f&g" },
      },
      environmentFor([server], { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }),
    );
    expect(outcome).toMatchObject({ ok: true, bytes_out: 0, bytes_in: 2 });
    expect(server.received).toMatchObject([
      {
        method: "GET",
        url: "/items?a=1&b=x&b=2&b=true&c=&d+e=f%26g",
        body: "",
        headers: {
          "x-one": "1",
          "idempotency-key": "run_1/fetch/1",
          traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
      },
    ]);
    expect(outcome).toMatchObject({ output: { url: `${server.origin}/items?a=1&b=x&b=2&b=true&c=&d+e=f%26g` } });
  });

  test.each<[HttpMethod, Json, string, string]>([
    ["POST", { a: "é", b: [1, null] }, '{"a":"é","b":[1,null]}', "application/json"],
    ["PUT", "text é", "text é", "text/plain; charset=utf-8"],
    ["PATCH", null, "null", "application/json"],
    ["DELETE", [], "[]", "application/json"],
  ])("a %s carries its payload %j", async (method, payload, body, contentType) => {
    const server = await startServer();
    const outcome = await executeRequest({ url: server.origin, method, payload }, environmentFor([server]));
    expect(server.received).toMatchObject([{ method, body, headers: { "content-type": contentType } }]);
    expect(outcome).toMatchObject({ ok: true, bytes_out: Buffer.byteLength(body) });
  });

  test("a content type of the workflow's own is kept", async () => {
    const server = await startServer();
    const headers = { "content-type": "application/vnd.api+json" };
    await executeRequest({ url: server.origin, method: "POST", payload: {}, headers }, environmentFor([server]));
    expect(server.received[0]?.headers["content-type"]).toBe("application/vnd.api+json");
  });

  test.each<HttpMethod>(["GET", "HEAD"])("a %s with a payload is refused", async (method) => {
    const server = await startServer();
    const outcome = await executeRequest({ url: server.origin, method, payload: {} }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, refused: "request", error: { code: "url_refused" } });
    expect(server.connections).toBe(0);
  });

  test.each<[string, Partial<HttpRequestSpec>, string]>([
    ["a private address", { url: "http://10.0.0.1/" }, "address"],
    ["a path in the query object", { query: { f: "../secret" } }, "path"],
    ["a path encoded in the query object", { query: { f: "%252e%252e%252f" } }, "path"],
    ["a path in a query name", { query: { "/etc/passwd": 1 } }, "path"],
    ["a forbidden header", { headers: { Host: "evil.example" } }, "request"],
    ["a header with a line break", { headers: { "x-one": "1\r\nX-Evil: 1" } }, "request"],
  ])("nothing, for %s", async (_, spec, refused) => {
    const server = await startServer();
    const outcome = await executeRequest({ url: server.origin, ...spec }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, refused, error: { code: "url_refused", details: { reason: refused } } });
    expect(server.connections).toBe(0);
  });

  test("fetch is called without a receiver, as Workers demand", async () => {
    const receivers: unknown[] = [];
    const outcome = await executeRequest(
      { url: "https://example.com/" },
      environmentFor([], {
        async fetch(this: unknown) {
          receivers.push(this);
          return new Response();
        },
      }),
    );
    expect(outcome.ok).toBe(true);
    expect(receivers).toEqual([undefined]);
  });

  test(`a payload of ${PAYLOAD_BYTES_MAX} bytes is sent, one more is not`, async () => {
    const server = await startServer();
    const payload = `é${"a".repeat(PAYLOAD_BYTES_MAX - 2)}`;
    const spec = { url: server.origin, method: "POST" as const };
    const sent = await executeRequest({ ...spec, payload }, environmentFor([server]));
    expect(sent).toMatchObject({ ok: true, bytes_out: PAYLOAD_BYTES_MAX });
    const outcome = await executeRequest({ ...spec, payload: `${payload}a` }, environmentFor([server]));
    expect(errorOf(outcome).code).toBe("payload_too_large");
    expect(outcome).toMatchObject({ bytes_out: 0 });
    expect(server.received).toHaveLength(1);
  });
});

describe("request: what comes back", () => {
  test("status, headers, parsed body, URL, method and duration", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(201, { "Content-Type": "application/json; charset=utf-8", "X-One": "1", "Set-Cookie": "a=b" });
      response.end('{"items":[1]}');
    });
    const times = [1_000, 1_250];
    const outcome = await executeRequest(
      { url: server.origin, method: "POST" },
      environmentFor([server], { clock: { nowMs: () => times.shift() ?? 0 } }),
    );
    expect(outcome).toEqual({
      ok: true,
      output: {
        status_code: 201,
        headers: expect.objectContaining({ "content-type": "application/json; charset=utf-8", "x-one": "1" }),
        body: { items: [1] },
        url: `${server.origin}/`,
        method: "POST",
        duration_ms: 250,
      },
      bytes_in: 13,
      bytes_out: 0,
    });
    expect(outcome).not.toHaveProperty("output.headers.set-cookie");
  });

  test.each<[string, string, Json]>([
    ["application/json", '{"a":1}', { a: 1 }],
    ["application/problem+json", "[1]", [1]],
    ["Application/JSON;charset=UTF-8", "null", null],
    ["application/json", "\uFEFF1", 1],
    ["application/json", "{bad", "{bad"],
    ["application/json", "", ""],
    ["application/json", `${"[".repeat(64)}${"]".repeat(64)}`, JSON.parse(`${"[".repeat(64)}${"]".repeat(64)}`)],
    ["application/json", `${"[".repeat(65)}${"]".repeat(65)}`, `${"[".repeat(65)}${"]".repeat(65)}`],
    ["application/json", "[".repeat(200_000), "[".repeat(200_000)],
    ["text/plain", '{"a":1}', '{"a":1}'],
    ["text/html", "<p>é</p>", "<p>é</p>"],
    ["application/octet-stream", "plain after all", "plain after all"],
    ["nonsense", "text", "text"],
    ["text/plain; charset=nonsense", "é", "é"],
  ])("a %s body %#", async (contentType, text, body) => {
    expect(bodyOf(await get(() => new Response(text, { headers: { "content-type": contentType } })))).toEqual(body);
  });

  test("a body in another charset is decoded", async () => {
    const headers = { "content-type": "text/plain; charset=iso-8859-1" };
    expect(bodyOf(await get(() => new Response(new Uint8Array([0xe9]), { headers })))).toBe("é");
  });

  test.each([
    ["image/png", [0x89, 0x50, 0x4e, 0x47]],
    ["application/octet-stream", [0x61, 0x00]],
  ])("bytes that are no text come as base64: %s", async (contentType, bytes) => {
    const response = () => new Response(new Uint8Array(bytes), { headers: { "content-type": contentType } });
    expect(bodyOf(await get(response))).toEqual({ base64: Buffer.from(bytes).toString("base64") });
  });

  test("keys such as __proto__ do no harm", async () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const body = bodyOf(await get(() => new Response(text, { headers: { "content-type": "application/json" } })));
    expect(JSON.stringify(body)).toBe(text);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each([204, 205])("%d has no body", async (status) => {
    expect(bodyOf(await get(() => new Response(null, { status })))).toBeNull();
  });

  test("the answer to HEAD has none, whatever length it states", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-length": String(ANSWER_BYTES_MAX * 2) });
      response.end();
    });
    const outcome = await executeRequest({ url: server.origin, method: "HEAD" }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: true, output: { body: null, method: "HEAD" }, bytes_in: 0 });
  });

  test("a compressed body is decompressed", async () => {
    const { gzipSync } = await import("node:zlib");
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-type": "application/json" });
      response.end(gzipSync('{"a":1}'));
    });
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(bodyOf(outcome)).toEqual({ a: 1 });
    expect(outcome.bytes_in).toBe(7);
  });
});

describe("request: status", () => {
  test.each([
    [200, undefined, true],
    [299, undefined, true],
    [300, undefined, false],
    [304, undefined, false],
    [404, undefined, false],
    [404, [404], true],
    [200, [404], false],
    [302, [302], true],
  ])("%d with expect_status %j succeeds: %s", async (status, expected, isOk) => {
    const spec = expected === undefined ? {} : { expect_status: expected };
    const outcome = await get(() => new Response(null, { status }), spec);
    expect(outcome.ok).toBe(isOk);
    if (!isOk) expect(errorOf(outcome)).toMatchObject({ code: "http_status", details: { status } });
  });

  test.each([
    [400, false],
    [401, false],
    [408, true],
    [409, false],
    [425, false],
    [429, true],
    [499, false],
    [500, true],
    [503, true],
    [599, true],
  ])("%d may be tried again: %s", async (status, retryable) => {
    expect(errorOf(await get(() => new Response("no", { status })))).toMatchObject({ retryable });
  });

  test("Retry-After goes into the error", async () => {
    const headers = { "retry-after": "7" };
    expect(errorOf(await get(() => new Response("", { status: 429, headers }))).retry_after_ms).toBe(7_000);
    expect(errorOf(await get(() => new Response("", { status: 429 })))).not.toHaveProperty("retry_after_ms");
  });

  test(`the error quotes ${SNIPPET_LENGTH_MAX} characters of the body`, async () => {
    const text = `start${"x".repeat(SNIPPET_LENGTH_MAX)}`;
    const atEdge = errorOf(await get(() => new Response(text.slice(0, SNIPPET_LENGTH_MAX), { status: 400 })));
    expect(atEdge.details?.body).toBe(text.slice(0, SNIPPET_LENGTH_MAX));
    const beyond = errorOf(await get(() => new Response(text, { status: 400 })));
    expect(beyond.details?.body).toBe(text.slice(0, SNIPPET_LENGTH_MAX));
    expect(errorOf(await get(() => new Response(new Uint8Array([255]), { status: 400 }))).details?.body).toBeNull();
  });

  test(`of an unexpected answer ${SNIPPET_BYTES_MAX} bytes are read`, async () => {
    const read = async (length: number) => (await get(() => new Response(bytesOf(length), { status: 500 }))).bytes_in;
    expect(await read(SNIPPET_BYTES_MAX)).toBe(SNIPPET_BYTES_MAX);
    expect(await read(SNIPPET_BYTES_MAX + 1)).toBe(SNIPPET_BYTES_MAX);
  });
});

describe("request: size of the answer", () => {
  test(`${ANSWER_BYTES_MAX} bytes pass, one more does not`, async () => {
    const atEdge = await get(() => new Response(bytesOf(ANSWER_BYTES_MAX)));
    expect(atEdge).toMatchObject({ ok: true, bytes_in: ANSWER_BYTES_MAX });
    const beyond = await get(() => new Response(bytesOf(ANSWER_BYTES_MAX + 1)));
    expect(errorOf(beyond).code).toBe("output_too_large");
  });

  test("6 MB with an honest length are not even read", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-length": "6000000" });
      response.write(bytesOf(6_000_000));
    });
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, error: { code: "output_too_large" }, bytes_in: 0 });
    await server.abandoned;
  });

  test("a body longer than its stated length is counted", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(bytesOf(1_000_000)),
      cancel: () => {
        cancelled = true;
      },
    });
    const outcome = await get(() => new Response(body, { headers: { "content-length": "10" } }));
    expect(errorOf(outcome).code).toBe("output_too_large");
    expect(cancelled).toBe(true);
  });

  test("a body shorter than its stated length is a network error", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("short");
      setTimeout(() => response.destroy(), 50);
    });
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(errorOf(outcome)).toEqual({ code: "network", message: "the connection to 127.0.0.1 failed" });
  });

  test("an endless body is cut and its connection closed", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(bytesOf(100_000)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(errorOf(outcome).code).toBe("output_too_large");
    expect(outcome.bytes_in).toBe(ANSWER_BYTES_MAX);
    await server.abandoned;
  });

  test("a gzip bomb is cut by its decompressed size", async () => {
    const { gzipSync } = await import("node:zlib");
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    expect(bomb.byteLength).toBeLessThan(ANSWER_BYTES_MAX);
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-length": String(bomb.byteLength) });
      response.end(bomb);
    });
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(errorOf(outcome).code).toBe("output_too_large");
    expect(outcome.bytes_in).toBe(ANSWER_BYTES_MAX);
  });
});

describe("request: deadline", () => {
  async function timed(spec: HttpRequestSpec, environment: HttpEnvironment): Promise<[HttpOutcome, number]> {
    const startedMs = performance.now();
    const outcome = await executeRequest(spec, environment);
    return [outcome, performance.now() - startedMs];
  }

  test("slow headers", async () => {
    const server = await startServer(() => {});
    const [outcome, ms] = await timed({ url: server.origin, timeout_ms: 100 }, environmentFor([server]));
    expect(errorOf(outcome)).toEqual({ code: "timeout", message: "no complete answer within 100 ms" });
    expect(ms).toBeGreaterThan(95);
    expect(ms).toBeLessThan(1_500);
    await server.abandoned;
  });

  test("a body that drips", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("."), 10);
      response.on("close", () => clearInterval(timer));
    });
    const [outcome, ms] = await timed({ url: server.origin, timeout_ms: 150 }, environmentFor([server]));
    expect(errorOf(outcome).code).toBe("timeout");
    expect(ms).toBeLessThan(1_500);
    await server.abandoned;
  });

  test("redirects share one deadline", async () => {
    const server = await startServer((_, response) => {
      setTimeout(() => response.writeHead(302, { location: "/" }).end(), 60);
    });
    const [outcome, ms] = await timed({ url: server.origin, timeout_ms: 150 }, environmentFor([server]));
    expect(errorOf(outcome).code).toBe("timeout");
    expect(ms).toBeLessThan(1_500);
  });

  test("a fetch, a stream or a resolver that ignores the signal", async () => {
    const never = new Promise<never>(() => {});
    const url = "https://example.com/";
    const stuck = new ReadableStream({ pull: () => never });
    for (const environment of [
      environmentFor([], { fetch: () => never }),
      answering(() => new Response(stuck)),
      environmentFor([], { resolver: { resolve: () => never } }),
    ]) {
      const [outcome, ms] = await timed({ url, timeout_ms: 50 }, environment);
      expect(errorOf(outcome).code).toBe("timeout");
      expect(ms).toBeLessThan(1_500);
    }
  });

  test("cancelled from outside, before or during", async () => {
    const server = await startServer(() => {});
    const during = environmentFor([server], { signal: AbortSignal.timeout(50) });
    expect(errorOf(await executeRequest({ url: server.origin }, during)).code).toBe("cancelled");
    const before = environmentFor([server], { signal: AbortSignal.abort() });
    expect(errorOf(await executeRequest({ url: server.origin }, before)).code).toBe("cancelled");
  });

  test.each([
    [undefined, TIMEOUT_MS_DEFAULT],
    [TIMEOUT_MS_MAX, TIMEOUT_MS_MAX],
    [TIMEOUT_MS_MAX + 1, TIMEOUT_MS_MAX],
    [0, 1],
  ])("timeout_ms %j gives %d ms, and the timer is released", async (timeout_ms, expected) => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const clear = vi.spyOn(globalThis, "clearTimeout");
    await get(() => new Response(), timeout_ms === undefined ? {} : { timeout_ms });
    expect(set.mock.calls.map(([, ms]) => ms)).toContain(expected);
    expect(clear.mock.calls.map(([timer]) => timer)).toContain(set.mock.results[0]?.value);
    vi.restoreAllMocks();
  });
});

describe("request: network", () => {
  test("a refused connection says no more than the host", async () => {
    const environment = environmentFor([]);
    const policy = { ...environment.policy, allowPrivateHosts: new Set(["127.0.0.1:1"]) };
    const fetch = () => Promise.reject(new TypeError("connect ECONNREFUSED 10.1.2.3:1"));
    const outcome = await executeRequest({ url: "http://127.0.0.1:1/" }, { ...environment, policy, fetch });
    expect(outcome).toEqual({
      ok: false,
      error: { code: "network", message: "the connection to 127.0.0.1 failed" },
      bytes_in: 0,
      bytes_out: 0,
    });
  });

  test("a fetch that throws at once, or a resolver that fails, is no exception either", async () => {
    const throwing = environmentFor([], {
      fetch: () => {
        throw new Error("internal detail");
      },
    });
    const failing = environmentFor([], { resolver: { resolve: () => Promise.reject(new Error("internal detail")) } });
    for (const environment of [throwing, failing]) {
      const error = errorOf(await executeRequest({ url: "https://example.com/" }, environment));
      expect(error).toEqual({ code: "network", message: "the connection to example.com failed" });
    }
  });

  test("a bug before anything is sent is internal, not an exception", async () => {
    const secrets = {
      get: () => {
        throw new Error("internal detail");
      },
    };
    const spec = { url: "https://example.com/", headers: { "x-key": "$secrets.TOKEN" } };
    const error = errorOf(await executeRequest(spec, environmentFor([], { secrets })));
    expect(error).toEqual({ code: "internal", message: "the request could not be prepared" });
  });
});

describe("request: DNS", () => {
  const url = "https://example.com/";

  test.each([
    [["1.1.1.1"], true],
    [["1.1.1.1", "2606:4700::1"], true],
    [["127.0.0.1"], false],
    [["1.1.1.1", "10.0.0.1"], false],
    [["::ffff:1.1.1.1"], false],
    [[], false],
    ["unavailable" as const, true],
  ])("answer %j lets the request through: %s", async (addresses, isAllowed) => {
    const server = await startServer();
    const asked: string[] = [];
    const resolver = {
      async resolve(host: string) {
        asked.push(host);
        return addresses;
      },
    };
    const outcome = await executeRequest(
      { url },
      environmentFor([], { resolver, fetch: mappedFetch({ "example.com": server }) }),
    );
    expect(outcome.ok).toBe(isAllowed);
    expect(server.connections).toBe(isAllowed ? 1 : 0);
    expect(asked).toEqual(["example.com"]);
    if (!isAllowed) expect(outcome).toMatchObject({ refused: "dns", error: { code: "url_refused" } });
  });

  test("is not asked about listed hosts and addresses", async () => {
    const server = await startServer();
    const resolver = { resolve: () => Promise.reject(new Error("asked")) };
    expect((await executeRequest({ url: server.origin }, environmentFor([server], { resolver }))).ok).toBe(true);
    const fetch = mappedFetch({ "1.1.1.1": server });
    expect((await executeRequest({ url: "http://1.1.1.1/" }, environmentFor([], { resolver, fetch }))).ok).toBe(true);
  });

  test("is asked again on each hop: a name that turns private is refused", async () => {
    const server = await startServer((_, response) => response.writeHead(302, { location: "/next" }).end());
    const answers = [["1.1.1.1"], ["127.0.0.1"]];
    const resolver = { resolve: async () => answers.shift() ?? [] };
    const fetch = mappedFetch({ "example.com": server });
    const outcome = await executeRequest({ url }, environmentFor([], { resolver, fetch }));
    expect(outcome).toMatchObject({ ok: false, refused: "dns" });
    expect(server.received.map((request) => request.url)).toEqual(["/"]);
  });
});
