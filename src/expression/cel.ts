/**
 * CEL as Weir speaks it: compiles conditions, filters and transforms once and evaluates them many times, bounded in
 * size, work and memory. What a missing field means (a condition is then false) is the caller's to decide.
 */
import { type CelError, type CelInput, isCelError, parse, plan } from "@bufbuild/cel";
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { WeightedCache } from "#kernel/weighted-cache.ts";
import { analyseCel, CEL_VARIABLES, CelProblem, type CelReferences } from "./cel-analysis.ts";
import { celText, weirEnv } from "./cel-functions.ts";
import { prepareCelSource } from "./cel-source.ts";
import { celValue, jsonOf } from "./cel-values.ts";
import { EXPRESSION_CACHE_BYTES_MAX, EXPRESSION_MESSAGE_MAX, PROGRAM_BYTES, PROGRAM_BYTES_PER_UNIT } from "./limits.ts";
import { withBudget } from "./work.ts";

export { CEL_VARIABLES, type CelReferences };

/**
 * Values for the variables. A variable is read once, and only if the expression names it: a getter may load it.
 * Documents are neither copied nor changed.
 */
export interface CelVariables {
  output?: Json;
  inputs?: Json;
  /** Outputs by node id; also read as `ctx`. */
  nodes?: Json;
  run?: Json;
  iteration?: number;
  item?: Json;
  index?: number;
  /** Others exist where `CelOptions.variables` says so. */
  [name: string]: Json | undefined;
}

export interface CelOptions {
  /** The variables that exist where the expression stands; those of a run unless told. */
  variables?: readonly string[];
}

export interface CelProgram {
  readonly source: string;
  readonly references: CelReferences;
  /**
   * Evaluates the expression; never throws. Errors: `expression_failed` (`details.missing` is true when a field, key
   * or index does not exist), `expression_limit`, `number_range`, `output_too_large`. A result may be part of the
   * variables' documents: it must not be changed.
   */
  evaluate(variables: CelVariables): Result<Json, NodeError>;
}

/** Compiles an expression; the error is a message for its author (422). Never throws. */
export function compileCel(source: string, options: CelOptions = {}): Result<CelProgram, string> {
  const prepared = prepareCelSource(source);
  if (!prepared.ok) return prepared;
  try {
    const { expr } = parse(prepared.value.text);
    const references = analyseCel(expr, options.variables ?? CEL_VARIABLES);
    const run = plan(weirEnv, expr);
    return ok({ source, references, evaluate: (variables) => evaluate(run, references, variables) });
  } catch (error) {
    if (error instanceof CelProblem) return fail(error.message);
    return fail(syntaxMessage(error, prepared.value.originalOffset));
  }
}

const programs = new WeightedCache<CelProgram>(EXPRESSION_CACHE_BYTES_MAX);

/**
 * `compileCel` through a memory of this isolate, so that an expression that is checked, compiled and patched around
 * is parsed once. Programs hold nothing of a run and are shared by all.
 */
export function celProgram(source: string): Result<CelProgram, string> {
  const known = programs.get(source);
  if (known !== undefined) return ok(known);
  const compiled = compileCel(source);
  if (compiled.ok) programs.set(source, compiled.value, PROGRAM_BYTES + source.length * PROGRAM_BYTES_PER_UNIT);
  return compiled;
}

type Run = (variables: Record<string, CelInput>) => ReturnType<ReturnType<typeof plan>>;

function evaluate(run: Run, references: CelReferences, variables: CelVariables): Result<Json, NodeError> {
  return withBudget(() => {
    const values: Record<string, CelInput> = Object.create(null);
    for (const name of references.variables) {
      if (name === "ctx") continue;
      const value = variables[name];
      if (value === undefined) return fail(nodeError("expression_failed", `"${name}" has no value here`));
      const counts = (name === "iteration" || name === "index") && Number.isSafeInteger(value);
      values[name] = counts ? BigInt(Number(value)) : celValue(value);
    }
    const result = run(values);
    return isCelError(result) ? fail(evaluationError(result)) : jsonOf(result, celText);
  });
}

const MISSING_FIELD = /^field not found: /;
const MISSING_INDEX = /^index (\S+) out of bounds/;
/** What the library says of an index of its own lists that is not whole; documents' lists say that it is out of range. */
const FRACTIONAL_INDEX = "unsupported input undefined";

/** The library tells its errors apart by message only; the version is pinned and the tests hold the messages. */
function evaluationError(error: CelError): NodeError {
  const message = error.message.slice(0, EXPRESSION_MESSAGE_MAX);
  const index = MISSING_INDEX.exec(message)?.[1];
  if (index !== undefined) return missing(`index ${index} is out of range`);
  if (message === FRACTIONAL_INDEX) return missing("the index is not a whole number");
  return MISSING_FIELD.test(message) ? missing(message) : nodeError("expression_failed", message);
}

function missing(message: string): NodeError {
  return nodeError("expression_failed", message, { details: { missing: true } });
}

function syntaxMessage(error: unknown, originalOffset: (offset: number) => number): string {
  if (error instanceof RangeError) return "the expression nests too deeply";
  if (!(error instanceof Error)) return "the expression cannot be read";
  const { location, found } = error as { location?: { start?: { offset?: number } }; found?: unknown };
  const offset = location?.start?.offset;
  if (offset === undefined) return `the expression cannot be read: ${error.message.slice(0, EXPRESSION_MESSAGE_MAX)}`;
  const near = typeof found === "string" ? `"${found}"` : "end of the expression";
  return `syntax error at character ${originalOffset(offset) + 1}, near ${near}`;
}
