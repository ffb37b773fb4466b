/**
 * What a host name resolves to, as a port with two adapters. A check of DNS answers cannot pin the connection that
 * follows it in Workers, so it is defence in depth: in production the egress routes no private ranges.
 */
import { isJsonObject } from "#kernel/json.ts";
import { readAtMost } from "./body.ts";
import type { Fetch } from "./fetch.ts";
import { DNS_ANSWER_BYTES_MAX, DNS_TIMEOUT_MS } from "./limits.ts";

export interface Resolver {
  /**
   * All IPv4 and IPv6 addresses of `host`, none for a name that does not exist, or "unavailable" where this runtime
   * has no DNS. Throws when a lookup fails: the request is then not sent.
   */
  resolve(host: string): Promise<readonly string[] | "unavailable">;
}

/** For runtimes without DNS: the check of answers is skipped, and the network's own rules are relied on. */
export const noResolver: Resolver = { resolve: async () => "unavailable" };

const RECORD_TYPES = [
  { name: "A", number: 1 },
  { name: "AAAA", number: 28 },
] as const;

const NO_ERROR = 0;
const NAME_ERROR = 3;

/**
 * Asks a DNS over HTTPS server that speaks JSON (`application/dns-json`, as Cloudflare's and Google's do). Its URL comes
 * from the operator and is not judged.
 */
export function dohResolver(endpointUrl: string, fetch: Fetch): Resolver {
  async function lookUp(host: string, type: (typeof RECORD_TYPES)[number]): Promise<string[]> {
    const url = new URL(endpointUrl);
    url.searchParams.set("name", host);
    url.searchParams.set("type", type.name);
    const response = await fetch(url.href, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      signal: AbortSignal.timeout(DNS_TIMEOUT_MS),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`DNS server answered ${response.status}`);
    }
    const { bytes, isComplete } = await readAtMost(response.body, DNS_ANSWER_BYTES_MAX);
    if (!isComplete) throw new Error("DNS answer is too large");
    return parseAnswer(JSON.parse(new TextDecoder().decode(bytes)), type.number);
  }
  return {
    resolve: async (host) => (await Promise.all(RECORD_TYPES.map((type) => lookUp(host, type)))).flat(),
  };
}

function parseAnswer(answer: unknown, type: number): string[] {
  if (!isJsonObject(answer) || (answer.Status !== NO_ERROR && answer.Status !== NAME_ERROR)) {
    throw new Error("DNS lookup failed");
  }
  if (answer.Answer === undefined) return [];
  if (!Array.isArray(answer.Answer)) throw new Error("DNS answer is malformed");
  return answer.Answer.filter(isJsonObject)
    .filter((record) => record.type === type)
    .map((record) => String(record.data));
}
