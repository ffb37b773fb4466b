/**
 * A workflow's `inputs`: a JSON Schema for what a run is given. Checked when the workflow is saved, applied when a run
 * starts.
 */
import type { Problem } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { schemaProblem, valueProblems } from "./json-schema.ts";

/** Messages about a schema that cannot be used; empty when it can. */
export function checkInputsSchema(schema: JsonObject): string[] {
  const problem = schemaProblem(schema);
  if (problem !== null) return [problem];
  if (schema.type !== undefined && ![schema.type].flat().includes("object")) {
    return ['the inputs of a run are an object: use "type": "object" and describe them under "properties"'];
  }
  return [];
}

/** What is wrong with a run's inputs by the workflow's schema; pointers begin at `/inputs`. */
export function checkInputs(schema: JsonObject, inputs: Json): Problem[] {
  return valueProblems(schema, inputs, "/inputs");
}
