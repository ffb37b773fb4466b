/** Results as text: JSON with its `meta` as the platform's SQL API gives it, JSONEachRow, TabSeparated. */
import type { Format } from "./ast.ts";
import { dateText, dateTimeText } from "./calendar.ts";
import type { QueryResult } from "./execute.ts";
import { textOf } from "./functions/text.ts";
import { RESULT_LENGTH_MAX } from "./limits.ts";
import { SqlError, START } from "./sql-error.ts";
import { isWhole, type SqlType, typeName, type Value } from "./sql-types.ts";
import { at } from "./vector.ts";

export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  JSON: "application/json",
  JSONEachRow: "application/x-ndjson",
  TabSeparated: "text/tab-separated-values; charset=utf-8",
};

export function formatResult(result: QueryResult, format: Format): string {
  const bounded = new BoundedText();
  const { columns, rows, values } = result;
  const names = columns.map(({ name }) => JSON.stringify(name));
  const objectAt = (row: number) =>
    `{${columns.map(({ type }, index) => `${names[index]}:${jsonOf(at(values[index] as never, row), type)}`).join(",")}}`;
  switch (format) {
    case "JSON": {
      const meta = columns.map(({ name, type }) => ({ name, type: typeName(type) }));
      bounded.add(`{"meta":${JSON.stringify(meta)},"data":[`);
      for (let row = 0; row < rows; row++) bounded.add(`${row === 0 ? "" : ","}${objectAt(row)}`);
      bounded.add(`],"rows":${rows}}`);
      break;
    }
    case "JSONEachRow":
      for (let row = 0; row < rows; row++) bounded.add(`${objectAt(row)}\n`);
      break;
    case "TabSeparated":
      for (let row = 0; row < rows; row++) {
        const cells = columns.map(({ type }, index) => escaped(textOf(at(values[index] as never, row), type)));
        bounded.add(`${cells.join("\t")}\n`);
      }
  }
  return bounded.text();
}

class BoundedText {
  readonly #parts: string[] = [];
  #length = 0;

  add(part: string): void {
    this.#length += part.length;
    if (this.#length > RESULT_LENGTH_MAX) {
      throw new SqlError(START, `the answer has more than ${RESULT_LENGTH_MAX} characters: add LIMIT, or GROUP BY`);
    }
    this.#parts.push(part);
  }

  text(): string {
    return this.#parts.join("");
  }
}

/** Whole numbers of 64 bits are strings, so that no reader rounds them; what is no number in JSON is null. */
function jsonOf(value: Value, type: SqlType): string {
  switch (type.kind) {
    case "date":
      return JSON.stringify(dateText(value as number));
    case "datetime":
      return JSON.stringify(dateTimeText(value as number, type.zone));
    case "array":
      return `[${(value as readonly Value[]).map((item) => jsonOf(item, type.of)).join(",")}]`;
    case "string":
      return JSON.stringify(value);
    default: {
      if (!Number.isFinite(value)) return "null";
      const isWide = isWhole(type) && type.bits === 64;
      return isWide ? `"${wholeText(value as number)}"` : String((value as number) + 0);
    }
  }
}

function wholeText(value: number): string {
  return Number.isSafeInteger(value) ? String(value + 0) : String(BigInt(Math.trunc(value)));
}

function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\0", "\\0");
}
