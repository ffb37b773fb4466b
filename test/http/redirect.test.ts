// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are Weir's templates, not JavaScript's
import { afterAll, describe, expect, test } from "vitest";
import { REDIRECTS_MAX } from "#http/limits.ts";
import type { HttpMethod, HttpRequestSpec } from "#http/prepare.ts";
import { executeRequest } from "#http/request.ts";
import { environmentFor, type LoopbackServer, mappedFetch, secretStore, startServer, stopServers } from "./loopback.ts";

afterAll(stopServers);

/** A server that redirects everything to `location`. */
function redirecting(location: string, status = 302): Promise<LoopbackServer> {
  return startServer((_, response) => response.writeHead(status, { location }).end("moved"));
}

/** A server whose `/<n>` redirects to `/<n - 1>`, and whose `/0` answers. */
function chain(): Promise<LoopbackServer> {
  return startServer((request, response) => {
    const left = Number(request.url.slice(1));
    if (left === 0) response.end("arrived");
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
}

describe("redirect: number", () => {
  test(`${REDIRECTS_MAX} are followed, one more is not`, async () => {
    const server = await chain();
    const followed = await executeRequest({ url: `${server.origin}/${REDIRECTS_MAX}` }, environmentFor([server]));
    expect(followed).toMatchObject({ ok: true, output: { body: "arrived", url: `${server.origin}/0` } });
    server.received.length = 0;
    const outcome = await executeRequest({ url: `${server.origin}/${REDIRECTS_MAX + 1}` }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, refused: "too_many_redirects", error: { code: "url_refused" } });
    expect(server.received).toHaveLength(REDIRECTS_MAX + 1);
  });

  test("the body of a redirect is given up, so that its connection is free", async () => {
    let cancelled = 0;
    const location = "https://example.com/next";
    const fetch = async () => {
      const body = new ReadableStream({ cancel: () => void cancelled++ });
      return new Response(body, { status: 302, headers: { location } });
    };
    await executeRequest({ url: "https://example.com/" }, environmentFor([], { fetch }));
    expect(cancelled).toBe(REDIRECTS_MAX + 1);
  });

  test("a loop ends", async () => {
    const server = await redirecting("/again");
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, refused: "too_many_redirects" });
  });
});

describe("redirect: where it leads", () => {
  test("a canary on loopback gets no connection, by whatever spelling", async () => {
    const canary = await startServer();
    const port = canary.hostPort.split(":")[1];
    const hosts = [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "localhost",
      "[::ffff:127.0.0.1]",
      "0",
    ];
    for (const host of hosts) {
      const server = await redirecting(`http://${host}:${port}/`);
      const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
      expect(outcome).toMatchObject({ ok: false, error: { code: "url_refused" } });
      expect(server.received).toHaveLength(1);
    }
    expect(canary.connections).toBe(0);
    await executeRequest({ url: canary.origin }, environmentFor([canary]));
    expect(canary.connections).toBe(1);
  });

  test("a canary at the end of a chain through allowed hosts gets none either", async () => {
    const canary = await startServer();
    const third = await redirecting(canary.origin, 307);
    const second = await redirecting(third.origin, 308);
    const first = await redirecting(second.origin, 301);
    const outcome = await executeRequest({ url: first.origin }, environmentFor([first, second, third]));
    expect(outcome).toMatchObject({ ok: false, refused: "address" });
    expect([first, second, third].map(({ received }) => received.length)).toEqual([1, 1, 1]);
    expect(canary.connections).toBe(0);
  });

  test.each([
    ["http://169.254.169.254/latest/meta-data/", "address"],
    ["//10.0.0.1/", "address"],
    ["http://metadata.google.internal/", "host_name"],
    ["file:///etc/passwd", "path"],
    ["file:///x", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["http://user:pass@example.com/", "user_info"],
    ["http://example.com:22/", "port"],
    ["../secret", "path"],
    ["/a/%2e%2e/secret", "path"],
    ["/x?f=/etc/passwd", "path"],
    ["http://[broken/", "redirect"],
    ["http://", "redirect"],
  ])("%s is refused as %s", async (location, refused) => {
    const server = await redirecting(location);
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, refused, error: { code: "url_refused" } });
    expect(server.received).toHaveLength(1);
  });

  test("the lists of the tenant and Weir's own origin bind every hop", async () => {
    const server = await redirecting("https://denied.example/");
    const environment = environmentFor([server]);
    const denied = { ...environment, policy: { ...environment.policy, denyHosts: ["denied.example"] } };
    expect(await executeRequest({ url: server.origin }, denied)).toMatchObject({ refused: "denied_host" });
    const own = { ...environment, policy: { ...environment.policy, ownOrigins: new Set(["https://denied.example"]) } };
    expect(await executeRequest({ url: server.origin }, own)).toMatchObject({ refused: "own_origin" });
  });

  test("https never leads to http", async () => {
    const server = await redirecting("http://example.com/plain");
    const fetch = mappedFetch({ "example.com": server });
    const outcome = await executeRequest({ url: "https://example.com/" }, environmentFor([], { fetch }));
    expect(outcome).toMatchObject({ ok: false, refused: "redirect_downgrade" });
    expect(server.received).toHaveLength(1);
  });

  test("http may lead to https", async () => {
    const server = await startServer((request, response) => {
      if (request.url === "/end") response.end("secure");
      else response.writeHead(301, { location: "https://example.com/end" }).end();
    });
    const fetch = mappedFetch({ "example.com": server });
    const outcome = await executeRequest({ url: "http://example.com/" }, environmentFor([], { fetch }));
    expect(outcome).toMatchObject({ ok: true, output: { url: "https://example.com/end", body: "secure" } });
  });
});

