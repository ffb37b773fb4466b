/** Request bodies: size before parse, strict UTF-8, JSON that can be kept unchanged, or text where a route takes it. */

import type { MiddlewareHandler } from "hono";
import { ApiError } from "#kernel/errors.ts";
import { jsonProblem } from "#kernel/json.ts";
import { APPROVE_PATH } from "./approve-path.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import type { AppEnv } from "./services.ts";

/** Routes whose body is text, in whatever type clients send that: curl calls it a form. */
const TEXT_PATHS: ReadonlySet<string> = new Set(["/api/v1/analytics/sql"]);
const TEXT_TYPE = /^(text\/plain|application\/(sql|x-www-form-urlencoded|octet-stream))\s*(;|$)/i;

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i;

/** Reads and parses the body once; routes then get it from `c.req.json()`, undefined when there is none. */
export const readJsonBody: MiddlewareHandler<AppEnv> = async (context, next) => {
  const { req } = context;
  if (req.method !== "POST" && req.method !== "PUT" && req.method !== "PATCH") {
    await next();
    return;
  }
  const text = req.raw.body === null ? "" : await readText(req.raw);
  const type = req.header("Content-Type");
  if (TEXT_PATHS.has(req.path)) {
    if (type !== undefined && !TEXT_TYPE.test(type)) {
      throw new ApiError("unsupported_media_type", `send text with "Content-Type: text/plain", not "${type}"`);
    }
    req.text = () => Promise.resolve(text);
    await next();
    return;
  }
  // A page without scripts can send nothing else.
  const isForm = req.path.startsWith(APPROVE_PATH) && type !== undefined && FORM_TYPE.test(type);
  if (text !== "" && type !== undefined && !isForm && !JSON_TYPE.test(type)) {
    throw new ApiError("unsupported_media_type", `send JSON with "Content-Type: application/json", not "${type}"`);
  }
  const value = text === "" ? undefined : isForm ? fieldsOf(text) : parse(text);
  req.json = <T>() => Promise.resolve(value as T);
  // The validators skip what does not call itself JSON; here it is known to be, or to be absent.
  const header = req.header.bind(req);
  const withType = (name?: string) => {
    if (name === undefined) return { ...header(), "content-type": "application/json" };
    return name.toLowerCase() === "content-type" ? "application/json" : header(name);
  };
  req.header = withType as typeof req.header;
  await next();
};

async function readText(request: Request): Promise<string> {
  const tooLarge = new ApiError("payload_too_large", `a body may have at most ${BODY_BYTES_MAX} bytes`);
  if (Number(request.headers.get("Content-Length") ?? 0) > BODY_BYTES_MAX) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > BODY_BYTES_MAX) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    if (error === tooLarge) throw error;
    throw new ApiError("bad_request", "the body broke off or is not framed as HTTP says");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(await new Blob(chunks).arrayBuffer());
  } catch {
    throw new ApiError("bad_request", "the body is not valid UTF-8");
  }
}

/** The fields of a form, each a text; browsers end lines as mail does. */
function fieldsOf(text: string): Record<string, string> {
  const fields = [...new URLSearchParams(text)].map(([name, value]) => [name, value.replaceAll("\r\n", "\n")]);
  return Object.fromEntries(fields) as Record<string, string>;
}

function parse(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? `: ${error.message}` : "";
    throw new ApiError("bad_request", `the body is not valid JSON${reason}`);
  }
  const problem = jsonProblem(value);
  if (problem !== null) throw new ApiError("bad_request", `the body cannot be used: ${problem}`);
  return value;
}
