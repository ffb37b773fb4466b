/**
 * RFC 6902 said again: nothing is changed, each operation builds the document anew along its path. `undefined` is a
 * refusal.
 */
import type { Json, JsonObject } from "#kernel/json.ts";
import { normalForm } from "../support/arbitrary-json.ts";

export type Operation = { op: string; path: string; from?: string; value?: Json };
type Tokens = readonly string[];

export function tokensOf(pointer: string): Tokens {
  return pointer === ""
    ? []
    : pointer
        .slice(1)
        .split("/")
        .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const isIndex = (token: string) => String(Number(token)) === token && /^\d+$/.test(token);

function child(value: Json, token: string): Json | undefined {
  if (Array.isArray(value)) return isIndex(token) ? value[Number(token)] : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(Object.entries(value)).get(token);
}

export function valueAt(root: Json, pointer: string): Json | undefined {
  return tokensOf(pointer).reduce<Json | undefined>(
    (value, token) => (value === undefined ? undefined : child(value, token)),
    root,
  );
}

/** `value` with what is at `tokens` replaced by what `change` makes of the container and the last name. */
function rebuilt(
  value: Json,
  tokens: Tokens,
  change: (parent: Json, name: string) => Json | undefined,
): Json | undefined {
  const [name = "", ...rest] = tokens;
  if (rest.length === 0) return change(value, name);
  const inner = child(value, name);
  const made = inner === undefined ? undefined : rebuilt(inner, rest, change);
  if (made === undefined) return undefined;
  if (Array.isArray(value)) return value.with(Number(name), made);
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, each]) => [key, key === name ? made : each]),
  );
}

function added(root: Json, pointer: string, value: Json): Json | undefined {
  if (pointer === "") return value;
  return rebuilt(root, tokensOf(pointer), (parent, name) => {
    if (Array.isArray(parent)) {
      const index = name === "-" ? parent.length : isIndex(name) ? Number(name) : Number.NaN;
      return index <= parent.length ? parent.toSpliced(index, 0, value) : undefined;
    }
    if (typeof parent !== "object" || parent === null) return undefined;
    return Object.fromEntries([...Object.entries(parent), [name, value]]);
  });
}

export function removed(root: Json, pointer: string): Json | undefined {
  if (pointer === "" || valueAt(root, pointer) === undefined) return undefined;
  return rebuilt(root, tokensOf(pointer), (parent, name) =>
    Array.isArray(parent)
      ? parent.toSpliced(Number(name), 1)
      : Object.fromEntries(Object.entries(parent as JsonObject).filter(([key]) => key !== name)),
  );
}

export function performed(root: Json, { op, path, from = "", value = null }: Operation): Json | undefined {
  const there = valueAt(root, path);
  const source = valueAt(root, from);
  switch (op) {
    case "add":
      return added(root, path, value);
    case "remove":
      return removed(root, path);
    case "replace":
      if (there === undefined) return undefined;
      if (path === "") return value;
      return rebuilt(root, tokensOf(path), (parent, name) =>
        Array.isArray(parent)
          ? parent.with(Number(name), value)
          : Object.fromEntries([...Object.entries(parent as JsonObject), [name, value]]),
      );
    case "copy":
      return source === undefined ? undefined : added(root, path, source);
    case "move": {
      if (source === undefined || path.startsWith(`${from}/`)) return undefined;
      if (from === path) return root;
      const left = removed(root, from);
      return left === undefined ? undefined : added(left, path, source);
    }
    default:
      return there !== undefined && normalForm(there) === normalForm(value) ? root : undefined;
  }
}