describe("redirect: what counts as one", () => {
  test("a status that the node expects is an answer", async () => {
    const canary = await startServer();
    const server = await redirecting(canary.origin, 302);
    const outcome = await executeRequest(
      { url: server.origin, expect_status: [302] },
      environmentFor([server, canary]),
    );
    expect(outcome).toMatchObject({ ok: true, output: { status_code: 302, headers: { location: canary.origin } } });
    expect(canary.connections).toBe(0);
  });

  test.each([300, 304, 305, 306])("%d is none", async (status) => {
    const canary = await startServer();
    const server = await redirecting(canary.origin, status);
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server, canary]));
    expect(outcome).toMatchObject({ ok: false, error: { code: "http_status", details: { status } } });
    expect(canary.connections).toBe(0);
  });

  test("without a Location it is an unexpected status", async () => {
    const server = await startServer((_, response) => response.writeHead(302).end());
    const outcome = await executeRequest({ url: server.origin }, environmentFor([server]));
    expect(outcome).toMatchObject({ ok: false, error: { code: "http_status", details: { status: 302 } } });
  });
});

describe("redirect: method and body", () => {
  test.each<[number, HttpMethod, HttpMethod, boolean]>([
    [301, "POST", "GET", false],
    [302, "POST", "GET", false],
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [303, "DELETE", "GET", false],
    [303, "GET", "GET", false],
    [303, "HEAD", "HEAD", false],
    [301, "HEAD", "HEAD", false],
    [301, "PUT", "PUT", true],
    [302, "PATCH", "PATCH", true],
    [302, "DELETE", "DELETE", true],
    [307, "POST", "POST", true],
    [308, "PUT", "PUT", true],
  ])("%d turns %s into %s; body kept: %s", async (status, method, expected, isKept) => {
    const server = await startServer((request, response) => {
      if (request.url === "/end") response.end();
      else response.writeHead(status, { location: "/end" }).end();
    });
    const hasBody = method !== "GET" && method !== "HEAD";
    const outcome = await executeRequest(
      { url: server.origin, method, ...(hasBody ? { payload: { a: 1 } } : {}) },
      environmentFor([server]),
    );
    expect(server.received[1]).toMatchObject({ method: expected, body: isKept ? '{"a":1}' : "" });
    expect(server.received[1]?.headers["content-type"]).toBe(isKept ? "application/json" : undefined);
    expect(server.received[1]?.headers["idempotency-key"]).toBe("run_1/fetch/1");
    expect(outcome).toMatchObject({ ok: true, output: { method: expected } });
    expect(outcome.bytes_out).toBe((hasBody ? 7 : 0) + (isKept ? 7 : 0));
  });
});

