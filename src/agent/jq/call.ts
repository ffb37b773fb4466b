/** Calls of functions that are defined in jq, by a program or by the prelude. */
import type { Json } from "#kernel/json.ts";
import type { Scope } from "./environment.ts";
import type { Emit, Evaluation, Filter } from "./evaluate.ts";
import type { Path } from "./paths.ts";
import { type Definition, functionKey } from "./syntax.ts";

/** Binds the arguments: filters as they are, each value of a `$parameter` in turn. */
export function callDefined(
  evaluation: Evaluation,
  definition: Definition,
  inner: Scope,
  args: readonly Filter[],
  value: Json,
  path: Path | null,
  emit: Emit,
  from = 0,
): void {
  const parameter = definition.parameters[from];
  const argument = args[from];
  if (parameter === undefined || argument === undefined) {
    evaluation.run({ syntax: definition.body, scope: inner }, value, path, emit);
    return;
  }
  if (!parameter.startsWith("$")) {
    const scope = closure(functionKey(parameter, 0), argument, inner);
    callDefined(evaluation, definition, scope, args, value, path, emit, from + 1);
    return;
  }
  // A `$parameter` is a filter as well, which gives every value of the argument again.
  const name = parameter.slice(1);
  const scope = closure(functionKey(name, 0), argument, inner);
  evaluation.run(argument, value, null, (one) => {
    const bound: Scope = { kind: "variable", name, value: one, outer: scope };
    callDefined(evaluation, definition, bound, args, value, path, emit, from + 1);
  });
}

function closure(key: string, { syntax, scope }: Filter, outer: Scope): Scope {
  return { kind: "closure", key, body: syntax, scope, outer };
}
