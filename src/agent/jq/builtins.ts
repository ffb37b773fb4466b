/** Finds a function by name and number of arguments: natives that take filters, natives that take values, the prelude. */
import type { Json } from "#kernel/json.ts";
import { callDefined } from "./call.ts";
import type { Emit, Evaluation, Filter } from "./evaluate.ts";
import { filterFunctions } from "./filter-functions.ts";
import { numberFunctions } from "./number-functions.ts";
import { parseDefinitions } from "./parser.ts";
import type { Path } from "./paths.ts";
import { patternFunctions } from "./pattern-functions.ts";
import { PRELUDE } from "./prelude.ts";
import { SimpleParts } from "./simple.ts";
import { type Definition, functionKey } from "./syntax.ts";
import { textFunctions } from "./text-functions.ts";
import { type ValueFunction, valueFunctions } from "./value-functions.ts";
import { JqError } from "./values.ts";

const natives: ReadonlyMap<string, ValueFunction> = new Map([
  ...Object.entries(valueFunctions),
  ...Object.entries(textFunctions),
  ...Object.entries(numberFunctions),
  ...Object.entries(patternFunctions),
]);

export const simpleParts = new SimpleParts(natives);

const filters = new Map(Object.entries(filterFunctions));

let prelude: ReadonlyMap<string, Definition> | undefined;

/** Parsed when a program first calls a function. */
function definitions(): ReadonlyMap<string, Definition> {
  prelude ??= new Map(parseDefinitions(PRELUDE).map((one) => [functionKey(one.name, one.parameters.length), one]));
  return prelude;
}

export function isBuiltin(key: string): boolean {
  return natives.has(key) || filters.has(key) || definitions().has(key);
}

/** Names with their numbers of arguments, sorted. */
export function builtinKeys(): string[] {
  return [...natives.keys(), ...filters.keys(), ...definitions().keys()].filter((key) => !key.startsWith("_")).sort();
}

export function callBuiltin(
  evaluation: Evaluation,
  key: string,
  args: readonly Filter[],
  value: Json,
  path: Path | null,
  emit: Emit,
): void {
  const filter = filters.get(key);
  if (filter !== undefined) {
    filter(evaluation, args, value, path, emit);
    return;
  }
  const native = natives.get(key);
  if (native !== undefined) {
    eachCombination(evaluation, args, args.length - 1, [], value, (values) =>
      emit(native(value, values, evaluation), null),
    );
    return;
  }
  const defined = definitions().get(key);
  if (defined === undefined) throw new JqError(`${key} is not defined`);
  callDefined(evaluation, defined, null, args, value, path, emit);
}

/** Every combination of the arguments' values; the last argument varies slowest. */
function eachCombination(
  evaluation: Evaluation,
  args: readonly Filter[],
  index: number,
  values: readonly Json[],
  value: Json,
  next: (values: readonly Json[]) => void,
): void {
  const argument = args[index];
  if (argument === undefined) {
    next(values);
    return;
  }
  evaluation.run(argument, value, null, (one) =>
    eachCombination(evaluation, args, index - 1, [one, ...values], value, next),
  );
}
