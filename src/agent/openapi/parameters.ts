/** Parameters of an operation: which there are, which of them a call gives, and how each is written into the request. */
import type { QueryValue } from "#http/prepare.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import { type OpenApiDocument, type Operation, refuse } from "./document.ts";
import { checkValue } from "./schema.ts";

const PLACES = ["path", "query", "header", "cookie"] as const;
type Place = (typeof PLACES)[number];

export interface Parameter {
  name: string;
  place: Place;
  required: boolean;
  style: string;
  explode: boolean;
  /** Null when the document says nothing of it. */
  schema: Json;
  /** Written as JSON, whatever the style. */
  isJson: boolean;
}

export interface GivenParameter extends Parameter {
  value: Json;
}

/** Header fields that OpenAPI leaves to other parts of the document (3.1, "Parameter Object"). */
const IGNORED_HEADERS: ReadonlySet<string> = new Set(["accept", "content-type", "authorization"]);

/** Those of the operation over those of its path, by place and name. */
export function parametersOf(document: OpenApiDocument, { item, operation }: Operation): Parameter[] {
  const byKey = new Map<string, Parameter>();
  for (const holder of [item, operation]) {
    const list = ownValue(holder, "parameters");
    for (const entry of Array.isArray(list) ? list : []) {
      document.work.charge(10);
      const parameter = parameterOf(document, document.resolve(entry, "a parameter"));
      if (parameter !== null) byKey.set(`${parameter.place}.${parameter.name}`, parameter);
    }
  }
  return [...byKey.values()];
}

function parameterOf(document: OpenApiDocument, object: JsonObject): Parameter | null {
  const name = ownValue(object, "name");
  const place = PLACES.find((known) => known === ownValue(object, "in"));
  if (typeof name !== "string" || place === undefined) return null;
  if (place === "header" && IGNORED_HEADERS.has(name.toLowerCase())) return null;
  const content = ownValue(object, "content");
  const media = isJsonObject(content) ? Object.values(content)[0] : undefined;
  const style = ownValue(object, "style");
  const usedStyle = typeof style === "string" ? style : place === "query" || place === "cookie" ? "form" : "simple";
  const explode = ownValue(object, "explode");
  return {
    name,
    place,
    required: place === "path" || ownValue(object, "required") === true,
    style: usedStyle,
    explode: typeof explode === "boolean" ? explode : usedStyle === "form",
    schema: ownValue(media === undefined ? object : document.resolve(media, `parameter ${name}`), "schema") ?? null,
    isJson: media !== undefined,
  };
}

/**
 * The parameters that a call gives, by name or by place and name (`query.id`); problems are added to `problems`, all at
 * once. `BODY` is the name of the request's body.
 */
export function givenParameters(
  document: OpenApiDocument,
  parameters: readonly Parameter[],
  params: JsonObject,
  hasBody: boolean,
  problems: string[],
): GivenParameter[] {
  const used = new Set<string>(hasBody ? [BODY] : []);
  const places = new Map<string, number>(hasBody ? [[BODY, 1]] : []);
  for (const { name } of parameters) places.set(name, (places.get(name) ?? 0) + 1);
  const given = parameters.flatMap((parameter): GivenParameter[] => {
    const { name, place, required, schema } = parameter;
    const isAlone = places.get(name) === 1;
    const key = Object.hasOwn(params, `${place}.${name}`) ? `${place}.${name}` : isAlone ? name : null;
    const value = key === null ? undefined : ownValue(params, key);
    if (key === null || value === undefined) {
      if (required) problems.push(`${isAlone ? name : `${place}.${name}`} (${place}) is required`);
      return [];
    }
    used.add(key);
    if (schema !== null) problems.push(...checkValue(document, schema, value, key));
    return [{ ...parameter, value }];
  });
  const unknown = Object.keys(params).filter((key) => !used.has(key));
  if (unknown.length > 0) {
    const known = [...places.keys()].join(", ").slice(0, 500) || "none";
    const names = unknown.map((key) => `"${key.slice(0, 60)}"`).join(", ");
    problems.push(`there is no parameter ${names.slice(0, 500)}; there are ${known}`);
  }
  return given;
}

export const BODY = "body";

/** As one text: styles `simple` and `form` without explosion. */
export function simpleText({ value, explode, isJson, name, style }: GivenParameter): string {
  if (isJson) return JSON.stringify(value);
  if (style !== "simple" && style !== "form")
    refuse(`parameter ${name} has the style ${style}, which is not supported`);
  if (Array.isArray(value)) return value.map(scalarText).join(",");
  if (!isJsonObject(value)) return scalarText(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key}${explode ? "=" : ","}${scalarText(inner)}`)
    .join(",");
}

/** As names and values of a query: styles `form`, `spaceDelimited`, `pipeDelimited` and `deepObject`. */
export function queryPairs(parameter: GivenParameter): [string, QueryValue | QueryValue[]][] {
  const { name, value, style, explode, isJson } = parameter;
  if (isJson) return [[name, JSON.stringify(value)]];
  if (style === "deepObject" && isJsonObject(value)) {
    return Object.entries(value).map(([key, inner]) => [
      `${name}[${key}]`,
      Array.isArray(inner) ? inner.map(scalarText) : scalarText(inner),
    ]);
  }
  if (Array.isArray(value)) {
    if (style === "form" && explode) return [[name, value.map(scalarText)]];
    const separator = { spaceDelimited: " ", pipeDelimited: "|", form: "," }[style];
    return [
      [name, value.map(scalarText).join(separator ?? refuse(`parameter ${name}: style ${style} is not supported`))],
    ];
  }
  if (isJsonObject(value) && explode) {
    return Object.entries(value).map(([key, inner]) => [key, scalarText(inner)]);
  }
  return [[name, simpleText(parameter)]];
}

function scalarText(value: Json): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
