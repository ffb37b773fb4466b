/** From an operation and a call's parameters to a request; every problem of the parameters is reported at once. */
import type { QueryValue } from "#http/prepare.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import type { ToolRequest } from "../tool.ts";
import { type OpenApiDocument, type Operation, refuse } from "./document.ts";
import { PARAMETER_PROBLEMS_MAX } from "./limits.ts";
import { BODY, givenParameters, parametersOf, queryPairs, simpleText } from "./parameters.ts";
import { checkValue } from "./schema.ts";
import { credentialsOf } from "./security.ts";
import { serverUrl } from "./server.ts";

/** Throws `OpenApiRefused`. The URL is judged where the request is made. */
export function requestOf(
  document: OpenApiDocument,
  operation: Operation,
  documentUrl: string,
  params: JsonObject,
  profile: string | undefined,
): ToolRequest {
  const problems: string[] = [];
  const body = bodyOf(document, operation, params, problems);
  const parameters = parametersOf(document, operation);
  const given = givenParameters(document, parameters, params, body !== null, problems);
  if (problems.length > 0) refuse(`the params do not fit: ${problems.slice(0, PARAMETER_PROBLEMS_MAX).join("; ")}`);

  const credentials = credentialsOf(document, operation, profile);
  const path = operation.path.replace(/\{([^{}]{1,200})\}/g, (_, name: string) => {
    const parameter = given.find((one) => one.place === "path" && one.name === name);
    return parameter === undefined
      ? refuse(`the document names no path parameter for {${name.slice(0, 60)}}`)
      : pathSegment(simpleText(parameter), name);
  });
  const query: [string, QueryValue | QueryValue[]][] = given
    .filter(({ place }) => place === "query")
    .flatMap((parameter) => queryPairs(parameter));
  const headers = given
    .filter(({ place }) => place === "header")
    .map((parameter): [string, string] => [parameter.name, simpleText(parameter)]);
  const cookies = given
    .filter(({ place }) => place === "cookie")
    .map((parameter) => `${parameter.name}=${encodeURIComponent(simpleText(parameter))}`);
  if (cookies.length > 0) headers.push(["cookie", cookies.join("; ")]);
  if (body?.contentType !== undefined) headers.push(["content-type", body.contentType]);
  return {
    method: operation.method,
    url: serverUrl(document, operation, documentUrl) + path,
    headers: Object.fromEntries([...headers, ...credentials.headers]),
    query: Object.fromEntries([...query, ...credentials.query]),
    ...(body?.payload === undefined ? {} : { payload: body.payload }),
    secrets: profile === undefined ? [] : [profile],
  };
}

/** A value never becomes a way up the path, nor vanishes from it. */
function pathSegment(text: string, name: string): string {
  if (text === "" || text === "." || text === "..") refuse(`path parameter ${name} cannot be "${text}"`);
  return encodeURIComponent(text.toWellFormed());
}

interface Body {
  /** Undefined when the call gives none. */
  payload?: Json;
  contentType?: string;
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded\b/i;
const TEXT_TYPE = /^text\/plain\b/i;

/** Null when the operation takes no body. */
function bodyOf(
  document: OpenApiDocument,
  { operation }: Operation,
  params: JsonObject,
  problems: string[],
): Body | null {
  const described = ownValue(operation, "requestBody");
  if (described === undefined) return null;
  const requestBody = document.resolve(described, "the request body");
  const value = ownValue(params, BODY);
  if (value === undefined) {
    if (ownValue(requestBody, "required") === true) problems.push(`${BODY} is required`);
    return {};
  }
  const content = ownValue(requestBody, "content");
  const media = isJsonObject(content) ? Object.entries(content) : [];
  const chosen =
    media.find(([type]) => JSON_TYPE.test(type)) ??
    media.find(([type]) => FORM_TYPE.test(type)) ??
    media.find(([type]) => TEXT_TYPE.test(type));
  if (chosen === undefined) {
    const types = media.map(([type]) => type).join(", ");
    return refuse(`the body can only be sent as ${types.slice(0, 200) || "nothing"}, which is not supported`);
  }
  const [contentType, object] = chosen;
  const schema = ownValue(document.resolve(object, "the request body"), "schema");
  if (schema !== undefined) problems.push(...checkValue(document, schema, value, BODY));
  if (JSON_TYPE.test(contentType))
    return { payload: typeof value === "string" ? JSON.stringify(value) : value, contentType };
  if (TEXT_TYPE.test(contentType))
    return { payload: typeof value === "string" ? value : JSON.stringify(value), contentType };
  if (!isJsonObject(value)) {
    problems.push(`${BODY} is sent as a form and must be an object`);
    return {};
  }
  return { payload: formText(value), contentType };
}

function formText(fields: JsonObject): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      form.append(name, typeof one === "object" && one !== null ? JSON.stringify(one) : String(one ?? ""));
    }
  }
  return form.toString();
}
