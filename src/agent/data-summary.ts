/** Says in a sentence what a piece of data holds: rows, columns, ranges. What the demo model has instead of thoughts. */
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";

/** Columns that a sentence describes. */
const COLUMNS_MAX = 5;

/** The largest list of objects in a value, and where it stands; null when there is none. */
export function findTable(value: Json, depth = 0): JsonObject[] | null {
  if (Array.isArray(value)) {
    const rows = value.filter(isJsonObject);
    return rows.length > 0 && rows.length === value.length ? rows : null;
  }
  if (!isJsonObject(value) || depth > 4) return null;
  let largest: JsonObject[] | null = null;
  for (const inner of Object.values(value)) {
    const table = findTable(inner, depth + 1);
    if (table !== null && table.length > (largest?.length ?? 0)) largest = table;
  }
  return largest;
}

export function summarise(value: Json): string {
  const table = findTable(value);
  if (table !== null) return summariseTable(table);
  if (Array.isArray(value)) return `a list of ${value.length} ${value.length === 1 ? "value" : "values"}`;
  if (isJsonObject(value)) {
    const keys = Object.keys(value);
    return keys.length === 0 ? "nothing" : `an object with ${keys.slice(0, COLUMNS_MAX).join(", ")}`;
  }
  return value === null ? "nothing" : JSON.stringify(value).slice(0, 200);
}

function summariseTable(rows: readonly JsonObject[]): string {
  const columns = Object.keys(rows[0] ?? {}).slice(0, COLUMNS_MAX);
  const parts = columns.map((column) => summariseColumn(column, rows));
  return `${rows.length} ${rows.length === 1 ? "row" : "rows"}: ${parts.join("; ")}`;
}

function summariseColumn(column: string, rows: readonly JsonObject[]): string {
  const numbers = rows.map((row) => row[column]).filter((value) => typeof value === "number");
  if (numbers.length > 0) {
    const sum = numbers.reduce((total, number) => total + number, 0);
    const least = numbers.reduce((left, right) => Math.min(left, right));
    const most = numbers.reduce((left, right) => Math.max(left, right));
    return `${column} from ${round(least)} to ${round(most)}, ${round(sum / numbers.length)} on average`;
  }
  const distinct = new Set(rows.map((row) => JSON.stringify(row[column] ?? null)));
  return `${column} with ${distinct.size} different ${distinct.size === 1 ? "value" : "values"}`;
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
