/** The `aggregate` node: one value from many items. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { LIST_ITEMS_MAX } from "#workflow/limits.ts";
import type { AggregateOperation } from "#workflow/node-configs.ts";
import { valueAt } from "./path.ts";

/**
 * Aggregates a list, or the values of an object (so that a join's input can be aggregated as it is). With `field`,
 * items that lack it are left out. `avg`, `min` and `max` of nothing are null, `sum` and `count` are 0.
 */
export function aggregate(source: Json, operation: AggregateOperation, field?: string): Result<Json, NodeError> {
  const items = Array.isArray(source) ? source : isJsonObject(source) ? Object.values(source) : null;
  if (items === null) {
    return fail(nodeError("expression_failed", `aggregate needs a list or an object, not ${describe(source)}`));
  }
  if (items.length > LIST_ITEMS_MAX) {
    return fail(nodeError("expression_limit", `aggregate takes at most ${LIST_ITEMS_MAX} items, not ${items.length}`));
  }
  const values = field === undefined ? items : items.map((item) => valueAt(item, field)).filter(isPresent);
  switch (operation) {
    case "count":
      return ok(values.length);
    case "collect":
      return ok(values);
    case "merge":
      return merge(values);
    case "min":
    case "max":
      return values.every((value) => typeof value === "string")
        ? ok(extreme(values as string[], operation))
        : numeric(values, (numbers) => extreme(numbers, operation));
    case "sum":
      return numeric(values, sum);
    case "avg":
      return numeric(values, (numbers) => (numbers.length === 0 ? null : sum(numbers) / numbers.length));
  }
}

function numeric(values: readonly Json[], reduce: (numbers: number[]) => Json): Result<Json, NodeError> {
  const wrong = values.findIndex((value) => typeof value !== "number");
  if (wrong !== -1) {
    return fail(nodeError("expression_failed", `value ${wrong} is ${describe(values[wrong] ?? null)}, not a number`));
  }
  const result = reduce(values as number[]);
  return typeof result === "number" && !Number.isFinite(result)
    ? fail(nodeError("number_range", "the result is beyond the range of a JSON number"))
    : ok(result);
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function extreme<Value extends number | string>(values: readonly Value[], operation: "min" | "max"): Value | null {
  let best: Value | null = null;
  for (const value of values) {
    if (best === null || (operation === "min" ? value < best : value > best)) best = value;
  }
  return best;
}

function merge(values: readonly Json[]): Result<Json, NodeError> {
  if (values.length > 0 && values.every((value) => Array.isArray(value))) return ok(values.flat(1) as Json[]);
  const merged: JsonObject = {};
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (!isJsonObject(value)) {
      return fail(
        nodeError("expression_failed", `value ${index} is ${describe(value)}: merge takes objects, or lists`),
      );
    }
    for (const [key, inner] of Object.entries(value)) {
      Object.defineProperty(merged, key, { value: inner, enumerable: true, configurable: true, writable: true });
    }
  }
  return ok(merged);
}

function isPresent(value: Json | undefined): value is Json {
  return value !== undefined;
}

/** What a value is, in words for an error message. */
export function describe(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
