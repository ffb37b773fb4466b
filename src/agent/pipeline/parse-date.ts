/** The step `parse_date`: a column of dates in some format becomes RFC 3339 in UTC. */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { refuse, stepType } from "./step.ts";
import { cellOf, fieldSchema, tableOf, withColumns } from "./table.ts";

export const DATE_FORMAT_LENGTH_MAX = 64;

export const parseDate = stepType({
  schema: z.strictObject({
    step: z.literal("parse_date"),
    field: fieldSchema,
    format: z
      .string()
      .min(1)
      .max(DATE_FORMAT_LENGTH_MAX)
      .optional()
      .describe(
        "Unicode letters (dd/MM/yyyy HH:mm) or strptime (%d/%m/%Y %H:%M); without it ISO 8601, RFC 2822 and Unix time are read. UTC unless the text has an offset",
      ),
  }),
  run: async ({ field, format }, input, { work }) => {
    const { dateReader } = await import("./dates.ts");
    const reader = dateReader(format);
    if (!reader.ok) refuse(`"format": ${reader.error}`);
    const failed: string[] = [];
    const rows = tableOf(input, work).map((row, index) => {
      const cell = cellOf(row, field, work) ?? null;
      if (cell === null || cell === "") return row;
      work.charge(DATE_PRICE);
      const date = typeof cell === "string" || typeof cell === "number" ? reader.value(cell) : null;
      if (date === null) failed.push(`row ${index} has ${shown(cell)}`);
      return date === null ? row : withColumns(row, [[field, date]], work);
    });
    if (failed.length === 0) return rows;
    const what = format === undefined ? "a date that is known without a format" : `a date of the format ${format}`;
    return refuse(
      `"${field}" of ${failed.length} of ${rows.length} rows is not ${what}: ${failed.slice(0, 3).join(", ")}. Drop them with table_filter, or give their format`,
    );
  },
});

/** Work of reading one date, which is mostly the library's. */
const DATE_PRICE = 50;

function shown(cell: Json): string {
  const text = JSON.stringify(cell);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
