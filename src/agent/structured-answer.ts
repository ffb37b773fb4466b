/** Answers by an `output_schema`: read as JSON, checked here whatever the provider promised, and sent back once. */
import { fail, ok, type Result } from "#kernel/errors.ts";
import { type Json, type JsonObject, jsonProblem } from "#kernel/json.ts";
import { valueProblems } from "#workflow/json-schema.ts";
import { ANSWER_PROBLEMS_MAX } from "./limits.ts";

/** The value of an answer, or what is wrong with it. */
export function readStructured(text: string, schema: JsonObject): Result<Json, string[]> {
  let value: Json;
  try {
    value = JSON.parse(withoutFence(text));
  } catch {
    return fail(["it is not JSON"]);
  }
  const unfit = jsonProblem(value);
  if (unfit !== null) return fail([unfit]);
  const problems = valueProblems(schema, value);
  if (problems.length === 0) return ok(value);
  return fail(problems.slice(0, ANSWER_PROBLEMS_MAX).map(({ pointer, message }) => `at "${pointer}": ${message}`));
}

/** What the model is told when its answer does not fit. */
export function repairRequest(problems: readonly string[], schema: JsonObject): string {
  return [
    "Your answer does not fit the asked-for format:",
    ...problems.map((problem) => `- ${problem}`),
    "Answer again with nothing but JSON that fits this JSON Schema:",
    JSON.stringify(schema),
  ].join("\n");
}

/** Models like to put JSON into a code block. */
function withoutFence(text: string): string {
  const [, inner] = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/i.exec(text) ?? [];
  return inner ?? text;
}
