/**
 * JSON as data: its type, its canonical form (RFC 8785), its size and its depth.
 * Parsing request bodies and storing content by address stand on these; neither lives here.
 */
import canonicalize from "canonicalize";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** Deepest nesting of arrays and objects that Weir accepts anywhere. */
export const JSON_DEPTH_MAX = 64;

/** The canonical text of a value (RFC 8785): equal values give equal text. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("value is not JSON");
  return text;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True when arrays and objects nest deeper than `max` levels; never recurses deeper than that. */
export function isDeeperThan(value: unknown, max: number = JSON_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (max === 0) return true;
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    if (isDeeperThan(child, max - 1)) return true;
  }
  return false;
}

/** Why a parsed value is not JSON that Weir can keep unchanged; null when it is. */
export function jsonProblem(value: unknown): string | null {
  if (isDeeperThan(value)) return `arrays and objects may nest at most ${JSON_DEPTH_MAX} levels`;
  return contentProblem(value);
}

function contentProblem(value: unknown): string | null {
  if (typeof value === "string") return value.isWellFormed() ? null : "a string contains half of a surrogate pair";
  if (typeof value === "number") return Number.isFinite(value) ? null : "a number is too large";
  if (Array.isArray(value)) return firstProblem(value);
  if (typeof value !== "object" || value === null) return null;
  return firstProblem(Object.keys(value)) ?? firstProblem(Object.values(value));
}

function firstProblem(values: readonly unknown[]): string | null {
  for (const value of values) {
    const problem = contentProblem(value);
    if (problem !== null) return problem;
  }
  return null;
}

/** Bytes of `text` in UTF-8; lone surrogates count as the replacement character's three. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** An own property, so that `__proto__` and `constructor` read as absent. */
export function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The same JSON value: members in any order, numbers by value. */
export function isEqualJson(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => isEqualJson(item, right[index] ?? null))
    );
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqualJson(left[key] ?? null, right[key] ?? null))
  );
}

/** A JSON Pointer (RFC 6901) from its reference tokens. */
export function jsonPointer(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
