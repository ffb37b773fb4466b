/**
 * JSON as CEL sees it, and CEL's results as JSON. Values are wrapped when they are reached, never copied: the library
 * turns each object it meets into a Map of all its entries, reads `$typeName` as a protobuf message and
 * `constructor` off the value, which is neither cheap nor safe on documents of strangers.
 */
import { type CelList, type CelMap, type CelUint, type CelValue, isCelList, isCelMap, isCelUint } from "@bufbuild/cel";
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import { EXPRESSION_LIST_MAX } from "./limits.ts";
import { jsonResult } from "./result.ts";
import { charge, exceed } from "./work.ts";

type MapKey = bigint | string | boolean | CelUint;

// The library's brands: global symbols, though the types keep them private. A test holds them to `isCelList`.
const listBrand = Symbol.for("@bufbuild/cel/list");
const mapBrand = Symbol.for("@bufbuild/cel/map");

/** The CEL value of a JSON value; objects and arrays are views of it. */
export function celValue(json: Json): CelValue {
  if (typeof json !== "object" || json === null) return json;
  return Array.isArray(json) ? asCelList(new JsonList(json)) : asCelMap(new JsonMap(json));
}

abstract class BoundedList {
  readonly [listBrand] = {};
  abstract readonly size: number;
  abstract get(index: number): CelValue | undefined;

  *values(): IterableIterator<CelValue> {
    for (let index = 0; index < this.size; index++) {
      const value = this.get(index);
      if (value !== undefined) yield value;
    }
  }

  [Symbol.iterator](): IterableIterator<CelValue> {
    return this.values();
  }
}

class JsonList extends BoundedList {
  readonly json: Json[];

  constructor(json: Json[]) {
    super();
    this.json = json;
  }

  get size(): number {
    return this.json.length;
  }

  get(index: number): CelValue | undefined {
    const value = Number.isInteger(index) ? this.json[index] : undefined;
    return value === undefined ? undefined : celValue(value);
  }
}

/** A list made by `+`. Lists share their store as long as each only adds at its end, so building one stays linear. */
class JoinedList extends BoundedList {
  readonly store: CelValue[];
  readonly size: number;

  constructor(store: CelValue[], size: number) {
    super();
    this.store = store;
    this.size = size;
  }

  get(index: number): CelValue | undefined {
    return index >= 0 && index < this.size ? this.store[index] : undefined;
  }
}

/** `left + right` for lists, at most `EXPRESSION_LIST_MAX` long. */
export function joinLists(left: CelList, right: CelList): CelList {
  const size = left.size + right.size;
  if (size > EXPRESSION_LIST_MAX) exceed(`builds a list of more than ${EXPRESSION_LIST_MAX} elements`);
  charge(right.size);
  const shared = left instanceof JoinedList && left.store.length === left.size ? left.store : undefined;
  if (shared === undefined) charge(left.size);
  const store = shared ?? [...left];
  for (const value of [...right]) store.push(value);
  return asCelList(new JoinedList(store, size));
}

class JsonMap implements ReadonlyMap<MapKey, CelValue> {
  readonly [mapBrand] = {};
  readonly json: JsonObject;

  constructor(json: JsonObject) {
    this.json = json;
  }

  get size(): number {
    const { length } = Object.keys(this.json);
    charge(length >> 2);
    return length;
  }

  get(key: MapKey | number): CelValue | undefined {
    const value = typeof key === "string" ? ownValue(this.json, key) : undefined;
    return value === undefined ? undefined : celValue(value);
  }

  has(key: MapKey | number): boolean {
    return typeof key === "string" && Object.hasOwn(this.json, key);
  }

  forEach(callback: (value: CelValue, key: MapKey, map: ReadonlyMap<MapKey, CelValue>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }

  *entries(): MapIterator<[string, CelValue]> {
    for (const [key, value] of Object.entries(this.json)) yield [key, celValue(value)];
  }

  keys(): MapIterator<string> {
    return Object.keys(this.json).values();
  }

  *values(): MapIterator<CelValue> {
    for (const value of Object.values(this.json)) yield celValue(value);
  }

  [Symbol.iterator](): MapIterator<[string, CelValue]> {
    return this.entries();
  }
}

function asCelList(list: BoundedList): CelList {
  return list as unknown as CelList;
}

function asCelMap(map: JsonMap): CelMap {
  return map as unknown as CelMap;
}

/** The JSON that a CEL value wraps, if it is a view of one. */
export function wrappedJson(value: unknown): Json | undefined {
  return value instanceof JsonMap || value instanceof JsonList ? value.json : undefined;
}

/**
 * A CEL value as JSON; `text` writes timestamps and durations. A view is answered with the document itself, not a
 * copy. Errors: `number_range`, `output_too_large`, `expression_limit`, `expression_failed`.
 */
export function jsonOf(value: CelValue, text: (value: CelValue) => string | undefined): Result<Json, NodeError> {
  const whole = wrappedJson(value);
  if (whole !== undefined) return ok(whole);

  const converted = new Map<object, Json>();
  let problem: NodeError | undefined;

  function refuse(error: NodeError): Json {
    problem ??= error;
    return null;
  }

  function convert(part: CelValue): Json {
    if (problem !== undefined || part === null) return null;
    if (typeof part === "bigint") return integer(part);
    // Adding 0 turns -0 into 0, which is all that JSON can tell.
    if (typeof part === "number") return part + 0;
    if (typeof part !== "object") return part;
    const known = converted.get(part);
    if (known !== undefined) return known;
    const json = wrappedJson(part) ?? convertObject(part);
    converted.set(part, json);
    return json;
  }

  function convertObject(part: CelValue): Json {
    if (isCelList(part)) return [...part].map(convert);
    if (isCelMap(part)) return convertMap(part);
    if (isCelUint(part)) return integer(part.value);
    const written = text(part);
    return (
      written ?? refuse(nodeError("expression_failed", "the result holds bytes or a type, which JSON has no form for"))
    );
  }

  function convertMap(map: CelMap): Json {
    const entries: [string, Json][] = [];
    for (const [key, value] of map.entries()) {
      if (typeof key !== "string") {
        return refuse(nodeError("expression_failed", "the result holds a map with a key that is not a string"));
      }
      entries.push([key, convert(value)]);
    }
    // Not assignment: an entry named `__proto__` must stay an entry.
    return Object.fromEntries(entries);
  }

  function integer(value: bigint): Json {
    const safe = value <= INTEGER_MAX && value >= -INTEGER_MAX;
    return safe ? Number(value) : refuse(nodeError("number_range", `the integer ${value} is beyond ±2^53`));
  }

  const json = convert(value);
  return problem === undefined ? jsonResult(json) : fail(problem);
}

const INTEGER_MAX = 2n ** 53n;
