// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are Weir's templates, not JavaScript's
import { afterAll, describe, expect, test } from "vitest";
import type { HttpRequestSpec } from "#http/prepare.ts";
import { executeRequest, type HttpOutcome } from "#http/request.ts";
import { environmentFor, type LoopbackServer, secretStore, startServer, stopServers } from "./loopback.ts";

afterAll(stopServers);

const VALUE = "canary+s3cret/ä=1";

function environmentOf(server: LoopbackServer, hosts = [server.hostPort]) {
  return environmentFor([server], { secrets: secretStore({ TOKEN: { value: VALUE, hosts } }) });
}

function expectNoEcho(outcome: HttpOutcome): void {
  const text = JSON.stringify(outcome);
  const forms = [VALUE, encodeURIComponent(VALUE), Buffer.from(VALUE).toString("base64"), "canary", "s3cret"];
  for (const form of forms) expect(text).not.toContain(form);
}

describe("secrets: where they go", () => {
  test("into path, query, headers and payload", async () => {
    const server = await startServer();
    const outcome = await executeRequest(
      {
        url: `${server.origin}/hooks/\${$secrets.TOKEN}?a=\${$secrets.TOKEN}`,
        method: "POST",
        query: { b: "$secrets.TOKEN" },
        headers: { "X-Key": "key ${$secrets.TOKEN}" },
        payload: { deep: [{ key: "$secrets.TOKEN" }] },
      },
      environmentOf(server),
    );
    expect(outcome.ok).toBe(true);
    const [received] = server.received;
    const url = new URL(received?.url ?? "", server.origin);
    expect(decodeURIComponent(url.pathname)).toBe(`/hooks/${VALUE}`);
    expect(url.searchParams.get("a")).toBe(VALUE);
    expect(url.searchParams.get("b")).toBe(VALUE);
    expect(Buffer.from(received?.headers["x-key"]?.toString() ?? "", "latin1").toString("latin1")).toBe(`key ${VALUE}`);
    expect(JSON.parse(received?.body ?? "")).toEqual({ deep: [{ key: VALUE }] });
    expectNoEcho(outcome);
    expect(outcome).toMatchObject({ output: { url: `${server.origin}/hooks/[redacted]?a=[redacted]&b=[redacted]` } });
  });

  test.each([
    "$secrets.TOKEN",
    "https://${$secrets.TOKEN}/",
    "https://${$secrets.TOKEN}.example.com/x",
    "https://user:${$secrets.TOKEN}@example.com/",
    "https://example.com:${$secrets.TOKEN}/",
    "${$secrets.TOKEN}://example.com/",
    "https://$secrets.TOKEN/",
  ])("never into the host: %s", async (url) => {
    const outcome = await executeRequest({ url }, environmentOf(await startServer(), ["example.com"]));
    expect(outcome).toMatchObject({ ok: false, refused: "secret_host", error: { code: "url_refused" } });
    expectNoEcho(outcome);
  });

  test.each<[string, Partial<HttpRequestSpec>, string]>([
    ["a missing secret", { headers: { a: "$secrets.MISSING" } }, "secret_missing"],
    ["an undeclared secret", { headers: { a: "$secrets.TOKEN" }, secrets: [] }, "secret_missing"],
    ["a secret for another host", { payload: { a: "$secrets.TOKEN" }, method: "POST" }, "url_refused"],
  ])("nothing is sent with %s", async (_, spec, code) => {
    const server = await startServer();
    const outcome = await executeRequest({ url: server.origin, ...spec }, environmentOf(server, ["other.example"]));
    expect(outcome).toMatchObject({ ok: false, error: { code } });
    expect(server.connections).toBe(0);
  });

  test("a secret that makes a forbidden path or a broken header is not sent, nor shown", async () => {
    const server = await startServer();
    const holding = (value: string) =>
      environmentFor([server], { secrets: secretStore({ TOKEN: { value, hosts: [server.hostPort] } }) });
    const path = await executeRequest({ url: `${server.origin}/\${$secrets.TOKEN}` }, holding("canary/../up"));
    expect(path).toMatchObject({ ok: false, refused: "path" });
    const header = await executeRequest(
      { url: server.origin, headers: { a: "$secrets.TOKEN" } },
      holding("canary\r\nx: 1"),
    );
    expect(header).toMatchObject({ ok: false, refused: "request" });
    for (const outcome of [path, header]) expect(JSON.stringify(outcome)).not.toContain("canary");
    expect(server.connections).toBe(0);
  });
});