describe("redirect: credentials", () => {
  const headers = {
    Authorization: "Bearer literal",
    Cookie: "session=1",
    "Proxy-Authorization": "Basic x",
    "X-Custom": "token ${$secrets.TOKEN}",
    "X-Plain": "kept",
  };
  const credentials = ["authorization", "cookie", "proxy-authorization", "x-custom"];

  function secretsFor(...servers: LoopbackServer[]) {
    return secretStore({ TOKEN: { value: "canary-token", hosts: servers.map(({ hostPort }) => hostPort) } });
  }

  test("stay with the origin", async () => {
    const server = await startServer((request, response) => {
      if (request.url === "/end") response.end();
      else response.writeHead(302, { location: "/end" }).end();
    });
    const secrets = secretsFor(server);
    expect((await executeRequest({ url: server.origin, headers }, environmentFor([server], { secrets }))).ok).toBe(
      true,
    );
    for (const { headers } of server.received)
      expect(Object.keys(headers)).toEqual(expect.arrayContaining(credentials));
    expect(server.received[1]?.headers["x-custom"]).toBe("token canary-token");
  });

  test("do not reach another origin, nor come back from it", async () => {
    const other = await startServer((_, response) =>
      response.writeHead(302, { location: `${first.origin}/end` }).end(),
    );
    const first: LoopbackServer = await startServer((request, response) => {
      if (request.url === "/end") response.end();
      else response.writeHead(302, { location: other.origin }).end();
    });
    const secrets = secretsFor(first, other);
    const outcome = await executeRequest({ url: first.origin, headers }, environmentFor([first, other], { secrets }));
    expect(outcome.ok).toBe(true);
    expect(first.received[0]?.headers).toMatchObject({
      authorization: "Bearer literal",
      "x-custom": "token canary-token",
    });
    for (const request of [other.received[0], first.received[1]]) {
      expect(request?.headers["x-plain"]).toBe("kept");
      for (const name of credentials) expect(request?.headers).not.toHaveProperty(name);
    }
  });

  test.each([307, 308])("a payload with a secret does not follow a %d to a host it is not bound to", async (status) => {
    const canary = await startServer();
    const server = await redirecting(canary.origin, status);
    const spec: HttpRequestSpec = { url: server.origin, method: "POST", payload: { key: "$secrets.TOKEN" } };
    const environment = environmentFor([server, canary], { secrets: secretsFor(server) });
    const outcome = await executeRequest(spec, environment);
    expect(outcome).toMatchObject({ ok: false, refused: "secret_host" });
    expect(canary.connections).toBe(0);
    const bound = { ...environment, secrets: secretsFor(server, canary) };
    expect((await executeRequest(spec, bound)).ok).toBe(true);
    expect(canary.received[0]?.body).toBe('{"key":"canary-token"}');
  });

  test("a payload with a secret that is dropped on the way does not matter", async () => {
    const canary = await startServer();
    const server = await redirecting(canary.origin, 303);
    const spec: HttpRequestSpec = { url: server.origin, method: "POST", payload: { key: "$secrets.TOKEN" } };
    const outcome = await executeRequest(spec, environmentFor([server, canary], { secrets: secretsFor(server) }));
    expect(outcome.ok).toBe(true);
    expect(canary.received).toMatchObject([{ method: "GET", body: "" }]);
  });

  test("a Location that echoes a secret to a host it is not bound to is not followed", async () => {
    const canary = await startServer();
    const server = await startServer((request, response) => {
      response.writeHead(302, { location: `${canary.origin}/log${request.url.slice(1)}` }).end();
    });
    const spec: HttpRequestSpec = { url: server.origin, query: { key: "$secrets.TOKEN" } };
    const outcome = await executeRequest(spec, environmentFor([server, canary], { secrets: secretsFor(server) }));
    expect(outcome).toMatchObject({ ok: false, refused: "secret_host" });
    expect(JSON.stringify(outcome)).not.toContain("canary-token");
    expect(canary.connections).toBe(0);
  });
});
