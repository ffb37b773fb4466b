/** `@json`, `@csv` and the other formats: a value as text for some other language. */
import type { Json } from "#kernel/json.ts";
import type { Work } from "../work.ts";
import { bounded, described, isObject, JqError, text } from "./values.ts";

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&apos;",
  '"': "&quot;",
};

const TSV: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

export function formatText(name: string, value: Json, work: Work): string {
  const plain = () => {
    const written = text(value, work);
    work.chargeText(written.length);
    return written;
  };
  switch (name) {
    case "@text":
      return plain();
    case "@json":
      return bounded(typeof value === "string" ? JSON.stringify(value) : plain());
    case "@html":
      return bounded(plain().replace(/[<>&'"]/g, (character) => HTML[character] ?? character));
    case "@uri":
      return bounded(
        encodeURIComponent(plain().toWellFormed()).replace(
          /[!'()*]/g,
          (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
        ),
      );
    case "@urid":
      return decoded(plain());
    case "@csv":
      return row(value, work, ",", (cell) => `"${cell.replaceAll('"', '""')}"`);
    case "@tsv":
      return row(value, work, "\t", (cell) => cell.replace(/[\\\t\n\r]/g, (character) => TSV[character] ?? character));
    case "@sh":
      return row(
        Array.isArray(value) ? value : [value],
        work,
        " ",
        (cell) => `'${cell.replaceAll("'", "'\\''")}'`,
        "null",
      );
    case "@base64":
      return bounded(toBase64(plain()));
    case "@base64d":
      return fromBase64(plain());
    default:
      throw new JqError(`${name.slice(1)} is not a valid format`);
  }
}

function row(value: Json, work: Work, separator: string, quote: (cell: string) => string, nothing = ""): string {
  if (!Array.isArray(value))
    throw new JqError(`${described(value)} cannot be formatted as a row, only an array can be`);
  const cells = value.map((cell) => {
    if (Array.isArray(cell) || isObject(cell)) throw new JqError(`${described(cell)} is not valid in a row`);
    if (cell === null) return nothing;
    const plain = text(cell, work);
    work.chargeText(plain.length);
    return typeof cell === "string" ? quote(plain) : plain;
  });
  return bounded(cells.join(separator));
}

function toBase64(plain: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(plain)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(encoded: string): string {
  const trimmed = encoded.replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(trimmed) || trimmed.length % 4 === 1) {
    throw new JqError(`${described(encoded)} is not valid base64 data`);
  }
  return new TextDecoder().decode(Uint8Array.from(atob(trimmed), (character) => character.charCodeAt(0)));
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new JqError(`${described(encoded)} is not a valid uri encoding`);
  }
}
