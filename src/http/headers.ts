/**
 * Header fields: which ones a workflow may send, which ones Weir sets, which ones stay behind on the way to another
 * origin, and which ones of an answer are kept.
 */
import type { JsonObject } from "#kernel/json.ts";
import { HEADERS_MAX } from "#workflow/limits.ts";
import { REQUEST_HEADER_BYTES_MAX } from "./limits.ts";
import { type Failure, refusal } from "./refusal.ts";

/** A token of RFC 9110 §5.6.2. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** RFC 9110 §5.5: visible characters, spaces and tabs; bytes above ASCII are opaque to HTTP, yet allowed. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Owned by the connection (RFC 9110 §7.6.1), by the body's framing, or by the platform. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "cdn-loop",
]);
const FORBIDDEN_PREFIX = "cf-";

/** What a redirect to another origin must not carry (Fetch standard, "HTTP-redirect fetch"), and usual names of keys. */
const CREDENTIAL_NAMES = ["authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"];

/** What describes a body and goes with it (Fetch standard, "request-body-header name"). */
const BODY_NAMES = ["content-type", "content-encoding", "content-language", "content-location"];

/** Session credentials, which would stay in a run's history. */
const UNKEPT_NAMES: ReadonlySet<string> = new Set(["set-cookie", "set-cookie2"]);

/** Fields that Weir sets itself. */
export interface OwnHeaders {
  /** In place of a workflow's own. */
  idempotencyKey: string;
  /** Unless the workflow sets one: then it continues another trace than the run's. */
  traceparent?: string;
}

/**
 * The header fields of a request, or a `url_refused` failure that names the field and the rule, never its value.
 * `contentType` is used unless the workflow gives one.
 */
export function requestHeaders(
  given: readonly (readonly [name: string, value: string])[],
  own: OwnHeaders,
  contentType: string | null,
): Headers | Failure {
  if (given.length > HEADERS_MAX) return refusal("request", `a request has at most ${HEADERS_MAX} headers`);
  const headers = new Headers();
  let bytes = 0;
  for (const [name, value] of given) {
    const objection = fieldObjection(name, value);
    if (objection !== null) return refusal("request", objection);
    bytes += name.length + value.length;
    headers.set(name, value);
  }
  if (bytes > REQUEST_HEADER_BYTES_MAX) {
    return refusal("request", `the headers of a request have at most ${REQUEST_HEADER_BYTES_MAX} bytes`);
  }
  if (contentType !== null && !headers.has("content-type")) headers.set("content-type", contentType);
  if (!headers.has("user-agent")) headers.set("user-agent", "weir");
  headers.set("idempotency-key", own.idempotencyKey);
  if (own.traceparent !== undefined && !headers.has("traceparent")) headers.set("traceparent", own.traceparent);
  return headers;
}

function fieldObjection(name: string, value: string): string | null {
  if (!FIELD_NAME.test(name)) return `${JSON.stringify(name.slice(0, 64))} is not a header name`;
  const lower = name.toLowerCase();
  if (FORBIDDEN_NAMES.has(lower) || lower.startsWith(FORBIDDEN_PREFIX)) return `the header ${lower} cannot be set`;
  if (/[\r\n]/.test(value)) return `the value of header ${lower} holds a line break`;
  return FIELD_VALUE.test(value) ? null : `the value of header ${lower} holds a character that HTTP does not allow`;
}

/** Removes credentials, and every field in `secretNames`, for a request to another origin. */
export function dropCredentials(headers: Headers, secretNames: Iterable<string>): void {
  for (const name of [...CREDENTIAL_NAMES, ...secretNames]) headers.delete(name);
}

/** Removes what described a body that is no longer sent. */
export function dropBodyHeaders(headers: Headers): void {
  for (const name of BODY_NAMES) headers.delete(name);
}

/** An answer's fields by lower-case name, without cookies; repeated fields are joined by commas. */
export function answerHeaders(headers: Headers): JsonObject {
  const kept: [string, string][] = [];
  headers.forEach((value, name) => {
    if (!UNKEPT_NAMES.has(name)) kept.push([name, value]);
  });
  return Object.fromEntries(kept);
}
