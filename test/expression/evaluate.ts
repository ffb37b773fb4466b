/** Shorthands for the tests of expressions: compile and evaluate, or fail the test. */
import { type CelProgram, type CelVariables, compileCel } from "#expression/cel.ts";
import { compileJmespath } from "#expression/jmespath.ts";
import type { NodeError, Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";

export function program(source: string): CelProgram {
  const compiled = compileCel(source);
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error}`);
  return compiled.value;
}

export function cel(source: string, variables: CelVariables = {}): Result<Json, NodeError> {
  return program(source).evaluate(variables);
}

export function jmespath(source: string, data: Json): Result<Json, NodeError> {
  const compiled = compileJmespath(source);
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error}`);
  return compiled.value.evaluate(data);
}

export function errorOf<E>(result: Result<unknown, E>): E | undefined {
  return result.ok ? undefined : result.error;
}

/** The value, or what kind of error there is instead. */
export function outcomeOf(source: string, variables: CelVariables) {
  const result = cel(source, variables);
  if (result.ok) return { value: result.value };
  return { error: result.error.details?.missing === true ? "missing" : result.error.code };
}
