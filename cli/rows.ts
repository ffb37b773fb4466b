/** Rows of a query as a table or as CSV (RFC 4180). */
import type { Output } from "./output.ts";
import { table } from "./table.ts";

/** As the API answers a query. */
export interface Rows {
  meta: { name: string; type: string }[];
  data: Record<string, unknown>[];
}

export function rowTable({ meta, data }: Rows, { paint, width }: Output): string[] {
  if (data.length === 0) return ["no rows"];
  const columns = meta.map(({ name, type }) => ({
    title: name,
    ...(/^(U?Int|Float)/.test(type) ? { align: "right" as const } : { mayShrink: true }),
  }));
  const rows = data.map((row) => meta.map(({ name }) => cellText(row[name])));
  return table(columns, rows, width, (text) => paint("dim", text));
}

/** The header and a line for each row. */
export function csvLines({ meta, data }: Rows, separator = ","): string[] {
  const line = (values: readonly unknown[]) =>
    values.map((value) => quoted(cellText(value), separator)).join(separator);
  return [line(meta.map(({ name }) => name)), ...data.map((row) => line(meta.map(({ name }) => row[name])))];
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function quoted(text: string, separator: string): string {
  const needsQuotes = text.includes(separator) || /["\r\n]/.test(text);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}
