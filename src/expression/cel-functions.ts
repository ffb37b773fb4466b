/**
 * The functions of Weir's CEL: the standard ones, with int and double mixing, and with a price on each whose cost
 * grows with its arguments. Overloads replace the library's by name and argument types.
 */
import {
  type CelEnv,
  type CelFunc,
  type CelList,
  CelScalar,
  type CelType,
  type CelValue,
  celEnv,
  celFunc,
  celMethod,
  isCelError,
  isCelList,
  isCelMap,
  listType,
  mapType,
} from "@bufbuild/cel";
import { joinLists, wrappedJson } from "./cel-values.ts";
import {
  COMPREHENSION_ELEMENTS_MAX,
  CONVERSION_TEXT_MAX,
  EXPRESSION_STRING_MAX,
  PATTERN_LENGTH_MAX,
} from "./limits.ts";
import { charge, chargeSearch, chargeText, checkStringLength, exceed } from "./work.ts";

/** Put around the range of each comprehension; no source can spell the name. */
export const RANGE_FUNCTION = "@range";
/** Put around the condition of each comprehension, with the price of one pass. */
export const STEP_FUNCTION = "@step";
/** Takes the place of `+` where a comprehension grows its own result. */
export const APPEND_FUNCTION = "@append";

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
const MAP = mapType(DYN, DYN);
const standard = celEnv().funcs;

/** Calls the library's own overload; its error value is thrown. */
function callStandard(name: string, target: CelValue | undefined, args: CelValue[]): CelValue {
  const result = standard.find(name)?.call(0, target, args);
  if (result === undefined) throw new Error(`found no matching overload for '${name}'`);
  if (isCelError(result)) throw result;
  return result;
}

/** A timestamp or a duration as CEL's `string()` writes it; undefined for what is neither. */
export function celText(value: CelValue): string | undefined {
  if (value instanceof Uint8Array) return undefined;
  const text = standard.find("string")?.call(0, undefined, [value]);
  return typeof text === "string" ? text : undefined;
}

function isEqual(left: CelValue, right: CelValue): boolean {
  charge(1);
  if (left === right) return true;
  if (typeof left === "string" || typeof right === "string") {
    if (typeof left !== "string" || typeof right !== "string" || left.length !== right.length) return false;
    chargeText(left.length);
    return left === right;
  }
  if (typeof left !== "object" || typeof right !== "object")
    return callStandard("_==_", undefined, [left, right]) === true;
  const json = wrappedJson(left);
  if (json !== undefined && json === wrappedJson(right)) return true;
  if (isCelList(left) && isCelList(right)) return isEqualList(left, right);
  if (isCelMap(left) && isCelMap(right)) {
    if (left.size !== right.size) return false;
    for (const [key, value] of left) {
      const other = right.get(key);
      if (other === undefined || !isEqual(value, other)) return false;
    }
    return true;
  }
  return callStandard("_==_", undefined, [left, right]) === true;
}

function isEqualList(left: CelList, right: CelList): boolean {
  if (left.size !== right.size) return false;
  for (let index = 0; index < left.size; index++) {
    const value = left.get(index);
    const other = right.get(index);
    if (value === undefined || other === undefined || !isEqual(value, other)) return false;
  }
  return true;
}

function isInList(value: CelValue, list: CelList): boolean {
  for (const element of list) if (isEqual(element, value)) return true;
  return false;
}

function codePoints(text: string): bigint {
  charge((text.length >> 5) + 1);
  let count = 0;
  for (const _ of text) count++;
  return BigInt(count);
}

/** RE2 is linear in the text, times the states of the pattern; repetition counts multiply them. */
function chargeMatch(text: string, pattern: string): void {
  if (pattern.length > PATTERN_LENGTH_MAX) exceed(`uses a pattern of more than ${PATTERN_LENGTH_MAX} characters`);
  if (text.length > EXPRESSION_STRING_MAX) exceed(`matches a text of more than ${EXPRESSION_STRING_MAX} characters`);
  let counted = 0;
  let nested = 1;
  for (const [repetition, , least, most] of pattern.matchAll(/(\))?\{(\d+)(?:,(\d*))?\}/g)) {
    const count = Math.min(Number(most || least), 1000);
    if (repetition.startsWith(")")) nested = Math.min(nested * Math.max(count, 1), 1000);
    else counted += count;
  }
  const states = (pattern.length + counted) * nested;
  charge(100 + states * 5 + text.length * (4 + states / 4));
}

function remainder(left: number, right: number): number {
  if (!Number.isInteger(left) || !Number.isInteger(right)) throw new Error("modulus of a number that is not whole");
  if (right === 0) throw new Error("modulus by zero");
  return left % right;
}

type Arithmetic = (left: number, right: number) => number;

/** The overloads of an operator for an int (or uint) with a double, in both orders. */
function widening(name: string, operate: Arithmetic): CelFunc[] {
  return [
    celFunc(name, [INT, DOUBLE], DOUBLE, (left, right) => operate(Number(left), right)),
    celFunc(name, [DOUBLE, INT], DOUBLE, (left, right) => operate(left, Number(right))),
    celFunc(name, [UINT, DOUBLE], DOUBLE, (left, right) => operate(Number(left.value), right)),
    celFunc(name, [DOUBLE, UINT], DOUBLE, (left, right) => operate(left, Number(right.value))),
  ];
}

