/** Steps that keep rows as they are and choose among them: `table_sort`, `table_filter`, `table_select`, `top_k`. */
import { z } from "zod";
import { isEqualJson, type Json, type JsonObject } from "#kernel/json.ts";
import { anyJson } from "../argument-values.ts";
import type { Work } from "../work.ts";
import { FIELDS_MAX } from "./limits.ts";
import { stepType } from "./step.ts";
import { cellOf, compareCells, fieldSchema, listOf, sortRows, tableOf } from "./table.ts";

export const COMPARISONS = ["<", ">", "<=", ">=", "==", "!="] as const;
type Comparison = (typeof COMPARISONS)[number];

export const tableSort = stepType({
  schema: z.strictObject({
    step: z.literal("table_sort"),
    field: fieldSchema,
    order: z.enum(["asc", "desc"]).default("asc"),
  }),
  run: (step, input, { work }) => sortRows(tableOf(input, work), step.field, step.order, work),
});

export const tableFilter = stepType({
  schema: z.strictObject({
    step: z.literal("table_filter"),
    condition: z.strictObject({
      field: fieldSchema,
      op: z.enum(COMPARISONS),
      value: anyJson,
    }),
  }),
  run: ({ condition }, input, { work }) =>
    tableOf(input, work).filter((row) => {
      const cell = cellOf(row, condition.field, work);
      return cell !== undefined && holds(cell, condition.op, condition.value, work);
    }),
});

export const tableSelect = stepType({
  schema: z.strictObject({
    step: z.literal("table_select"),
    fields: z.array(fieldSchema).min(1).max(FIELDS_MAX),
  }),
  run: ({ fields }, input, { work }) =>
    tableOf(input, work).map((row) =>
      Object.fromEntries(
        fields.flatMap((field): [string, Json][] => {
          const cell = cellOf(row, field, work);
          return cell === undefined ? [] : [[field, cell]];
        }),
      ),
    ),
});

export const topK = stepType({
  schema: z.strictObject({
    step: z.literal("top_k"),
    k: z.int().min(1),
    field: fieldSchema.optional(),
  }),
  run: ({ k, field }, input, { work }): Json => {
    if (field === undefined) return listOf(input).slice(0, k);
    return sortRows(tableOf(input, work), field, "desc", work).slice(0, k) satisfies JsonObject[];
  },
});

/** `==` and `!=` compare whole values; the others hold only between two numbers or two texts. */
function holds(cell: Json, operator: Comparison, value: Json, work: Work): boolean {
  if (operator === "==" || operator === "!=") {
    work.charge(1 + (typeof value === "object" && value !== null ? JSON.stringify(value).length >> 3 : 0));
    return isEqualJson(cell, value) === (operator === "==");
  }
  if (typeof cell !== typeof value || (typeof cell !== "number" && typeof cell !== "string")) return false;
  const order = compareCells(cell, value, work);
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}
