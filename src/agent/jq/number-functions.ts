/** Functions on numbers: what C's mathematics and JavaScript's have in common, and the kinds of numbers. */
import type { Json } from "#kernel/json.ts";
import type { ValueFunction } from "./value-functions.ts";
import { described, JqError } from "./values.ts";

const UNARY = {
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  /** Away from zero at a half, unlike Math.round. */
  round: (value: number) => Math.sign(value) * Math.round(Math.abs(value)),
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  exp2: (value: number) => 2 ** value,
  exp10: (value: number) => 10 ** value,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  fabs: Math.abs,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
} as const;

const BINARY = {
  pow: (left: number, right: number) => left ** right,
  atan2: Math.atan2,
  fmin: Math.min,
  fmax: Math.max,
  fmod: (left: number, right: number) => left % right,
} as const;

/** A decimal number as JSON writes it, or with a leading or trailing point. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NUMBER_TEXT_LENGTH_MAX = 400;

/** Smallest number that is not subnormal. */
const NORMAL_MIN = 2.2250738585072014e-308;

export const numberFunctions: Readonly<Record<string, ValueFunction>> = {
  ...Object.fromEntries(
    Object.entries(UNARY).map(([name, operate]): [string, ValueFunction] => [
      `${name}/0`,
      (value) => operate(numberOf(value)),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(BINARY).map(([name, operate]): [string, ValueFunction] => [
      `${name}/2`,
      (_, [left, right]) => operate(numberOf(left ?? null), numberOf(right ?? null)),
    ]),
  ),
  // What is below 0 is negated, and null and booleans are below every number.
  "abs/0": (value) => {
    if (value === null || typeof value === "boolean") throw new JqError(`${described(value)} cannot be negated`);
    return typeof value === "number" && value < 0 ? -value : value;
  },
  "infinite/0": () => Number.POSITIVE_INFINITY,
  "nan/0": () => Number.NaN,
  "isinfinite/0": (value) => Math.abs(numberOf(value)) === Number.POSITIVE_INFINITY,
  "isnan/0": (value) => Number.isNaN(numberOf(value)),
  "isnormal/0": (value) => Number.isFinite(numberOf(value)) && Math.abs(numberOf(value)) >= NORMAL_MIN,
  "tonumber/0": (value) => {
    if (typeof value === "number") return value;
    if (value === "nan") return Number.NaN;
    if (typeof value === "string" && value.length <= NUMBER_TEXT_LENGTH_MAX && DECIMAL.test(value))
      return Number(value);
    throw new JqError(`${described(value)} cannot be parsed as a number`);
  },
};

function numberOf(value: Json): number {
  if (typeof value === "number") return value;
  throw new JqError(`${described(value)} number required`);
}