/** Conversions from text: short text only, since the library's cost grows with its square. */
function fromText(name: string, result: CelType, isValid: (text: string) => boolean): CelFunc {
  return celFunc(name, [STRING], DYN, (text) => {
    if (text.length > CONVERSION_TEXT_MAX || !isValid(text)) throw new Error(`not a valid ${result.name}`);
    charge(10);
    return callStandard(name, undefined, [text]);
  });
}

function isDecimal(text: string): boolean {
  return /^[+-]?\d+$/.test(text);
}

function isDouble(text: string): boolean {
  return text.trim() !== "" && (text === "NaN" || !Number.isNaN(Number(text)));
}

function isAnything(): boolean {
  return true;
}

const comparisons = (["_<_", "_<=_", "_>_", "_>=_"] as const).map((name) =>
  celFunc(name, [STRING, STRING], BOOL, (left, right) => {
    chargeText(Math.min(left.length, right.length));
    if (name === "_<_") return left < right;
    if (name === "_<=_") return left <= right;
    return name === "_>_" ? left > right : left >= right;
  }),
);

const searches = (["contains", "startsWith", "endsWith"] as const).map((name) =>
  celMethod(name, STRING, [STRING], BOOL, function (part) {
    if (name !== "contains") {
      chargeText(part.length);
      return name === "startsWith" ? this.startsWith(part) : this.endsWith(part);
    }
    chargeSearch(this, part);
    return this.includes(part);
  }),
);

/** Time zones are looked up by the platform, at some fifty microseconds a call. */
const calendar = [...standard]
  .filter((method) => method.arguments.length === 1 && method.name.startsWith("get") && method.target !== undefined)
  .map((method) =>
    celMethod(method.name, method.target ?? DYN, [STRING], INT, function (zone) {
      charge(500 + zone.length);
      const value = callStandard(method.name, this, [zone]);
      if (typeof value !== "bigint") throw new Error("not a calendar field");
      return value;
    }),
  );

/** The environment that every expression is planned in. */
export const weirEnv: CelEnv = celEnv({
  funcs: [
    ...widening("_+_", (left, right) => left + right),
    ...widening("_-_", (left, right) => left - right),
    ...widening("_*_", (left, right) => left * right),
    ...widening("_/_", (left, right) => left / right),
    ...widening("_%_", remainder),
    celFunc("_%_", [DOUBLE, DOUBLE], DOUBLE, remainder),
    celFunc("_+_", [STRING, STRING], STRING, (left, right) => {
      checkStringLength(left.length + right.length);
      return left + right;
    }),
    celFunc("_+_", [BYTES, BYTES], BYTES, (left, right) => {
      checkStringLength(left.length + right.length);
      chargeText(left.length + right.length);
      const joined = new Uint8Array(left.length + right.length);
      joined.set(left);
      joined.set(right, left.length);
      return joined;
    }),
    celFunc("_+_", [LIST, LIST], LIST, joinLists),
    celFunc("_==_", [DYN, DYN], BOOL, isEqual),
    celFunc("_!=_", [DYN, DYN], BOOL, (left, right) => !isEqual(left, right)),
    ...comparisons,
    ...searches,
    celFunc("@in", [DYN, LIST], BOOL, isInList),
    // The library's `in` reads a key whose value is null as absent.
    celFunc("@in", [STRING, MAP], BOOL, (key, map) => map.get(key) !== undefined),
    celFunc("size", [STRING], INT, codePoints),
    celMethod("size", STRING, [], INT, function () {
      return codePoints(this);
    }),
    celMethod("matches", STRING, [STRING], BOOL, function (pattern) {
      chargeMatch(this, pattern);
      return callStandard("matches", this, [pattern]) === true;
    }),
    fromText("int", INT, isDecimal),
    fromText("uint", UINT, isDecimal),
    fromText("double", DOUBLE, isDouble),
    fromText("bool", BOOL, isAnything),
    fromText("timestamp", STRING, isAnything),
    fromText("duration", STRING, isAnything),
    celFunc("bytes", [STRING], DYN, (text) => {
      checkStringLength(text.length);
      chargeText(text.length);
      return callStandard("bytes", undefined, [text]);
    }),
    ...calendar,
    celFunc(RANGE_FUNCTION, [DYN], DYN, (range) => {
      if (!isCelList(range) && !isCelMap(range)) return range;
      const { size } = range;
      if (size > COMPREHENSION_ELEMENTS_MAX) exceed(`goes through more than ${COMPREHENSION_ELEMENTS_MAX} elements`);
      charge(size);
      return range;
    }),
    celFunc(APPEND_FUNCTION, [DYN, DYN], DYN, (list, element) => {
      if (!isCelList(list) || !isCelList(element)) throw new Error("a comprehension grows lists only");
      return joinLists(list, element);
    }),
    celFunc(STEP_FUNCTION, [DYN, INT], DYN, (condition, price) => {
      charge(Number(price));
      return condition;
    }),
  ],
});
