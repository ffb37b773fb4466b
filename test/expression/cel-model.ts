/**
 * What CEL expressions give, said again in plain JavaScript: values, their arithmetic and order, and which error is the
 * one that is answered with. The random expressions are `cel-expressions.ts`.
 */
import type { Json } from "#kernel/json.ts";

/** An int is a bigint, a double a number, as the language has it. */
export type Value = null | boolean | bigint | number | Uint | string | Value[];

export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** Evaluation ends without a value: `missing` where a field or an index does not exist. */
export class Unevaluated extends Error {
  readonly missing: boolean;

  constructor(missing: boolean) {
    super(missing ? "missing" : "failed");
    this.missing = missing;
  }
}

const INT_MAX = 2n ** 63n - 1n;

export const failed = (): never => {
  throw new Unevaluated(false);
};

export const missing = (): never => {
  throw new Unevaluated(true);
};

export function int(value: bigint): bigint {
  return value <= INT_MAX && value >= -INT_MAX - 1n ? value : failed();
}

function uint(value: bigint): Uint {
  return value >= 0n && value < 2n ** 64n ? new Uint(value) : failed();
}

export type Numeric = bigint | number | Uint;

export const asNumber = (value: Numeric) => Number(value instanceof Uint ? value.value : value);

function integerArithmetic(operator: string, left: bigint, right: bigint): bigint {
  if ((operator === "/" || operator === "%") && right === 0n) return failed();
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    default:
      return left % right;
  }
}

function doubleArithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    default:
      return Number.isInteger(left) && Number.isInteger(right) && right !== 0 ? left % right : failed();
  }
}

export function arithmetic(operator: string, left: Numeric, right: Numeric): Numeric {
  if (typeof left === "number" || typeof right === "number") {
    return doubleArithmetic(operator, asNumber(left), asNumber(right));
  }
  if (typeof left === "bigint" && typeof right === "bigint") return int(integerArithmetic(operator, left, right));
  if (left instanceof Uint && right instanceof Uint) return uint(integerArithmetic(operator, left.value, right.value));
  return failed();
}

export function isLess(left: Numeric, right: Numeric): boolean {
  if (typeof left === "number" || typeof right === "number") return asNumber(left) < asNumber(right);
  return (left instanceof Uint ? left.value : left) < (right instanceof Uint ? right.value : right);
}

export function isEqual(left: Value, right: Value): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((each, at) => isEqual(each, right[at] ?? null));
  }
  if (left instanceof Uint) return isEqual(left.value, right);
  if (right instanceof Uint) return isEqual(left, right.value);
  const isNumeric = [left, right].every((each) => typeof each === "number" || typeof each === "bigint");
  // biome-ignore lint/suspicious/noDoubleEquals: of a bigint and a number, by value and exactly.
  return isNumeric ? left == right : left === right;
}

export function elementAt(values: Numeric[], at: Numeric): Numeric {
  const index = asNumber(at);
  return Number.isInteger(index) && index >= 0 ? (values[index] ?? missing()) : missing();
}

export const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="] as const;

export function compared<Of extends Value>(
  operator: (typeof COMPARISONS)[number],
  left: Of,
  right: Of,
  less: (left: Of, right: Of) => boolean,
): boolean {
  // What is not a number is neither before nor behind any.
  const isOrdered = !Number.isNaN(left) && !Number.isNaN(right);
  switch (operator) {
    case "<":
      return less(left, right);
    case ">":
      return less(right, left);
    case "<=":
      return isOrdered && !less(right, left);
    case ">=":
      return isOrdered && !less(left, right);
    default:
      return isEqual(left, right) === (operator === "==");
  }
}

/** The value of the side that decides, else the first side without a value, else the value of all. */
export function decided(by: boolean, sides: readonly (() => boolean)[]): boolean {
  let problem: Unevaluated | undefined;
  for (const side of sides) {
    try {
      if (side() === by) return by;
    } catch (error) {
      if (!(error instanceof Unevaluated)) throw error;
      problem ??= error;
    }
  }
  if (problem !== undefined) throw problem;
  return !by;
}

/** The values of all sides. When some have none, the last of those says why. */
export function every<Result>(sides: readonly (() => Result)[]): Result[] {
  let problem: Unevaluated | undefined;
  const values = sides.flatMap((side) => {
    try {
      return [side()];
    } catch (error) {
      if (!(error instanceof Unevaluated)) throw error;
      problem = error;
      return [];
    }
  });
  if (problem !== undefined) throw problem;
  return values;
}

/** What Weir must answer with: JSON, or why there is none. */
export type Expected = { value: Json } | { error: "missing" | "expression_failed" | "number_range" };

/** What comes of an evaluation of the model. */
export function expected(run: () => Value): Expected {
  try {
    const value = run();
    return isInRange(value) ? { value: asJson(value) } : { error: "number_range" };
  } catch (error) {
    if (!(error instanceof Unevaluated)) throw error;
    return { error: error.missing ? "missing" : "expression_failed" };
  }
}

function asJson(value: Value): Json {
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Uint) return Number(value.value);
  // JSON has no -0.
  return typeof value === "bigint" || typeof value === "number" ? Number(value) + 0 : value;
}

function isInRange(value: Value): boolean {
  if (Array.isArray(value)) return value.every(isInRange);
  if (value instanceof Uint) return isInRange(value.value);
  if (typeof value === "bigint") return value <= 2n ** 53n && value >= -(2n ** 53n);
  return typeof value !== "number" || Number.isFinite(value);
}
