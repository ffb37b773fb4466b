/** The step `regex_extract`: named groups of the first match in a column become columns. RE2, loaded when needed. */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { refuse, stepType } from "./step.ts";
import { cellOf, fieldSchema, tableOf, withColumns } from "./table.ts";

export const regexExtract = stepType({
  schema: z.strictObject({
    step: z.literal("regex_extract"),
    pattern: z.string().min(1).describe("RE2 syntax, with at least one named group: (?P<year>\\d{4})"),
    field: fieldSchema,
  }),
  run: async ({ pattern, field }, input, { work }) => {
    const { Pattern, PATTERN_TEXT_LENGTH_MAX } = await import("../pattern.ts");
    const compiled = Pattern.compile(pattern, work);
    if (!compiled.ok) refuse(`the pattern cannot be used: ${compiled.error}`);
    const names = compiled.value.names;
    if (names.length === 0) refuse("the pattern has no named group: write what becomes a column as (?P<name>…)");
    return tableOf(input, work).map((row, index) => {
      const text = textOf(cellOf(row, field, work));
      if (text !== null && text.length > PATTERN_TEXT_LENGTH_MAX) {
        refuse(`row ${index} has more than ${PATTERN_TEXT_LENGTH_MAX} characters in "${field}"`);
      }
      const match = text === null ? null : compiled.value.first(text, work);
      const columns = names.map((name): [string, Json] => {
        const group = match?.groups.find((one) => one.name === name);
        return [name, group === undefined || group.start < 0 ? null : (text ?? "").slice(group.start, group.end)];
      });
      return withColumns(row, columns, work);
    });
  },
});

function textOf(cell: Json | undefined): string | null {
  return typeof cell === "string" ? cell : typeof cell === "number" ? String(cell) : null;
}
