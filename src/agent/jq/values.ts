/**
 * Values of jq: JSON, with numbers that may be NaN or infinite until they leave the program. How they compare, what
 * they are called, how they read as text.
 */
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { JQ_MESSAGE_LENGTH_MAX, JQ_TEXT_LENGTH_MAX } from "./limits.ts";

/** An error of the program itself: `try` catches it, and `value` is what its handler is given. */
export class JqError extends Error {
  readonly value: Json;

  constructor(value: Json) {
    super(typeof value === "string" ? value : `${briefText(value)} (not a string)`);
    this.value = value;
  }
}

export type TypeName = "null" | "boolean" | "number" | "string" | "array" | "object";

export function typeName(value: Json): TypeName {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" || type === "number" || type === "string" ? type : "object";
}

export function isTruthy(value: Json): boolean {
  return value !== null && value !== false;
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in an error's message: its type and the start of its text. */
export function described(value: Json): string {
  return `${typeName(value)} (${briefText(value)})`;
}

const BRIEF_LENGTH = 11;

function briefText(value: Json): string {
  const text = boundedJson(value, BRIEF_LENGTH + 1);
  return text.length > BRIEF_LENGTH ? `${text.slice(0, BRIEF_LENGTH - 1)}...` : text;
}

/** The start of a value's text, without making all of it. */
function boundedJson(value: Json, length: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, length));
  if (typeof value !== "object" || value === null) return jsonText(value);
  let text = Array.isArray(value) ? "[" : "{";
  for (const key in value) {
    if (text.length > length) return text;
    if (text.length > 1) text += ",";
    const inner = Array.isArray(value) ? value[Number(key)] : value[key];
    text += `${Array.isArray(value) ? "" : `${JSON.stringify(key)}:`}${boundedJson(inner ?? null, length)}`;
  }
  return text + (Array.isArray(value) ? "]" : "}");
}

/** What `tojson` and `@json` write: numbers that JSON has no word for as jq does. */
export function jsonText(value: Json): string {
  return JSON.stringify(jsonNumbers(value));
}

/** The value as JSON can hold it: NaN is null, what is infinite the largest number. Unchanged parts stay themselves. */
export function jsonNumbers(value: Json): Json {
  if (typeof value === "number") {
    if (Number.isNaN(value)) return null;
    if (!Number.isFinite(value)) return value > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE;
    return value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    let changed = false;
    const items = value.map((item) => {
      const kept = jsonNumbers(item);
      changed ||= kept !== item;
      return kept;
    });
    return changed ? items : value;
  }
  let changed = false;
  const entries = Object.entries(value).map(([key, item]) => {
    const kept = jsonNumbers(item);
    changed ||= kept !== item;
    return [key, kept] as const;
  });
  return changed ? (Object.fromEntries(entries) as JsonObject) : value;
}

/** `tostring`: strings as they are, everything else as JSON. Pays for what it writes. */
export function text(value: Json, work: Work): string {
  if (typeof value === "string") return value;
  work.charge(weight(value, work));
  return bounded(jsonText(value));
}

/** Values in a value, itself included; pays one unit each. */
export function weight(value: Json, work: Work): number {
  work.charge(1);
  if (typeof value === "string") {
    work.chargeText(value.length);
    return 1;
  }
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const item of Array.isArray(value) ? value : Object.values(value)) count += weight(item, work);
  return count;
}

/** A text that the program made, refused beyond the bound. */
export function bounded(made: string): string {
  if (made.length > JQ_TEXT_LENGTH_MAX) throw new JqError(`a text of more than ${JQ_TEXT_LENGTH_MAX} characters`);
  return made;
}

export function cutMessage(message: string): string {
  return message.length > JQ_MESSAGE_LENGTH_MAX ? `${message.slice(0, JQ_MESSAGE_LENGTH_MAX)}…` : message;
}

const ORDER: Readonly<Record<TypeName, number>> = { null: 0, boolean: 1, number: 3, string: 4, array: 5, object: 6 };

/** jq's order of all values: null, false, true, numbers, strings, arrays, objects. */
export function compare(left: Json, right: Json, work: Work): number {
  work.charge(1);
  const leftType = typeName(left);
  const rightType = typeName(right);
  if (leftType !== rightType) return ORDER[leftType] - ORDER[rightType];
  if (typeof left === "number") return compareNumbers(left, right as number);
  if (typeof left === "string") return compareText(left, right as string, work);
  if (typeof left === "boolean") return Number(left) - Number(right);
  if (Array.isArray(left)) return compareLists(left, right as Json[], work);
  return left === null ? 0 : compareObjects(left, right as JsonObject, work);
}

export function isEqual(left: Json, right: Json, work: Work): boolean {
  return compare(left, right, work) === 0;
}

/** NaN is below every number, itself included. */
function compareNumbers(left: number, right: number): number {
  if (Number.isNaN(left)) return -1;
  return left < right ? -1 : left === right ? 0 : 1;
}

/** By code points, as UTF-8 sorts; UTF-16 units alone would put U+FFFF after U+10000. */
export function compareText(left: string, right: string, work: Work): number {
  work.chargeText(Math.min(left.length, right.length));
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (left.charCodeAt(i) === right.charCodeAt(i)) continue;
    const isInPair = i > 0 && isHighSurrogate(left.charCodeAt(i - 1));
    const at = isInPair ? i - 1 : i;
    return (left.codePointAt(at) ?? 0) - (right.codePointAt(at) ?? 0);
  }
  return left.length - right.length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function compareLists(left: Json[], right: Json[], work: Work): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const order = compare(left[i] ?? null, right[i] ?? null, work);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** First by their sorted keys as lists, then value by value. */
function compareObjects(left: JsonObject, right: JsonObject, work: Work): number {
  const leftKeys = sortedKeys(left, work);
  const order = compareLists(leftKeys, sortedKeys(right, work), work);
  if (order !== 0) return order;
  for (const key of leftKeys) {
    const inner = compare(left[key] ?? null, right[key] ?? null, work);
    if (inner !== 0) return inner;
  }
  return 0;
}

export function sortedKeys(object: JsonObject, work: Work): string[] {
  return sorted(Object.keys(object), (left, right) => compareText(left, right, work), work);
}

/** A stable sort that is paid for beforehand; the comparison pays for itself as well. */
export function sorted<T>(items: readonly T[], order: (left: T, right: T) => number, work: Work): T[] {
  work.charge(items.length);
  return items.toSorted(order);
}

/** Characters as jq counts them: code points. */
export function codePoints(value: string): string[] | string {
  return /[\ud800-\udbff]/.test(value) ? Array.from(value) : value;
}