describe("secrets: echoes", () => {
  const headers = { "X-Key": "$secrets.TOKEN" };

  test.each<[string, string, string]>([
    ["text", "text/plain", `you sent ${VALUE}`],
    ["JSON", "application/json", JSON.stringify({ sent: VALUE, [VALUE]: [`key ${VALUE}`] })],
    ["JSON with escapes", "application/json", '{"sent":"\\u0063anary\\u002bs3cret\\/\\u00e4=1"}'],
    ["broken JSON", "application/json", `{"sent":"${VALUE}`],
    ["a URL", "text/html", `<a href="/?key=${encodeURIComponent(VALUE)}">`],
    ["base64", "text/plain", Buffer.from(VALUE).toString("base64")],
    ["Basic credentials", "text/plain", `Basic ${Buffer.from(`user:${VALUE}`).toString("base64")}`],
    ["bytes", "application/octet-stream", `\0\0${VALUE}`],
  ])("in %s of a body are redacted", async (_, contentType, text) => {
    for (const status of [200, 401]) {
      const server = await startServer((_, response) => {
        response.writeHead(status, { "content-type": contentType }).end(text);
      });
      const outcome = await executeRequest({ url: server.origin, headers }, environmentOf(server));
      expect(outcome.ok).toBe(status === 200);
      expectNoEcho(outcome);
      if (outcome.ok && typeof outcome.output.body === "object") {
        const { base64 } = outcome.output.body as { base64?: string };
        expect(Buffer.from(base64 ?? "", "base64").toString()).not.toContain("canary");
      }
    }
  });

  test("in headers are redacted", async () => {
    const server = await startServer((request, response) => {
      response
        .writeHead(200, { "X-Echo": `got ${request.headers["x-key"]}`, "X-Url": encodeURIComponent(VALUE) })
        .end();
    });
    const outcome = await executeRequest({ url: server.origin, headers }, environmentOf(server));
    expect(outcome).toMatchObject({
      ok: true,
      output: { headers: { "x-echo": "got [redacted]", "x-url": "[redacted]" } },
    });
  });

  test("as a number of JSON are redacted", async () => {
    const value = "12345678901234567890";
    const secrets = (server: LoopbackServer) => secretStore({ TOKEN: { value, hosts: [server.hostPort] } });
    const server = await startServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(`{"n":${value}}`);
    });
    const outcome = await executeRequest(
      { url: server.origin, headers },
      environmentFor([server], { secrets: secrets(server) }),
    );
    expect(outcome).toMatchObject({ ok: true, output: { body: '{"n":[redacted]}' } });
  });

  test("at the cut end of an unexpected answer are not shown in part", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(VALUE.repeat(10_000));
    });
    const value = VALUE.repeat(2_000);
    const secrets = secretStore({ TOKEN: { value, hosts: [server.hostPort] } });
    const spec: HttpRequestSpec = { url: server.origin, method: "POST", payload: "$secrets.TOKEN" };
    const outcome = await executeRequest(spec, environmentFor([server], { secrets }));
    expect(outcome).toMatchObject({ ok: false, error: { code: "http_status" } });
    expectNoEcho(outcome);
  });

  test("in the host of a redirect are not shown by the refusal", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(302, { location: "http://canary-token-1.internal/" }).end();
    });
    const secrets = secretStore({ TOKEN: { value: "canary-token-1", hosts: [server.hostPort] } });
    const outcome = await executeRequest({ url: server.origin, headers }, environmentFor([server], { secrets }));
    expect(outcome).toMatchObject({ ok: false, refused: "host_name" });
    expect(JSON.stringify(outcome)).not.toContain("canary");
  });

  test("leave an answer alone when no secret was used", async () => {
    const server = await startServer((_, response) => response.end(VALUE));
    const outcome = await executeRequest({ url: server.origin }, environmentOf(server));
    expect(outcome).toMatchObject({ ok: true, output: { body: VALUE } });
  });
});
