/** HTTP nodes pointed at what they must never reach. A canary on loopback is the witness: it sees no connection. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
/** Must never be connected to. */
let canary: Witness;
/** Listed as allowed; redirects to whatever `?to=` says. */
let redirector: Witness;

beforeAll(async () => {
  canary = await startWitness();
  redirector = await startWitness((request, response) => {
    const to = new URL(request.url ?? "/", "http://x").searchParams.get("to") ?? "/";
    // Header values are bytes: names beyond ASCII travel as UTF-8.
    answerJson(response, 302, {}, { location: Buffer.from(to).toString("latin1") });
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: redirector.host } });
});

afterAll(async () => {
  await weir.stop();
  await canary.close();
  await redirector.close();
});

function spellings(port: number): string[] {
  return [
    `http://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://LOCALHOST.:${port}/`,
    `http://api.localhost:${port}/`,
    `http://2130706433:${port}/`,
    `http://0x7f000001:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://127.1:${port}/`,
    `http://0:${port}/`,
    `http://0.0.0.0:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://[::ffff:7f00:1]:${port}/`,
    `http://[64:ff9b::7f00:1]:${port}/`,
    `http://[2002:7f00:1::]:${port}/`,
    `http://①②⑦.⓪.⓪.①:${port}/`,
    `http://127。0。0。1:${port}/`,
    `http://%31%32%37.0.0.1:${port}/`,
    `http://user@127.0.0.1:${port}/`,
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    "http://intranet/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
  ];
}

async function run(url: string) {
  const definition = { nodes: [{ id: "call", type: "http", config: { url }, retry: { max_attempts: 1 } }] };
  const { status, body } = await weir.api("POST", "/api/v1/runs", { definition, wait_ms: 20_000 });
  expect(status).toBe(200);
  return body;
}

describe("url guard, end to end", () => {
  test("no spelling of a forbidden address is called, and each run says so", async () => {
    for (const url of spellings(canary.port)) {
      const body = await run(url);
      expect({ url, status: body.status, code: body.error?.code }).toEqual({
        url,
        status: "failed",
        code: "url_refused",
      });
    }
    expect(canary.connections).toBe(0);
  });

  test("nor is one reached by a redirect from an allowed host", async () => {
    const followed = redirector.requests.length;
    for (const to of spellings(canary.port)) {
      const body = await run(`${redirector.url}/?to=${encodeURIComponent(to)}`);
      expect({ to, status: body.status }).toEqual({ to, status: "failed" });
      expect(["url_refused", "network"]).toContain(body.error.code);
    }
    expect(redirector.requests.length).toBeGreaterThan(followed);
    expect(canary.connections).toBe(0);
  });

  test("an unlisted port of a listed host, and Weir itself, are refused", async () => {
    expect((await run(`http://127.0.0.1:${canary.port}/`)).error.code).toBe("url_refused");
    expect((await run(`${weir.url}/health`)).error.code).toBe("url_refused");
  });

  test("POST /eval/url judges the same by the URL alone", async () => {
    const judge = async (url: string) => (await weir.api("POST", "/api/v1/eval/url", { url })).body;
    for (const url of spellings(canary.port))
      expect({ url, ...(await judge(url)) }).toMatchObject({ url, allowed: false });
    for (const url of ["https://api.example.com/v1?x=1", "http://93.184.215.14/", "https://[2606:2800:21f::1]/"]) {
      expect({ url, ...(await judge(url)) }).toMatchObject({ url, allowed: true, reason: null });
    }
  });

  test("saving a workflow with such a URL is allowed, with a warning", async () => {
    const workflow = { nodes: [{ id: "call", type: "http", config: { url: "http://169.254.169.254/" } }] };
    const saved = await weir.api("POST", "/api/v1/workflows", { tag: "warned", workflow });
    expect(saved.status).toBe(201);
    expect(saved.body.warnings).toMatchObject([{ pointer: "/nodes/0/config/url" }]);
  });
});
