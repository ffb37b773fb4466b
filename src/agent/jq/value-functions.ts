/** Functions of a value and of values: lists, objects, types, conversions. Those on text and numbers stand apart. */
import { isDeeperThan, JSON_DEPTH_MAX, type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { add } from "./arithmetic.ts";
import { JQ_JSON_TEXT_LENGTH_MAX, JQ_LIST_LENGTH_MAX } from "./limits.ts";
import { deletePaths, indicesOf, setPath, stepInto } from "./paths.ts";
import {
  codePoints,
  compare,
  described,
  isEqual,
  isObject,
  isTruthy,
  JqError,
  sorted,
  sortedKeys,
  text,
  typeName,
} from "./values.ts";

export interface FunctionContext {
  work: Work;
  nowMs: number;
}

export type ValueFunction = (value: Json, args: readonly Json[], context: FunctionContext) => Json;

export const valueFunctions: Readonly<Record<string, ValueFunction>> = {
  "error/0": (value) => {
    throw new JqError(value);
  },
  "not/0": (value) => !isTruthy(value),
  "type/0": (value) => typeName(value),
  "length/0": lengthOf,
  "keys/0": (value, _, { work }) => keysOf(value, (object) => sortedKeys(object, work)),
  "keys_unsorted/0": (value) => keysOf(value, (object) => Object.keys(object)),
  "has/1": (value, [key]) => has(value, key ?? null),
  "contains/1": (value, [part], { work }) => contains(value, part ?? null, work),
  "add/0": (value, _, context) => itemsOf(value).reduce((sum, item) => add(sum, item, context.work), null),
  "sort/0": (value, _, { work }) => sorted(listOf(value, "sorted"), (left, right) => compare(left, right, work), work),
  "min/0": (value, _, { work }) => extreme(listOf(value, "iterated"), work, -1),
  "max/0": (value, _, { work }) => extreme(listOf(value, "iterated"), work, 1),
  "unique/0": (value, _, { work }) => {
    const order = sorted(listOf(value, "sorted"), (left, right) => compare(left, right, work), work);
    return order.filter((item, at) => at === 0 || !isEqual(item, order[at - 1] ?? null, work));
  },
  "reverse/0": (value, _, { work }) => {
    if (!Array.isArray(value)) return reversedOther(value);
    work.charge(value.length);
    return value.toReversed();
  },
  "flatten/0": (value, _, { work }) => flatten(value, Number.POSITIVE_INFINITY, work),
  "flatten/1": (value, [depth], { work }) => {
    if (typeof depth !== "number") throw new JqError("flatten depth must be a number");
    if (depth < 0) throw new JqError("flatten depth must not be negative");
    return flatten(value, depth, work);
  },
  "transpose/0": (value, _, { work }) => {
    const rows = itemsOf(value);
    const width = rows.reduce<number>((most, row) => Math.max(most, lengthOf(row)), 0);
    work.charge(width * rows.length + 1);
    return Array.from({ length: Math.ceil(width) }, (_column, column) =>
      rows.map((row) => stepInto(row, column, work)),
    );
  },
  "from_entries/0": (value, _, { work }) =>
    Object.fromEntries(itemsOf(value).map((entry) => keyAndValue(entry, work))) as JsonObject,
  "toarray/0": (value) => (Array.isArray(value) ? value : [value]),
  "setpath/2": (value, [path, to], { work }) => {
    if (!Array.isArray(path)) throw new JqError("Path must be specified as an array");
    return setPath(value, path, to ?? null, work);
  },
  "delpaths/1": (value, [paths], { work }) => {
    if (!Array.isArray(paths)) throw new JqError("Paths must be specified as an array");
    return deletePaths(value, paths, work);
  },
  "indices/1": (value, [part], { work }) => indices(value, part ?? null, work),
  "index/1": (value, [part], { work }) => stepInto(indices(value, part ?? null, work), 0, work),
  "rindex/1": (value, [part], { work }) => stepInto(indices(value, part ?? null, work), -1, work),
  "tostring/0": (value, _, { work }) => text(value, work),
  "tojson/0": (value, _, { work }) => (typeof value === "string" ? JSON.stringify(value) : text(value, work)),
  "fromjson/0": fromJson,
  "toboolean/0": (value) => {
    if (typeof value === "boolean") return value;
    if (value === "true" || value === "false") return value === "true";
    throw new JqError(`${described(value)} cannot be parsed as a boolean`);
  },
  "bsearch/1": (value, [wanted], { work }) => search(listOf(value, "searched from"), wanted ?? null, work),
  "now/0": (_, __, { nowMs }) => nowMs / 1000,
};

function lengthOf(value: Json): number {
  if (value === null) return 0;
  if (typeof value === "number") return Math.abs(value);
  if (typeof value === "string") return codePoints(value).length;
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw new JqError(`${described(value)} has no length`);
}

/** What has no elements has none in reverse either; anything else has no order to reverse. */
function reversedOther(value: Json): Json {
  if (lengthOf(value) !== 0) throw new JqError(`Cannot index ${typeName(value)} with number`);
  return [];
}

function keysOf(value: Json, keys: (object: JsonObject) => string[]): Json {
  if (Array.isArray(value)) return value.map((_, index) => index);
  if (isObject(value)) return keys(value);
  throw new JqError(`${described(value)} has no keys`);
}

function has(value: Json, key: Json): Json {
  if (value === null) return false;
  if (isObject(value) && typeof key === "string") return Object.hasOwn(value, key);
  if (Array.isArray(value) && typeof key === "number") return key >= 0 && Math.floor(key) < value.length;
  throw new JqError(
    `Cannot check whether ${typeName(value)} has a ${typeof key === "string" ? "string" : typeName(key)} key`,
  );
}

function contains(whole: Json, part: Json, work: Work): boolean {
  const areAlike = typeof whole === "boolean" ? whole === part : typeName(whole) === typeName(part);
  if (areAlike) return holds(whole, part, work);
  throw new JqError(`${described(whole)} and ${described(part)} cannot have their containment checked`);
}

function holds(whole: Json, part: Json, work: Work): boolean {
  work.charge(1);
  if (isObject(whole) && isObject(part)) {
    return Object.entries(part).every(
      ([key, value]) => Object.hasOwn(whole, key) && holds(whole[key] ?? null, value, work),
    );
  }
  if (Array.isArray(whole) && Array.isArray(part)) {
    return part.every((wanted) => whole.some((item) => holds(item, wanted, work)));
  }
  if (typeof whole === "string" && typeof part === "string") {
    work.charge((whole.length >> 2) + Math.ceil((whole.length * part.length) / 1024) + 1);
    return whole.includes(part);
  }
  return isEqual(whole, part, work);
}

function itemsOf(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  if (isObject(value)) return Object.values(value);
  throw new JqError(`Cannot iterate over ${value === null ? "null" : described(value)}`);
}

function listOf(value: Json, what: string): Json[] {
  if (Array.isArray(value)) return value;
  throw new JqError(`${described(value)} cannot be ${what}, as it is not an array`);
}

/** Of equal ones `min` gives the first and `max` the last. */
function extreme(items: readonly Json[], work: Work, sign: 1 | -1): Json {
  let best: Json | undefined;
  for (const item of items) {
    if (best === undefined) best = item;
    else {
      const order = compare(item, best, work) * sign;
      if (order > 0 || (order === 0 && sign === 1)) best = item;
    }
  }
  return best ?? null;
}

function flatten(value: Json, depth: number, work: Work): Json[] {
  const flat: Json[] = [];
  const visit = (items: Json[], left: number) => {
    for (const item of items) {
      work.charge(1);
      if (Array.isArray(item) && left > 0) visit(item, left - 1);
      else flat.push(item);
    }
    if (flat.length > JQ_LIST_LENGTH_MAX) throw new JqError(`a list of more than ${JQ_LIST_LENGTH_MAX} elements`);
  };
  visit(itemsOf(value), depth);
  return flat;
}

const KEY_NAMES = ["key", "k", "name", "Name", "Key", "K"] as const;
const VALUE_NAMES = ["value", "v", "Value", "V"] as const;

function keyAndValue(entry: Json, work: Work): [string, Json] {
  work.charge(1);
  if (!isObject(entry)) throw new JqError(`Cannot index ${typeName(entry)} with "key"`);
  const own = (name: string | undefined) => (name === undefined ? null : (ownValue(entry, name) ?? null));
  const key = KEY_NAMES.map(own).find(isTruthy) ?? null;
  if (typeof key !== "string") throw new JqError(`Cannot use ${described(key)} as object key`);
  return [key, own(VALUE_NAMES.find((name) => Object.hasOwn(entry, name)))];
}

function indices(value: Json, part: Json, work: Work): Json {
  if (part === "") return null;
  if (typeof value === "string" && typeof part === "string") {
    work.charge((value.length >> 2) + Math.ceil((value.length * part.length) / 1024) + 1);
    const found: number[] = [];
    for (let at = value.indexOf(part); at !== -1; at = value.indexOf(part, at + 1)) {
      work.charge((part.length >> 2) + 1);
      found.push(at);
    }
    return codePoints(value) === value ? found : found.map((at) => codePoints(value.slice(0, at)).length);
  }
  if (Array.isArray(value)) return indicesOf(value, Array.isArray(part) ? part : [part], work);
  return stepInto(value, part, work);
}

function fromJson(value: Json, _: readonly Json[], { work }: FunctionContext): Json {
  if (typeof value !== "string") throw new JqError(`${described(value)} cannot be parsed as JSON`);
  if (value.length > JQ_JSON_TEXT_LENGTH_MAX) {
    throw new JqError(`a text of more than ${JQ_JSON_TEXT_LENGTH_MAX} characters cannot be parsed as JSON`);
  }
  work.chargeText(value.length * 4);
  if (/^\s*nan\s*$/.test(value)) return Number.NaN;
  try {
    const parsed = JSON.parse(value) as Json;
    if (!isDeeperThan(parsed, JSON_DEPTH_MAX)) return parsed;
  } catch {
    throw new JqError(`${described(value)} cannot be parsed as JSON`);
  }
  throw new JqError(`JSON nests deeper than ${JSON_DEPTH_MAX} levels`);
}

/** Where a value stands in a sorted list, or the negative place where it would. */
function search(items: readonly Json[], wanted: Json, work: Work): number {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compare(items[middle] ?? null, wanted, work);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}
