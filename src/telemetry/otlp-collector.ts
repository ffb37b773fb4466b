/**
 * One delivery to a collector by OTLP/HTTP in JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp), and what its
 * answer means. When to deliver and what to do then is the caller's.
 */
import { retryAfterMs } from "#http/retry-after.ts";

export interface CollectorAddress {
  url: string;
  headers: Readonly<Record<string, string>>;
}

export type Delivery =
  /** Taken; `rejected` of its items were not, and will not be. */
  | { outcome: "taken"; rejected: number }
  /** To be delivered again, not before `waitMs` when the collector says so. */
  | { outcome: "again"; reason: string; waitMs: number | null }
  /** It will never be taken. */
  | { outcome: "refused"; reason: string };

/** A collector that has not answered by then did not. */
export const DELIVERY_TIMEOUT_MS = 10_000;

/** Statuses after which the specification lets a client try again. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Longest answer that is read. */
const ANSWER_UNITS_MAX = 4_000;

export type PostJson = (
  url: string,
  init: { method: "POST"; headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<Response>;

/** The address of a signal below an endpoint; `headers` as `OTEL_EXPORTER_OTLP_HEADERS` has them. */
export function collectorAddress(endpoint: string, path: string, headers: string): CollectorAddress {
  return addressBelow(endpoint, path, parseHeaders(headers));
}

/** `path` below a base, unless the base has it already; a user and a password of the base become a header. */
export function addressBelow(base: string, path: string, headers: Readonly<Record<string, string>>): CollectorAddress {
  const url = new URL(base);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const bare = url.href.replace(/\/+$/, "");
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const basic: Record<string, string> = credentials === ":" ? {} : { authorization: `Basic ${btoa(credentials)}` };
  return { url: bare.endsWith(`/${path}`) ? bare : `${bare}/${path}`, headers: { ...basic, ...headers } };
}

/** Pairs that are none are left out: the specification asks for that rather than for a refusal. */
export function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const [, name = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
    try {
      headers[name.toLowerCase()] = decodeURIComponent(value);
    } catch {
      headers[name.toLowerCase()] = value;
    }
  }
  return headers;
}

/** Never throws. */
export async function deliver(
  { url, headers }: CollectorAddress,
  body: string,
  post: PostJson,
  nowMs: number,
): Promise<Delivery> {
  let response: Response;
  let answer: string;
  try {
    response = await post(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(DELIVERY_TIMEOUT_MS),
    });
    answer = await response.text();
  } catch (error) {
    return { outcome: "again", reason: error instanceof Error ? error.name : "no answer", waitMs: null };
  }
  if (response.ok) return { outcome: "taken", rejected: rejectedIn(answer) };
  const reason = `status ${response.status}`;
  if (!PASSING.has(response.status)) return { outcome: "refused", reason };
  return { outcome: "again", reason, waitMs: retryAfterMs(response.headers.get("retry-after"), nowMs) };
}

/** `partialSuccess` of the answer. */
function rejectedIn(answer: string): number {
  try {
    const { partialSuccess = {} } = JSON.parse(answer.slice(0, ANSWER_UNITS_MAX)) as {
      partialSuccess?: { rejectedSpans?: unknown; rejectedLogRecords?: unknown };
    };
    return Number(partialSuccess.rejectedSpans ?? partialSuccess.rejectedLogRecords ?? 0) || 0;
  } catch {
    return 0;
  }
}
