import { describe, expect, test, vi } from "vitest";
import type { Fetch, FetchOptions } from "#http/fetch.ts";
import { DNS_ANSWER_BYTES_MAX, DNS_TIMEOUT_MS } from "#http/limits.ts";
import { dohResolver, noResolver } from "#http/resolver.ts";

function dnsServer(answers: Record<string, unknown>): { fetch: Fetch; asked: { url: URL; options: FetchOptions }[] } {
  const asked: { url: URL; options: FetchOptions }[] = [];
  const fetch: Fetch = async (address, options) => {
    const url = new URL(address);
    asked.push({ url, options });
    const answer = answers[url.searchParams.get("type") ?? ""];
    return answer instanceof Response ? answer : new Response(JSON.stringify(answer));
  };
  return { fetch, asked };
}

const empty = { Status: 0 };

describe("DNS over HTTPS", () => {
  test("asks for both families and gives the addresses alone", async () => {
    const { fetch, asked } = dnsServer({
      A: {
        Status: 0,
        Answer: [
          { type: 5, data: "alias.example." },
          { type: 1, data: "1.1.1.1" },
          { type: 28, data: "::1" },
        ],
      },
      AAAA: { Status: 0, Answer: [{ type: 28, data: "2606:4700::1" }] },
    });
    const addresses = await dohResolver("https://dns.example/query?ct=json", fetch).resolve("example.com");
    expect(addresses).toEqual(["1.1.1.1", "2606:4700::1"]);
    expect(asked.map(({ url }) => url.search).sort()).toEqual([
      "?ct=json&name=example.com&type=A",
      "?ct=json&name=example.com&type=AAAA",
    ]);
    expect(asked[0]?.options.headers).toEqual({ accept: "application/dns-json" });
    expect(asked[0]?.options.redirect).toBe("manual");
  });

  test("a name that does not exist has no address", async () => {
    const { fetch } = dnsServer({ A: { Status: 3 }, AAAA: { Status: 3 } });
    expect(await dohResolver("https://dns.example/", fetch).resolve("no.example.com")).toEqual([]);
  });

  test.each([
    ["a server failure in one family", { A: { Status: 2 }, AAAA: empty }],
    ["another status", { A: empty, AAAA: new Response("{}", { status: 500 }) }],
    [
      "a redirect",
      { A: new Response(null, { status: 302, headers: { location: "https://else.example/" } }), AAAA: empty },
    ],
    ["text that is not JSON", { A: new Response("<html>"), AAAA: empty }],
    ["JSON of another form", { A: [], AAAA: empty }],
    ["an answer of another form", { A: { Status: 0, Answer: "1.1.1.1" }, AAAA: empty }],
  ])("throws on %s", async (_, answers) => {
    await expect(dohResolver("https://dns.example/", dnsServer(answers).fetch).resolve("a.example")).rejects.toThrow();
  });

  test(`an answer of ${DNS_ANSWER_BYTES_MAX} bytes is read, one more is not`, async () => {
    const text = JSON.stringify(empty).padEnd(DNS_ANSWER_BYTES_MAX, " ");
    const atEdge = dnsServer({ A: new Response(text), AAAA: empty });
    expect(await dohResolver("https://dns.example/", atEdge.fetch).resolve("a.example")).toEqual([]);
    const beyond = dnsServer({ A: new Response(`${text} `), AAAA: empty });
    await expect(dohResolver("https://dns.example/", beyond.fetch).resolve("a.example")).rejects.toThrow("too large");
  });

  test(`a lookup is given up after ${DNS_TIMEOUT_MS} ms`, async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort(new Error("too late")));
    const hanging: Fetch = (_, options) =>
      new Promise((_, reject) => {
        if (options.signal?.aborted) reject(options.signal.reason);
      });
    await expect(dohResolver("https://dns.example/", hanging).resolve("a.example")).rejects.toThrow("too late");
    expect(timeout).toHaveBeenCalledWith(DNS_TIMEOUT_MS);
    timeout.mockRestore();
  });
});

test("without DNS the answer is that there is none", async () => {
  expect(await noResolver.resolve("example.com")).toBe("unavailable");
});
