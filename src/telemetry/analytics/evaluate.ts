/** Evaluates checked expressions on blocks of rows: column by column, once for each value where values repeat. */

import { isNumeric, type Value } from "./sql-types.ts";
import type { Typed } from "./typed.ts";
import { mayFail } from "./typed.ts";
import { at, type Block, constant, numbersOf, selectRows, type Vector } from "./vector.ts";
import type { WorkBudget } from "./work-budget.ts";

type Numeric = (...values: number[]) => number;

export function evaluate(typed: Typed, block: Block, budget: WorkBudget): Vector {
  switch (typed.node) {
    case "constant":
      return constant(typed.value);
    case "column":
      return block.column(typed.index);
    case "choose":
      return choose(typed, block, budget);
    case "call": {
      const args = typed.args.map((arg) => evaluate(arg, block, budget));
      return applyTo(typed, args, block.rows, budget);
    }
    case "aggregate":
      throw new Error("an aggregate is a column by the time it is evaluated");
  }
}

function applyTo(typed: Extract<Typed, { node: "call" }>, args: Vector[], rows: number, budget: WorkBudget): Vector {
  const apply = typed.apply as (...values: Value[]) => Value;
  const varying = args.filter((arg) => arg.form !== "constant");
  if (varying.length === 0) return rows === 0 ? constant("") : constant(apply(...args.map((arg) => at(arg, 0))));
  const [only] = varying;
  if (varying.length === 1 && only?.form === "dictionary") {
    budget.spend(only.entries.length);
    const entries = only.entries.map((entry) => apply(...args.map((arg) => (arg === only ? entry : at(arg, 0)))));
    return { form: "dictionary", entries, codes: only.codes };
  }
  budget.spend(rows);
  if (isNumeric(typed.type) && typed.args.every((arg) => isNumeric(arg.type))) {
    return { form: "numbers", values: applyToNumbers(apply as Numeric, args, rows) };
  }
  const values = new Array<Value>(rows);
  for (let row = 0; row < rows; row++) values[row] = apply(...args.map((arg) => at(arg, row)));
  return isNumeric(typed.type)
    ? { form: "numbers", values: Float64Array.from(values as number[]) }
    : { form: "values", values };
}

function applyToNumbers(apply: Numeric, args: Vector[], rows: number): Float64Array {
  const [first, second, third] = args.map((arg) => numbersOf(arg, rows));
  const values = new Float64Array(rows);
  if (first === undefined) return values.fill(apply());
  if (second === undefined) for (let row = 0; row < rows; row++) values[row] = apply(first[row] as number);
  else if (third === undefined) {
    for (let row = 0; row < rows; row++) values[row] = apply(first[row] as number, second[row] as number);
  } else {
    for (let row = 0; row < rows; row++) {
      values[row] = apply(first[row] as number, second[row] as number, third[row] as number);
    }
  }
  return values;
}

/** Branches that may fail are evaluated only for the rows that take them. */
function choose(typed: Extract<Typed, { node: "choose" }>, block: Block, budget: WorkBudget): Vector {
  const { rows } = block;
  const condition = evaluate(typed.condition, block, budget);
  if (condition.form === "constant") {
    return evaluate(isTrue(condition.value) ? typed.yes : typed.no, block, budget);
  }
  budget.spend(rows);
  const isNumbers = isNumeric(typed.type);
  if (!mayFail(typed.yes) && !mayFail(typed.no)) {
    const yes = evaluate(typed.yes, block, budget);
    const no = evaluate(typed.no, block, budget);
    if (condition.form === "dictionary" && yes.form === "constant" && no.form === "constant") {
      const entries = condition.entries.map((entry) => (isTrue(entry) ? yes.value : no.value));
      return { form: "dictionary", entries, codes: condition.codes };
    }
    if (!isNumbers) {
      const values = Array.from({ length: rows }, (_, row) => at(isTrue(at(condition, row)) ? yes : no, row));
      return { form: "values", values };
    }
    const holds = numbersOf(condition, rows);
    const ifYes = numbersOf(yes, rows);
    const ifNo = numbersOf(no, rows);
    const values = new Float64Array(rows);
    for (let row = 0; row < rows; row++) values[row] = (holds[row] === 0 ? ifNo[row] : ifYes[row]) as number;
    return { form: "numbers", values };
  }
  const values = new Array<Value>(rows);
  for (const [branch, wanted] of [
    [typed.yes, true],
    [typed.no, false],
  ] as const) {
    const selection = Uint32Array.from({ length: rows }, (_, row) => row).filter(
      (row) => isTrue(at(condition, row)) === wanted,
    );
    if (selection.length === 0) continue;
    const part = evaluate(branch, selectRows(block, selection), budget);
    for (const [index, row] of selection.entries()) values[row] = at(part, index);
  }
  return isNumbers ? { form: "numbers", values: Float64Array.from(values as number[]) } : { form: "values", values };
}

export function isTrue(value: Value): boolean {
  return value !== 0;
}

/** The rows for which a condition holds; null when it holds for all. */
export function rowsWhere(condition: Typed, block: Block, budget: WorkBudget): Uint32Array | null {
  const { rows } = block;
  const vector = evaluate(condition, block, budget);
  if (vector.form === "constant") return isTrue(vector.value) ? null : new Uint32Array(0);
  const found = new Uint32Array(rows);
  let count = 0;
  if (vector.form === "dictionary") {
    const holds = vector.entries.map(isTrue);
    for (let row = 0; row < rows; row++) if (holds[vector.codes[row] as number] === true) found[count++] = row;
  } else {
    const values = numbersOf(vector, rows);
    for (let row = 0; row < rows; row++) if (values[row] !== 0) found[count++] = row;
  }
  return count === rows ? null : found.slice(0, count);
}
