/** Reading and changing a value at a path: a list of keys, indexes and slices. Values are shared, never changed. */
import { type Json, type JsonObject, ownValue } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { JQ_LIST_LENGTH_MAX } from "./limits.ts";
import { codePoints, compare, described, isEqual, isObject, JqError, sorted, typeName } from "./values.ts";

/** Keys are text, indexes numbers, slices `{ start, end }`; anything else cannot be followed. */
export type Path = readonly Json[];

/** One step down: what is missing reads as null. */
export function stepInto(value: Json, key: Json, work: Work): Json {
  work.charge(1);
  if (typeof key === "string" && (isObject(value) || value === null)) {
    return value === null ? null : (ownValue(value, key) ?? null);
  }
  if (typeof key === "number" && (Array.isArray(value) || value === null)) {
    if (value === null || Number.isNaN(key)) return null;
    const index = Math.floor(key);
    return value[index < 0 ? index + value.length : index] ?? null;
  }
  if (isObject(key) && (isSlice(key) || value === null))
    return sliceOf(value, key.start ?? null, key.end ?? null, work);
  if (Array.isArray(key) && Array.isArray(value)) return indicesOf(value, key, work);
  throw cannotIndex(value, key);
}

function cannotIndex(value: Json, key: Json): JqError {
  const what = typeof key === "string" ? `string "${key.slice(0, 60)}"` : typeName(key);
  return new JqError(`Cannot index ${typeName(value)} with ${what}`);
}

function isSlice(key: JsonObject): boolean {
  return Object.hasOwn(key, "start") && Object.hasOwn(key, "end");
}

/** Where `part` begins in `list`. */
export function indicesOf(list: Json[], part: Json[], work: Work): Json {
  if (part.length === 0) return [];
  const found: number[] = [];
  for (let at = 0; at + part.length <= list.length; at++) {
    work.charge(1);
    if (part.every((item, offset) => isEqual(item, list[at + offset] ?? null, work))) found.push(at);
  }
  return found;
}

export function sliceOf(value: Json, from: Json, to: Json, work: Work): Json {
  if (value === null) return null;
  if (typeof value !== "string" && !Array.isArray(value)) {
    throw new JqError(`Cannot index ${typeName(value)} with object`);
  }
  work.charge((value.length >> 4) + 1);
  const items = typeof value === "string" ? codePoints(value) : value;
  const [start, end] = sliceBounds(items.length, from, to);
  const part = items.slice(start, end);
  return typeof value === "string" && Array.isArray(part) ? part.join("") : part;
}

function sliceBounds(length: number, from: Json, to: Json): [number, number] {
  if ((from !== null && typeof from !== "number") || (to !== null && typeof to !== "number")) {
    throw new JqError("Start and end indices of an array slice must be numbers");
  }
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + length : index, 0), length);
  const start = clamp(Math.floor(from ?? 0) || 0);
  const end = clamp(to === null || Number.isNaN(to) ? length : Math.ceil(to));
  return [start, Math.max(start, end)];
}

export function getPath(value: Json, path: Path, work: Work): Json {
  let current = value;
  for (const key of path) current = stepInto(current, key, work);
  return current;
}

/** A copy with `value` at the path; what stands in its way and is null becomes a list or an object. */
export function setPath(root: Json, path: Path, value: Json, work: Work): Json {
  return updatePath(root, path, 0, () => value, work);
}

/** A copy with what `update` makes of the value at the path. */
export function updatePath(root: Json, path: Path, depth: number, update: (old: Json) => Json, work: Work): Json {
  if (depth === path.length) return update(root);
  const key = path[depth] ?? null;
  const inner = (old: Json) => updatePath(old, path, depth + 1, update, work);
  if (typeof key === "string" && (isObject(root) || root === null)) {
    const object = root ?? {};
    work.charge(Object.keys(object).length + 1);
    return { ...object, [key]: inner(ownValue(object, key) ?? null) };
  }
  if (typeof key === "number" && (Array.isArray(root) || root === null)) return setIndex(root ?? [], key, inner, work);
  if (isObject(key) && isSlice(key) && (Array.isArray(root) || root === null)) {
    const list = root ?? [];
    const [start, end] = sliceBounds(list.length, key.start ?? null, key.end ?? null);
    work.charge(list.length + 1);
    const part = inner(root === null ? null : list.slice(start, end));
    if (!Array.isArray(part)) throw new JqError("A slice of an array can only be assigned another array");
    return boundedList([...list.slice(0, start), ...part, ...list.slice(end)]);
  }
  throw cannotIndex(root, key);
}

