/** Tables: lists of objects, one a row. What is a table, what a row has in a column, how values compare. */
import { z } from "zod";
import { describe } from "#engine/inline/aggregate.ts";
import { valueAt } from "#engine/inline/path.ts";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { FIELD_LENGTH_MAX, TABLE_CELLS_MAX, TABLE_ROWS_MAX } from "./limits.ts";
import { refuse } from "./step.ts";

export const fieldSchema = z
  .string()
  .min(1)
  .max(FIELD_LENGTH_MAX)
  .describe("a column; a dotted path such as user.name reaches into objects");

/** The value as a table within its bounds; otherwise `StepRefused` says what it is instead. */
export function tableOf(value: Json, work: Work, what = "the input"): JsonObject[] {
  if (!Array.isArray(value)) refuse(`${what} is ${described(value)}, not a table (a list of objects)${hint(value)}`);
  if (value.length > TABLE_ROWS_MAX) refuse(`${what} has ${value.length} rows; at most ${TABLE_ROWS_MAX} are taken`);
  let cells = 0;
  for (const [index, row] of value.entries()) {
    if (!isJsonObject(row)) refuse(`${what} is not a table: element ${index} is ${describe(row)}, not an object`);
    cells += Object.keys(row).length;
  }
  work.charge(value.length + cells);
  if (cells > TABLE_CELLS_MAX) refuse(`${what} has ${cells} cells; at most ${TABLE_CELLS_MAX} are taken`);
  return value as JsonObject[];
}

/** Elements of any list. */
export function listOf(value: Json): Json[] {
  if (!Array.isArray(value)) refuse(`the input is ${described(value)}, not a list${hint(value)}`);
  return value;
}

/** What a row has in a column: a column of that very name, else what stands at the dotted path. */
export function cellOf(row: JsonObject, field: string, work: Work): Json | undefined {
  work.charge(1);
  return Object.hasOwn(row, field) ? row[field] : valueAt(row, field);
}

/** A copy of the row in which the columns have these values; new ones come last. */
export function withColumns(row: JsonObject, columns: readonly (readonly [string, Json])[], work: Work): JsonObject {
  const entries = Object.entries(row);
  work.charge(entries.length + columns.length);
  // Not assignment: a column named `__proto__` must stay a column.
  return Object.fromEntries([...entries, ...columns]);
}

/** Equal for equal values, members in any order. Unlike canonical JSON it takes halves of surrogate pairs, as servers send. */
export function keyOf(value: Json, work: Work): string {
  work.charge(1);
  if (typeof value !== "object" || value === null) {
    const text = JSON.stringify(value);
    work.chargeText(text.length);
    return text;
  }
  if (Array.isArray(value)) return `[${value.map((item) => keyOf(item, work)).join()}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${keyOf(value[name] ?? null, work)}`).join()}}`;
}

/** False, true, numbers, texts, then lists and objects, which are all alike; what is missing is not compared. */
export function compareCells(left: Json, right: Json, work: Work): number {
  const ranks = rank(left) - rank(right);
  if (ranks !== 0) return ranks;
  if (typeof left === "number") return left - (right as number);
  if (typeof left === "boolean") return Number(left) - Number(right);
  if (typeof left !== "string" || typeof right !== "string") return 0;
  work.chargeText(Math.min(left.length, right.length));
  return left < right ? -1 : left > right ? 1 : 0;
}

function rank(value: Json): number {
  return typeof value === "boolean" ? 0 : typeof value === "number" ? 1 : typeof value === "string" ? 2 : 3;
}

/** Stable, by what the rows have in a column; absent and null last, whichever the order. */
export function sortRows(rows: readonly JsonObject[], field: string, order: "asc" | "desc", work: Work): JsonObject[] {
  const sign = order === "asc" ? 1 : -1;
  const keyed = rows.map((row) => ({ row, cell: cellOf(row, field, work) ?? null }));
  keyed.sort((left, right) => {
    work.charge(1);
    if (left.cell === null || right.cell === null) return Number(left.cell === null) - Number(right.cell === null);
    return sign * compareCells(left.cell, right.cell, work);
  });
  return keyed.map(({ row }) => row);
}

function described(value: Json): string {
  if (!isJsonObject(value)) return describe(value);
  const keys = Object.keys(value);
  const shown = keys.slice(0, 10).map((key) => key.slice(0, 40));
  return `an object with the keys ${shown.join(", ") || "(none)"}${keys.length > shown.length ? ", …" : ""}`;
}

/** Most answers of servers have their table somewhere inside. */
function hint(value: Json): string {
  if (!isJsonObject(value)) return "";
  const key = Object.keys(value).find((name) => Array.isArray(value[name]) && /^[A-Za-z_]\w*$/.test(name));
  return key === undefined ? "" : `; take the list with { "step": "jq_transform", "query": ".${key}" } first`;
}
