/**
 * From an http node's config to a request that is ready to be sent: secrets resolved, URL judged, headers and payload
 * checked. Sends nothing.
 */
import { type Json, utf8Length } from "#kernel/json.ts";
import type { HTTP_METHODS } from "#workflow/node-configs.ts";
import { type OwnHeaders, requestHeaders } from "./headers.ts";
import { pathObjection } from "./path-rules.ts";
import { noRedactor, type Redactor, redactorOf } from "./redaction.ts";
import { type Failure, failure, refusal } from "./refusal.ts";
import { SecretReferences, type SecretStore, type UsedSecret } from "./secrets.ts";
import { judgeUrl, type UrlPolicy } from "./url-guard.ts";

export type HttpMethod = (typeof HTTP_METHODS)[number];
export type QueryValue = string | number | boolean | null;

/** An http node's config with its templates rendered; `$secrets` references still stand in it. */
export interface HttpRequestSpec {
  url: string;
  /** GET by default. */
  method?: HttpMethod;
  headers?: Readonly<Record<string, string>>;
  /** Added to the URL's own query; an array repeats its name, null gives an empty value. */
  query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>;
  /** A string is sent as it is; anything else as JSON. */
  payload?: Json;
  /** Statuses that are a success; 200 to 299 by default. A redirect status in it is an answer and is not followed. */
  expect_status?: readonly number[];
  /** When present, the only secrets that may be used. */
  secrets?: readonly string[];
  /** Over everything, the body included; milliseconds. */
  timeout_ms?: number;
}

export interface PreparedRequest {
  url: URL;
  method: HttpMethod;
  headers: Headers;
  body: string | null;
  /** Lower-case names of header fields that a secret went into. */
  secretHeaders: ReadonlySet<string>;
  secrets: readonly UsedSecret[];
  payloadHasSecret: boolean;
  redactor: Redactor;
}

const SECRET_BEFORE_PATH = /^[^/?#]*(?:\/\/[^/?#]*)?\$secrets\./i;

/** A request ready to be sent, or the failure: `url_refused`, `secret_missing`, `payload_too_large`. */
export function prepareRequest(
  spec: HttpRequestSpec,
  policy: UrlPolicy,
  store: SecretStore,
  own: OwnHeaders,
  payloadBytesMax: number,
): { ok: true; request: PreparedRequest } | { ok: false; failure: Failure; redactor: Redactor } {
  const stop = (failure: Failure, redactor = noRedactor) => ({ ok: false as const, failure, redactor });
  if (SECRET_BEFORE_PATH.test(spec.url)) return stop(refusal("secret_host", "a secret cannot stand in a URL's host"));
  const written = judgeUrl(spec.url, policy);
  if (!written.allowed) return stop(refusal(written.reason, written.message));

  const references = new SecretReferences(store, written.url, spec.secrets);
  const resolvedUrl = resolveUrl(spec.url, references);
  const query = queryPairs(spec, references);
  const secretHeaders = new Set<string>();
  const fields = Object.entries(spec.headers ?? {}).map(([name, template]) => {
    const before = references.count;
    const value = references.text(template);
    if (references.count > before) secretHeaders.add(name.toLowerCase());
    return [name, value] as const;
  });
  const beforePayload = references.count;
  const payload = spec.payload === undefined ? undefined : references.json(spec.payload);
  const payloadHasSecret = references.count > beforePayload;
  if (references.failure !== null) return stop(references.failure);

  const redactor = redactorOf(references.used.map(({ value }) => value));
  const url = assembleUrl(resolvedUrl, query, policy);
  if (!(url instanceof URL)) return stop(url, redactor);
  const method = spec.method ?? "GET";
  if (payload !== undefined && (method === "GET" || method === "HEAD")) {
    return stop(refusal("request", `a ${method} request cannot carry a payload`), redactor);
  }
  const body = payload === undefined ? null : payloadText(payload);
  const bytes = utf8Length(body ?? "");
  if (bytes > payloadBytesMax) {
    const message = `the payload has ${bytes} bytes; at most ${payloadBytesMax} are sent`;
    return stop(failure("payload_too_large", message), redactor);
  }
  const headers = requestHeaders(fields, own, contentTypeOf(payload));
  if (!(headers instanceof Headers)) return stop(headers, redactor);
  const secrets = references.used;
  return { ok: true, request: { url, method, headers, body, secretHeaders, secrets, payloadHasSecret, redactor } };
}

/** A judged URL with the secrets of its path and query in place, without its fragment. */
function resolveUrl(text: string, references: SecretReferences): string {
  const [, origin = "", path = "", query = ""] = /^([^/]*\/\/[^/?#]*)([^?#]*)(\?[^#]*)?/.exec(text.trim()) ?? [];
  // A secret path may have several segments, as a webhook's has; a query value is always one value.
  const encodePath = (value: string) => encodeURI(value.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
  const encodeQuery = (value: string) => encodeURIComponent(value.toWellFormed());
  return origin + references.text(path, encodePath) + references.text(query, encodeQuery);
}

function queryPairs(spec: HttpRequestSpec, references: SecretReferences): [string, string][] {
  return Object.entries(spec.query ?? {}).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((value): [string, string] => [
      name,
      value === null ? "" : references.text(String(value)),
    ]),
  );
}

/** Judged once more, as it will be sent: secrets and query have changed it. */
function assembleUrl(text: string, query: readonly [string, string][], policy: UrlPolicy): URL | Failure {
  const verdict = judgeUrl(text, policy);
  if (!verdict.allowed) return refusal(verdict.reason, verdict.message);
  for (const [name, value] of query) {
    const forbidden = pathObjection(name) ?? pathObjection(value);
    if (forbidden !== null) return refusal("path", `the query holds ${forbidden}`);
    verdict.url.searchParams.append(name, value);
  }
  const assembled = judgeUrl(verdict.url.href, policy);
  return assembled.allowed ? assembled.url : refusal(assembled.reason, assembled.message);
}

function payloadText(payload: Json): string {
  return typeof payload === "string" ? payload : JSON.stringify(payload);
}

function contentTypeOf(payload: Json | undefined): string | null {
  if (payload === undefined) return null;
  return typeof payload === "string" ? "text/plain; charset=utf-8" : "application/json";
}
