/** The operators of jq that take two values: numbers, and what else each means for texts, lists and objects. */
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { JQ_LIST_LENGTH_MAX, JQ_TEXT_LENGTH_MAX } from "./limits.ts";
import type { BinaryOperator } from "./syntax.ts";
import { bounded, compare, described, isEqual, isObject, JqError } from "./values.ts";

export function operate(operator: BinaryOperator, left: Json, right: Json, work: Work): Json {
  work.charge(1);
  switch (operator) {
    case "+":
      return add(left, right, work);
    case "-":
      return subtract(left, right, work);
    case "*":
      return multiply(left, right, work);
    case "/":
      return divide(left, right, work);
    case "%":
      return remainder(left, right);
    case "==":
      return compare(left, right, work) === 0;
    case "!=":
      return compare(left, right, work) !== 0;
    case "<":
      return compare(left, right, work) < 0;
    case "<=":
      return compare(left, right, work) <= 0;
    case ">":
      return compare(left, right, work) > 0;
    case ">=":
      return compare(left, right, work) >= 0;
  }
}

export function add(left: Json, right: Json, work: Work): Json {
  if (left === null) return right;
  if (right === null) return left;
  if (typeof left === "number" && typeof right === "number") return left + right;
  if (typeof left === "string" && typeof right === "string") {
    work.chargeText(right.length);
    return bounded(left + right);
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length + right.length > JQ_LIST_LENGTH_MAX) throw tooLong();
    work.charge(left.length + right.length);
    return [...left, ...right];
  }
  if (isObject(left) && isObject(right)) {
    work.charge(Object.keys(left).length + Object.keys(right).length);
    return { ...left, ...right };
  }
  throw cannot(left, right, "added");
}

function subtract(left: Json, right: Json, work: Work): Json {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.filter((item) => !right.some((other) => isEqual(item, other, work)));
  }
  throw cannot(left, right, "subtracted");
}

function multiply(left: Json, right: Json, work: Work): Json {
  if (typeof left === "number" && typeof right === "number") return left * right;
  if (typeof left === "string" && typeof right === "number") return repeat(left, right, work);
  if (typeof left === "number" && typeof right === "string") return repeat(right, left, work);
  if (isObject(left) && isObject(right)) return merge(left, right, work);
  throw cannot(left, right, "multiplied");
}

function repeat(part: string, times: number, work: Work): Json {
  if (!(times >= 0)) return null;
  const count = Math.floor(times);
  if (part.length * count > JQ_TEXT_LENGTH_MAX) throw new JqError("Repeat string result too long");
  work.chargeText(part.length * count);
  return part.repeat(count);
}

function merge(left: JsonObject, right: JsonObject, work: Work): JsonObject {
  work.charge(Object.keys(left).length + Object.keys(right).length + 1);
  const merged = new Map(Object.entries(left));
  for (const [key, value] of Object.entries(right)) {
    const old = merged.get(key) ?? null;
    merged.set(key, isObject(old) && isObject(value) ? merge(old, value, work) : value);
  }
  return Object.fromEntries(merged);
}

function divide(left: Json, right: Json, work: Work): Json {
  if (typeof left === "number" && typeof right === "number") {
    if (right === 0) {
      throw new JqError(`${described(left)} and ${described(right)} cannot be divided because the divisor is zero`);
    }
    return left / right;
  }
  if (typeof left === "string" && typeof right === "string") return splitText(left, right, work);
  throw cannot(left, right, "divided");
}

export function splitText(whole: string, separator: string, work: Work): string[] {
  work.chargeText(whole.length);
  if (whole === "") return [];
  const parts = separator === "" ? Array.from(whole) : whole.split(separator);
  work.charge(parts.length);
  if (parts.length > JQ_LIST_LENGTH_MAX) throw tooLong();
  return parts;
}

/** Of whole numbers of 64 bits; the sign is the dividend's. */
function remainder(left: Json, right: Json): Json {
  if (typeof left !== "number" || typeof right !== "number") throw cannot(left, right, "divided");
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.NaN;
  const divisor = wholeNumber(right);
  if (divisor === 0n) {
    throw new JqError(
      `${described(left)} and ${described(right)} cannot be divided (remainder) because the divisor is zero`,
    );
  }
  return Number(wholeNumber(left) % divisor);
}

const WHOLE_MIN = -(2n ** 63n);
const WHOLE_MAX = 2n ** 63n - 1n;

function wholeNumber(value: number): bigint {
  if (!Number.isFinite(value)) return value > 0 ? WHOLE_MAX : WHOLE_MIN;
  const whole = BigInt(Math.trunc(value));
  return whole > WHOLE_MAX ? WHOLE_MAX : whole < WHOLE_MIN ? WHOLE_MIN : whole;
}

function tooLong(): JqError {
  return new JqError(`a list of more than ${JQ_LIST_LENGTH_MAX} elements`);
}

function cannot(left: Json, right: Json, what: string): JqError {
  return new JqError(`${described(left)} and ${described(right)} cannot be ${what}`);
}
