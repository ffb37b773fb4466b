/**
 * JMESPath's functions with a price and a bound on each. Some are ours where the library's is unbounded (`pad_left`,
 * `replace`, `join`), uses a backtracking pattern (`trim`), sets properties by name (`merge`, `group_by`) or is wrong
 * (`sort` orders numbers as text, `max_by` knows no strings).
 */
import type { FunctionSignature, TreeInterpreter } from "@jmespath-community/jmespath";
import { EXPRESSION_STRING_MAX } from "./limits.ts";
import { jsonResult } from "./result.ts";
import { charge, chargeSearch, chargeText, checkStringLength } from "./work.ts";

type Runtime = (typeof TreeInterpreter)["runtime"];
type FunctionTable = Runtime["_functionTable"];
type Value = ReturnType<FunctionSignature["_func"]>;
type Implementation = (args: Value[], runtime: Runtime) => Value;

/** The functions of `runtime`, bounded; they take their argument types from the library. */
export function boundedFunctions(runtime: Runtime): FunctionTable {
  const table: FunctionTable = Object.create(null);
  for (const [name, entry] of Object.entries(runtime._functionTable)) {
    const own = implementations.get(name);
    table[name] = {
      _signature: entry._signature,
      _func: (args: Value[]) => {
        for (const argument of args) chargeShallow(argument);
        return own === undefined ? entry._func.call(runtime, args) : own(args, runtime);
      },
    };
  }
  return table;
}

/** Every function looks at most once at each element, key or character of its arguments, or is listed below. */
function chargeShallow(argument: unknown): void {
  if (typeof argument === "string") charge((argument.length >> 4) + 1);
  else if (Array.isArray(argument)) charge(argument.length + 1);
  else if (typeof argument === "object" && argument !== null) charge(Object.keys(argument).length + 1);
}

const implementations = new Map<string, Implementation>([
  ["pad_left", ([text, width, pad]) => padded(text, width, pad, (own, by, filler) => own.padStart(by, filler))],
  ["pad_right", ([text, width, pad]) => padded(text, width, pad, (own, by, filler) => own.padEnd(by, filler))],
  ["join", ([glue, parts]) => joined(parts as string[], string(glue))],
  ["replace", ([text, old, by, count]) => replaced(string(text), string(old), string(by), count)],
  ["split", ([text, separator, count]) => split(string(text), string(separator), count)],
  ["trim", ([text, characters]) => trimmed(string(text), characters, true, true)],
  ["trim_left", ([text, characters]) => trimmed(string(text), characters, true, false)],
  ["trim_right", ([text, characters]) => trimmed(string(text), characters, false, true)],
  ["reverse", ([value]) => (Array.isArray(value) ? [...value].reverse() : reversed(string(value)))],
  ["length", ([value]) => lengthOf(value)],
  ["to_string", ([value]) => (typeof value === "string" ? value : jsonText(value))],
  ["contains", ([value, part]) => contains(value, part)],
  ["merge", (objects) => Object.fromEntries(objects.flatMap((object) => Object.entries(object ?? {})))],
  ["group_by", ([list, key], runtime) => grouped(list as Value[], runtime.createKeyFunction(reference(key), [STRING]))],
  ["sort", ([list]) => sorted(list as (string | number)[])],
  ["max", ([list]) => extreme(list as Value[], (element) => element, 1)],
  ["min", ([list]) => extreme(list as Value[], (element) => element, -1)],
  ["max_by", ([list, key], runtime) => extreme(list as Value[], sortKey(runtime, key), 1)],
  ["min_by", ([list, key], runtime) => extreme(list as Value[], sortKey(runtime, key), -1)],
  ["sort_by", ([list, key], runtime) => sortedBy(list as Value[], sortKey(runtime, key))],
  ["find_first", ([text, part, start, end]) => found(text, part, start, end, "indexOf")],
  ["find_last", ([text, part, start, end]) => found(text, part, start, end, "lastIndexOf")],
]);

// The library's argument types (`InputArgument`), which it exports under other names only as values.
const NUMBER = 0;
const STRING = 2;

function string(value: Value | undefined): string {
  if (typeof value !== "string") throw new Error("expected a string");
  return value;
}

function wholeNumber(value: Value | undefined, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
    throw new Error(`${name} must be a whole number`);
  return value;
}

type Expression = Parameters<Runtime["createKeyFunction"]>[0];

/** An argument whose signature says that it is an expression; the interpreter saw to it that it is one. */
function reference(value: Value | undefined): Expression {
  return value as unknown as Expression;
}

function sortKey(runtime: Runtime, key: Value | undefined): (element: Value) => Value {
  return runtime.createKeyFunction(reference(key), [NUMBER, STRING]);
}

