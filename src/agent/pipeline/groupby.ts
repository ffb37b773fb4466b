/** The step `groupby`: rows with equal values in some columns become one row, with one aggregate of them. */
import { z } from "zod";
import { describe } from "#engine/inline/aggregate.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { FIELDS_MAX } from "./limits.ts";
import { refuse, stepType } from "./step.ts";
import { cellOf, compareCells, fieldSchema, keyOf, tableOf } from "./table.ts";

export const AGGREGATES = ["count", "sum", "avg", "min", "max"] as const;
type Aggregate = (typeof AGGREGATES)[number];

export const groupby = stepType({
  schema: z.strictObject({
    step: z.literal("groupby"),
    by: z.array(fieldSchema).max(FIELDS_MAX).describe("an empty list makes one group of all rows"),
    agg: z.enum(AGGREGATES),
    field: fieldSchema.optional().describe("what is aggregated; count needs none"),
  }),
  run: ({ by, agg, field }, input, { work }) => {
    if (field === undefined && agg !== "count") refuse(`${agg} needs "field", the column to aggregate`);
    const column = columnOf(agg, field);
    if (by.includes(column)) {
      refuse(`the result column would be named "${column}", as one of "by" is: rename that one before`);
    }
    const rows = tableOf(input, work);
    const groups = new Map<string, { keys: Json[]; values: Json[] }>();
    // As in SQL, a total has one row even of no rows.
    if (by.length === 0) groups.set("[]", { keys: [], values: [] });
    for (const [index, row] of rows.entries()) {
      const keys = by.map((name) => cellOf(row, name, work) ?? null);
      const key = keyOf(keys, work);
      let group = groups.get(key);
      if (group === undefined) {
        group = { keys, values: [] };
        groups.set(key, group);
      }
      const value = field === undefined ? true : (cellOf(row, field, work) ?? null);
      // Missing values have no part in an aggregate.
      if (value !== null) group.values.push(agg === "count" ? true : aggregable(value, agg, field ?? "", index));
    }
    return [...groups.values()].map(
      ({ keys, values }): JsonObject =>
        Object.fromEntries([
          ...by.map((name, position) => [name, keys[position] ?? null] as const),
          [column, aggregate(values, agg, work)] as const,
        ]),
    );
  },
});

/** `count`, `sum_price`: the name of the result column. */
function columnOf(agg: Aggregate, field: string | undefined): string {
  return field === undefined ? agg : `${agg}_${field}`;
}

function aggregable(value: Json, agg: Aggregate, field: string, index: number): Json {
  if (typeof value === "number") return value;
  if (typeof value === "string" && (agg === "min" || agg === "max")) return value;
  return refuse(`row ${index} has ${describe(value)} in "${field}", which ${agg} cannot take: numbers are needed`);
}

/** `avg`, `min` and `max` of nothing are null, `sum` is 0. */
function aggregate(values: readonly Json[], agg: Aggregate, work: Work): Json {
  work.charge(values.length + 1);
  if (agg === "count") return values.length;
  if (agg === "min" || agg === "max") return extreme(values, agg, work);
  let sum = 0;
  for (const value of values) sum += value as number;
  if (!Number.isFinite(sum)) refuse(`the ${agg} is beyond the range of a JSON number`);
  if (agg === "sum") return sum;
  return values.length === 0 ? null : sum / values.length;
}

function extreme(values: readonly Json[], agg: "min" | "max", work: Work): Json {
  let best: Json = null;
  for (const value of values) {
    if (best !== null && typeof best !== typeof value) {
      refuse(`${agg} cannot compare numbers with text: filter one of them out, or convert with jq_transform`);
    }
    const order = best === null ? 0 : compareCells(value, best, work);
    if (best === null || (agg === "min" ? order < 0 : order > 0)) best = value;
  }
  return best;
}
