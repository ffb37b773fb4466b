/** Assignments: `=`, `|=` and those with an operator. They change nothing: each gives a changed copy of its input. */
import type { Json } from "#kernel/json.ts";
import { operate } from "./arithmetic.ts";
import type { Scope } from "./environment.ts";
import type { Evaluation, Filter } from "./evaluate.ts";
import { deletePaths, getPath, type Path, setPath } from "./paths.ts";
import type { BinaryOperator, Syntax } from "./syntax.ts";
import { isTruthy, JqError, jsonText } from "./values.ts";

export function assign(
  evaluation: Evaluation,
  syntax: Extract<Syntax, { kind: "assign" }>,
  scope: Scope,
  value: Json,
  emit: (value: Json) => void,
): void {
  const target: Filter = { syntax: syntax.left, scope };
  const source: Filter = { syntax: syntax.right, scope };
  if (syntax.operator === "|=") {
    emit(update(evaluation, target, source, value));
    return;
  }
  const { work } = evaluation;
  evaluation.run(source, value, null, (operand) => {
    let changed = value;
    for (const path of pathsOf(evaluation, target, value)) {
      const old = syntax.operator === "=" ? null : getPath(changed, path, work);
      changed = setPath(changed, path, combined(syntax.operator, old, operand, evaluation), work);
    }
    emit(changed);
  });
}

function combined(operator: string, old: Json, operand: Json, evaluation: Evaluation): Json {
  if (operator === "=") return operand;
  if (operator === "//=") return isTruthy(old) ? old : operand;
  return operate(operator.slice(0, -1) as BinaryOperator, old, operand, evaluation.work);
}

/** Each value becomes the first that `source` makes of it; where there is none, it goes. */
function update(evaluation: Evaluation, target: Filter, source: Filter, value: Json): Json {
  const { work } = evaluation;
  let changed = value;
  const gone: Json[] = [];
  for (const path of pathsOf(evaluation, target, value)) {
    const made = evaluation.first(source, getPath(changed, path, work), null);
    if (made === undefined) gone.push([...path]);
    else changed = setPath(changed, path, made.value, work);
  }
  return gone.length === 0 ? changed : deletePaths(changed, gone, work);
}

/** Every place that a filter points to; a value that stands nowhere is an error of the program. */
export function pathsOf(evaluation: Evaluation, filter: Filter, value: Json): Path[] {
  const paths: Path[] = [];
  evaluation.run(filter, value, [], (one, path) => {
    if (path === null) throw new JqError(`Invalid path expression with result ${jsonText(one).slice(0, 30)}`);
    evaluation.work.charge(path.length + 1);
    paths.push(path);
  });
  return paths;
}
