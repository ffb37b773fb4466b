/** From an answer to what the node outputs, or to the error that says what was wrong with it; free of secrets. */
import { type NodeError, nodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { decodeText, latin1, parseText } from "./body.ts";
import { answerHeaders } from "./headers.ts";
import { SNIPPET_LENGTH_MAX } from "./limits.ts";
import type { HttpMethod, PreparedRequest } from "./prepare.ts";
import type { Redactor } from "./redaction.ts";
import { retryAfterMs } from "./retry-after.ts";

export type HttpOutput = {
  status_code: number;
  /** By lower-case name; cookies are left out. */
  headers: JsonObject;
  /** Parsed JSON, text, `{ base64 }` when it is neither, null after HEAD and for a status that has no body. */
  body: Json;
  /** Where the last redirect led, without a fragment. */
  url: string;
  method: HttpMethod;
  duration_ms: number;
};

const BODILESS_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 429]);

/** True when there is nothing to read after the header fields (RFC 9110 §6.4.1). */
export function isBodiless(response: Response, method: HttpMethod): boolean {
  return method === "HEAD" || BODILESS_STATUSES.has(response.status);
}

/** The node's output; `bytes` is null where there is no body. */
export function outputOf(
  request: PreparedRequest,
  response: Response,
  bytes: Uint8Array | null,
  durationMs: number,
): HttpOutput {
  const { redactor } = request;
  return {
    status_code: response.status,
    headers: redactor.json(answerHeaders(response.headers)) as JsonObject,
    body: bytes === null ? null : bodyOf(bytes, response.headers.get("content-type"), redactor),
    url: redactor.text(withoutFragment(request.url)),
    method: request.method,
    duration_ms: durationMs,
  };
}

/** Redacted before parsing, for a number too long to survive it, and after, for escapes undone by it. */
function bodyOf(bytes: Uint8Array, contentType: string | null, redactor: Redactor): Json {
  const text = decodeText(bytes, contentType);
  if (text === null) return { base64: btoa(redactor.text(latin1(bytes))) };
  return redactor.json(parseText(redactor.text(text), contentType));
}

/** The error for a status that was not expected: 408, 429 and 5xx may be tried again. `start` is of its body. */
export function statusError(
  response: Response,
  start: { bytes: Uint8Array; isComplete: boolean } | null,
  redactor: Redactor,
  nowMs: number,
): NodeError {
  const { status } = response;
  const retryAfter = retryAfterMs(response.headers.get("retry-after"), nowMs);
  const snippet = start === null ? null : snippetOf(start, response.headers.get("content-type"), redactor);
  return nodeError("http_status", `the server answered ${status}`, {
    retryable: RETRYABLE_STATUSES.has(status) || status >= 500,
    ...(retryAfter === null ? {} : { retry_after_ms: retryAfter }),
    details: { status, body: snippet },
  });
}

/** A body that was cut may end within an echo, so its last characters are not quoted. */
function snippetOf(
  { bytes, isComplete }: { bytes: Uint8Array; isComplete: boolean },
  contentType: string | null,
  redactor: Redactor,
): string | null {
  const text = decodeText(bytes, contentType);
  if (text === null) return null;
  const redacted = redactor.text(redactEscaped(text, contentType, redactor));
  const quotable = isComplete ? redacted.length : Math.max(redacted.length - redactor.longest, 0);
  return redacted.slice(0, Math.min(quotable, SNIPPET_LENGTH_MAX)).toWellFormed();
}

/** JSON may escape any character of an echo: it is written anew when its values hold one. */
function redactEscaped(text: string, contentType: string | null, redactor: Redactor): string {
  const value = parseText(text, contentType);
  const before = JSON.stringify(value);
  const after = JSON.stringify(redactor.json(value));
  return typeof value === "string" || before === after ? text : after;
}

function withoutFragment(url: URL): string {
  return url.href.split("#", 1)[0] ?? "";
}
