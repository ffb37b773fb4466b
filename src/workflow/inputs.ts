/**
 * A workflow's `inputs`: a JSON Schema (2020-12) for what a run is given. Checked when the workflow is saved,
 * applied when a run starts.
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

/** Messages about a schema that cannot be used; empty when it can. */
export function checkInputsSchema(schema: JsonObject): string[] {
  const keyword = findKeyword(schema);
  if (keyword !== null) return [`the keyword "${keyword}" is not supported in an inputs schema`];
  const type = findUnknownType(schema);
  if (type !== null) return [`the type ${JSON.stringify(type)} is none of ${TYPES.join(", ")}`];
  if (schema.type !== undefined && ![schema.type].flat().includes("object")) {
    return ['the inputs of a run are an object: use "type": "object" and describe them under "properties"'];
  }
  try {
    new Validator(schema as Schema, "2020-12").validate({});
    return [];
  } catch {
    // The library's own words would not help: what is left to be wrong are references.
    return ["is not a usable JSON Schema: does a $ref lead nowhere, or round in a circle?"];
  }
}

/** A `type` that JSON Schema does not know; null when all are known. */
function findUnknownType(schema: Json): Json | null {
  if (Array.isArray(schema)) return schema.map(findUnknownType).find((found) => found !== null) ?? null;
  if (!isJsonObject(schema)) return null;
  for (const [key, value] of Object.entries(schema)) {
    if (VALUE_KEYWORDS.has(key)) continue;
    if (key === "type" && [value].flat().some((name) => !TYPES.includes(String(name)))) return value;
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

const validators = new WeakMap<JsonObject, Validator>();

/** What is wrong with a run's inputs by the workflow's schema; pointers begin at `/inputs`. */
export function checkInputs(schema: JsonObject, inputs: Json): Problem[] {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = new Validator(schema as Schema, "2020-12", false);
    validators.set(schema, validator);
  }
  const result = validator.validate(inputs);
  if (result.valid) return [];
  const leaves = result.errors.filter(
    (error) => error.keyword !== "properties" && error.keyword !== "items" && error.keyword !== "$ref",
  );
  return (leaves.length > 0 ? leaves : result.errors).map((error) => ({
    pointer: `/inputs${error.instanceLocation.replace(/^#/, "")}`,
    message: error.error,
  }));
}
