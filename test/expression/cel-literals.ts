/** JSON values as an author would write them in CEL. */
import type { Json } from "#kernel/json.ts";

/** A double as CEL reads it: never like an int. */
export function doubleLiteral(value: number): string {
  const text = String(value);
  const written = /[.e]/.test(text) ? text : `${text}.0`;
  return written.startsWith("-") ? `(${written})` : written;
}

/** A text as a CEL literal, with every character that may not stand in one escaped. */
export function textLiteral(value: string): string {
  const escaped = value.replaceAll(/[\\'\n\r]/g, (found) => ({ "\n": "\\n", "\r": "\\r" })[found] ?? `\\${found}`);
  return `'${escaped}'`;
}

/** A value of which every number is a double, as those of documents are. */
export function jsonLiteral(value: Json): string {
  if (typeof value === "number") return doubleLiteral(value);
  if (typeof value === "string") return textLiteral(value);
  if (Array.isArray(value)) return `[${value.map(jsonLiteral).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([name, child]) => `${textLiteral(name)}: ${jsonLiteral(child)}`)
    .join(", ")}}`;
}