function padded(
  text: Value | undefined,
  width: Value | undefined,
  pad: Value | undefined,
  apply: (text: string, width: number, filler: string) => string,
): string {
  const by = wholeNumber(width, "the width");
  const filler = pad === undefined || pad === null ? " " : string(pad);
  if (filler.length !== 1) throw new Error("the padding must be one character");
  checkStringLength(by);
  return apply(string(text), by, filler);
}

function joined(parts: string[], glue: string): string {
  let length = Math.max(parts.length - 1, 0) * glue.length;
  for (const part of parts) length += part.length;
  checkStringLength(length);
  return parts.join(glue);
}

function split(text: string, separator: string, count: Value | undefined): string[] {
  chargeSearch(text, separator);
  if (text === "" && separator === "") return [];
  const parts = text.split(separator);
  charge(parts.length);
  if (count === undefined || count === null) return parts;
  const kept = wholeNumber(count, "the count");
  if (kept >= parts.length) return parts;
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

function replaced(text: string, old: string, by: string, count: Value | undefined): string {
  return joined(split(text, old, count), by);
}

function trimmed(text: string, characters: Value | undefined, left: boolean, right: boolean): string {
  const set = typeof characters === "string" && characters !== "" ? new Set(characters) : undefined;
  const isTrimmed = (character: string) => (set === undefined ? /[\s\u0085]/.test(character) : set.has(character));
  let start = 0;
  let end = text.length;
  while (left && start < end && isTrimmed(text.charAt(start))) start++;
  while (right && end > start && isTrimmed(text.charAt(end - 1))) end--;
  charge((text.length - (end - start)) >> 2);
  return text.slice(start, end);
}

function reversed(text: string): string {
  checkStringLength(text.length);
  return [...text].reverse().join("");
}

function lengthOf(value: Value | undefined): number {
  if (typeof value === "string") {
    let count = 0;
    for (const _ of value) count++;
    return count;
  }
  if (Array.isArray(value)) return value.length;
  return Object.keys(value ?? {}).length;
}

/** The JSON text of a value; its size is known before it is written, since shared parts can multiply. */
function jsonText(value: Value | undefined): string {
  const checked = jsonResult(value, EXPRESSION_STRING_MAX);
  if (!checked.ok) throw new Error(checked.error.message);
  const text = JSON.stringify(checked.value);
  chargeText(text.length * 4);
  return text;
}

function contains(value: Value | undefined, part: Value | undefined): Value {
  if (Array.isArray(value)) return value.includes(part ?? null);
  if (typeof part !== "string") return null;
  chargeSearch(string(value), part);
  return string(value).includes(part);
}

function found(
  text: Value | undefined,
  part: Value | undefined,
  start: Value | undefined,
  end: Value | undefined,
  method: "indexOf" | "lastIndexOf",
): Value {
  const whole = string(text);
  const wanted = string(part);
  if (whole === "" || wanted === "") return null;
  const from = Math.max(integer(start ?? 0), 0);
  const range = whole.slice(from, Math.min(integer(end ?? whole.length), whole.length));
  chargeSearch(range, wanted);
  const at = range[method](wanted);
  return at === -1 ? null : at + from;
}

function integer(value: Value): number {
  if (typeof value !== "number" || !Number.isInteger(value)) throw new Error("expected a whole number");
  return value;
}

function grouped(list: Value[], key: (element: Value) => Value): Value {
  const groups = new Map<string, Value[]>();
  for (const element of list) {
    const name = string(key(element));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [element]);
    else group.push(element);
  }
  return Object.fromEntries(groups);
}

/** Numbers by value, strings by code point; a list holds one kind only. */
function compare(left: Value, right: Value): number {
  charge(1);
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left !== "string" || typeof right !== "string")
    throw new Error("a list to order holds numbers or strings, not both");
  chargeText(Math.min(left.length, right.length));
  return compareCodePoints(left, right);
}

function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    if (left.charCodeAt(index) === right.charCodeAt(index)) continue;
    return (left.codePointAt(index) ?? 0) - (right.codePointAt(index) ?? 0);
  }
  return left.length - right.length;
}

function sorted(list: (string | number)[]): Value[] {
  return [...list].sort(compare);
}

function sortedBy(list: Value[], key: (element: Value) => Value): Value[] {
  const keyed = list.map((element) => ({ element, key: key(element) }));
  return keyed.sort((left, right) => compare(left.key, right.key)).map(({ element }) => element);
}

/** The element whose key is largest (`sign` 1) or smallest (-1); the first of equals; null of an empty list. */
function extreme(list: Value[], key: (element: Value) => Value, sign: 1 | -1): Value {
  let best: { element: Value; key: Value } | undefined;
  for (const element of list) {
    const own = key(element);
    if (best === undefined || compare(own, best.key) * sign > 0) best = { element, key: own };
  }
  return best?.element ?? null;
}
