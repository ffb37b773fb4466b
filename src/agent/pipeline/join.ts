/** The step `join`: rows of two tables that agree in a column, side by side. */
import { z } from "zod";
import type { Json, JsonObject } from "#kernel/json.ts";
import { anyObject } from "../argument-values.ts";
import type { Work } from "../work.ts";
import { TABLE_CELLS_MAX, TABLE_ROWS_MAX } from "./limits.ts";
import { REFERENCE_FORMS, REFERENCE_LENGTH_MAX, readReference } from "./references.ts";
import { refuse, type StepContext, stepType } from "./step.ts";
import { cellOf, fieldSchema, keyOf, tableOf } from "./table.ts";

const side = z
  .union([z.string().max(REFERENCE_LENGTH_MAX), z.array(anyObject)])
  .describe(`a table, or a reference to one: ${REFERENCE_FORMS}`);

export const join = stepType({
  schema: z.strictObject({
    step: z.literal("join"),
    left: side.optional(),
    right: side,
    on: fieldSchema.describe("the column that rows of both tables agree in"),
  }),
  run: async ({ left, right, on }, input, context) => {
    const { work } = context;
    const leftRows = tableOf(left === undefined ? input : await read(left, "left", context), work, "left");
    const rightRows = tableOf(await read(right, "right", context), work, "right");
    return joinRows(leftRows, rightRows, on, work);
  },
});

async function read(given: string | Json, name: string, context: StepContext): Promise<Json> {
  if (typeof given !== "string") return given;
  const value = await readReference(given, context.tool);
  return value.ok ? value.value : refuse(`"${name}": ${value.error}`);
}

/** In the order of the left rows, for each in the order of the right ones. Absent and null agree with nothing. */
function joinRows(left: readonly JsonObject[], right: readonly JsonObject[], on: string, work: Work): JsonObject[] {
  const byKey = new Map<string, JsonObject[]>();
  for (const row of right) {
    const value = cellOf(row, on, work) ?? null;
    if (value === null) continue;
    const key = keyOf(value, work);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [row]);
    else same.push(row);
  }
  const joined: JsonObject[] = [];
  let cells = 0;
  for (const row of left) {
    const value = cellOf(row, on, work) ?? null;
    for (const other of value === null ? [] : (byKey.get(keyOf(value, work)) ?? [])) {
      if (joined.length === TABLE_ROWS_MAX) refuse(`the join gives more than ${TABLE_ROWS_MAX} rows: filter before`);
      const both = sideBySide(row, other, on);
      const width = Object.keys(both).length;
      work.charge(2 * width);
      cells += width;
      if (cells > TABLE_CELLS_MAX) refuse(`the join gives more than ${TABLE_CELLS_MAX} cells: select columns before`);
      joined.push(both);
    }
  }
  return joined;
}

/** Columns of the right row that the left has too get `right_` before their name; the shared one stands once. */
function sideBySide(left: JsonObject, right: JsonObject, on: string): JsonObject {
  const columns = new Map(Object.entries(left));
  for (const [name, value] of Object.entries(right)) {
    if (name === on && columns.has(on)) continue;
    let free = name;
    while (columns.has(free)) free = `right_${free}`;
    columns.set(free, value);
  }
  return Object.fromEntries(columns);
}
