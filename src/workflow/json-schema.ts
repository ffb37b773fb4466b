/**
 * JSON Schemas (2020-12) that authors write: which of them can be used, and what is wrong with a value by one. Both are
 * safe with strangers' schemas: no pattern reaches the platform's backtracking engine.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import type { Problem } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";

/** Keywords that compile a pattern with the platform's backtracking engine, which a crafted text can hang. */
const UNBOUNDED_KEYWORDS = ["pattern", "patternProperties"];

/** Keywords whose keys are names chosen by the author, and those whose value is data: no keywords stand there. */
const NAMED_KEYWORDS: ReadonlySet<string> = new Set(["properties", "$defs"]);
const VALUE_KEYWORDS: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"]);

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Why the schema cannot be used; null when it can. */
export function schemaProblem(schema: JsonObject): string | null {
  const keyword = findKeyword(schema);
  if (keyword !== null) return `the keyword "${keyword}" is not supported: its patterns could hang`;
  const type = findUnknownType(schema);
  if (type !== null) return `the type ${JSON.stringify(type)} is none of ${TYPES.join(", ")}`;
  try {
    new Validator(schema as Schema, "2020-12").validate({});
    return null;
  } catch {
    // The library's own words would not help: what is left to be wrong are references.
    return "is not a usable JSON Schema: does a $ref lead nowhere, or round in a circle?";
  }
}

const validators = new WeakMap<JsonObject, Validator>();

/** What is wrong with a value by the schema; pointers begin at `base`. Empty: nothing. */
export function valueProblems(schema: JsonObject, value: Json, base = ""): Problem[] {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = new Validator(schema as Schema, "2020-12", false);
    validators.set(schema, validator);
  }
  const result = validator.validate(value);
  if (result.valid) return [];
  const leaves = result.errors.filter(
    (error) => error.keyword !== "properties" && error.keyword !== "items" && error.keyword !== "$ref",
  );
  return (leaves.length > 0 ? leaves : result.errors).map((error) => ({
    pointer: `${base}${error.instanceLocation.replace(/^#/, "")}`,
    message: error.error,
  }));
}

/** A `type` that JSON Schema does not know; null when all are known. */
function findUnknownType(schema: Json): Json | null {
  if (Array.isArray(schema)) return schema.map(findUnknownType).find((found) => found !== null) ?? null;
  if (!isJsonObject(schema)) return null;
  for (const [key, value] of Object.entries(schema)) {
    if (VALUE_KEYWORDS.has(key)) continue;
    // An object may not be made a text: its `toString` is the author's.
    const isKnown = (name: Json) => typeof name === "string" && TYPES.includes(name);
    if (key === "type" && ![value].flat().every(isKnown)) return value;
    const isNamed = NAMED_KEYWORDS.has(key) && isJsonObject(value);
    const inner = findUnknownType(isNamed ? Object.values(value) : value);
    if (inner !== null) return inner;
  }
  return null;
}

function findKeyword(schema: Json): string | null {
  if (Array.isArray(schema)) return schema.map(findKeyword).find((found) => found !== null) ?? null;
  if (!isJsonObject(schema)) return null;
  for (const [key, value] of Object.entries(schema)) {
    if (NAMED_KEYWORDS.has(key)) {
      const inner = isJsonObject(value) ? findKeyword(Object.values(value)) : null;
      if (inner !== null) return inner;
      continue;
    }
    if (UNBOUNDED_KEYWORDS.includes(key)) return key;
    if (VALUE_KEYWORDS.has(key)) continue;
    const inner = findKeyword(value);
    if (inner !== null) return inner;
  }
  return null;
}