function setIndex(list: Json[], key: number, inner: (old: Json) => Json, work: Work): Json {
  const floor = Math.floor(key) || 0;
  const index = floor < 0 ? floor + list.length : floor;
  if (index < 0) throw new JqError("Out of bounds negative array index");
  if (index >= JQ_LIST_LENGTH_MAX) throw new JqError("Array index too large");
  work.charge(Math.max(list.length, index) + 1);
  const copy = list.slice();
  while (copy.length < index) copy.push(null);
  copy[index] = inner(list[index] ?? null);
  return copy;
}

function boundedList(list: Json[]): Json[] {
  if (list.length > JQ_LIST_LENGTH_MAX) throw new JqError(`a list of more than ${JQ_LIST_LENGTH_MAX} elements`);
  return list;
}

/** A copy without what stands at the paths; every index counts in the list as it was. */
export function deletePaths(root: Json, paths: readonly Json[], work: Work): Json {
  const checked = paths.map((path): Json[] => {
    if (!Array.isArray(path)) throw new JqError("Path must be specified as an array");
    return path;
  });
  if (checked.some((path) => path.length === 0)) return null;
  return deleteSorted(
    root,
    sorted(checked, (left, right) => compare(left, right, work), work),
    0,
    work,
  );
}

/** `paths` are sorted and agree up to `depth`, where none ends. */
function deleteSorted(root: Json, paths: readonly Json[][], depth: number, work: Work): Json {
  let value = root;
  const gone: Json[] = [];
  for (let start = 0; start < paths.length; ) {
    const key = paths[start]?.[depth] ?? null;
    let end = start;
    while (end < paths.length && isEqual(paths[end]?.[depth] ?? null, key, work)) end += 1;
    const group = paths.slice(start, end);
    if (group.some((path) => path.length === depth + 1)) gone.push(key);
    else if (value !== null) {
      const old = stepInto(value, key, work);
      if (old !== null) value = updatePath(value, [key], 0, () => deleteSorted(old, group, depth + 1, work), work);
    }
    start = end;
  }
  return gone.length === 0 ? value : deleteKeys(value, gone, work);
}

function deleteKeys(root: Json, keys: readonly Json[], work: Work): Json {
  if (root === null) return null;
  if (isObject(root)) {
    const names = new Set(keys.map((key) => (typeof key === "string" ? key : cannotDelete(root, key))));
    work.charge(Object.keys(root).length + keys.length);
    return Object.fromEntries(Object.entries(root).filter(([name]) => !names.has(name)));
  }
  if (!Array.isArray(root)) return cannotDelete(root, keys[0] ?? null);
  const gone = new Set<number>();
  for (const key of keys) {
    const [start, end] = placesOf(root, key);
    work.charge(end - start + 1);
    for (let index = start; index < end; index++) gone.add(index);
  }
  work.charge(root.length);
  return root.filter((_, index) => !gone.has(index));
}

function placesOf(list: Json[], key: Json): [number, number] {
  if (isObject(key) && isSlice(key)) return sliceBounds(list.length, key.start ?? null, key.end ?? null);
  if (typeof key !== "number") return cannotDelete(list, key);
  const floor = Math.floor(key);
  const index = floor < 0 ? floor + list.length : floor;
  return index >= 0 && index < list.length ? [index, index + 1] : [0, 0];
}

function cannotDelete(root: Json, key: Json): never {
  throw new JqError(`Cannot delete ${described(key)} of ${typeName(root)}`);
}
