/** What a node or an expression gives: a value, anything that looks right, or a failure by one of some codes. */
import { isEqualJson, type Json, type JsonObject } from "#kernel/json.ts";

export type Given =
  | { ok: true; value: Json }
  /** The value depends on what the model does not know; it must look like this. */
  | { ok: true; like: (value: Json) => boolean }
  | { ok: false; code: string };

export function gives(value: Json): Given {
  return { ok: true, value };
}

export function givesLike(like: (value: Json) => boolean): Given {
  return { ok: true, like };
}

export function refuses(code: string): Given {
  return { ok: false, code };
}

/** Whether a value is what was to be given. */
export function isGiven(given: Given, value: Json): boolean {
  if (!given.ok) return false;
  return "value" in given ? isEqualJson(given.value, value) : given.like(value);
}

/** A failure as data: what failure edges carry, and the output of a node that continues on error. */
export function errorAsOutput(error: { code: string; message: string; details?: object }, node: string): JsonObject {
  const { code, message, details } = error;
  return { code, message, node, ...(details === undefined ? {} : { details: details as JsonObject }) };
}
