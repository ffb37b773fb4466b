/** Functions on text, times as text among them; those that take a pattern stand in `pattern-functions.ts`. */
import type { Json } from "#kernel/json.ts";
import { utf8Length } from "#kernel/json.ts";
import { splitText } from "./arithmetic.ts";
import type { ValueFunction } from "./value-functions.ts";
import { bounded, described, isObject, JqError } from "./values.ts";

const BLANK_START = /^\s+/;
const SECOND = /\.\d{3}Z$/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

export const textFunctions: Readonly<Record<string, ValueFunction>> = {
  "utf8bytelength/0": (value, _, { work }) => {
    if (typeof value !== "string") throw new JqError(`${described(value)} only strings have UTF-8 byte length`);
    work.chargeText(value.length);
    return utf8Length(value);
  },
  "startswith/1": (value, [part]) => textOf(value, "startswith()").startsWith(textOf(part ?? null, "startswith()")),
  "endswith/1": (value, [part]) => textOf(value, "endswith()").endsWith(textOf(part ?? null, "endswith()")),
  "ltrimstr/1": (value, [part]) => trimmed(value, part ?? null, true, false),
  "rtrimstr/1": (value, [part]) => trimmed(value, part ?? null, false, true),
  "trimstr/1": (value, [part]) => trimmed(value, part ?? null, true, true),
  "trim/0": (value, _, { work }) => {
    work.chargeText(textOf(value, "trim input").length);
    return textOf(value, "trim input").trim();
  },
  "ltrim/0": (value, _, { work }) => {
    work.chargeText(textOf(value, "trim input").length);
    return textOf(value, "trim input").replace(BLANK_START, "");
  },
  "rtrim/0": (value, _, { work }) => {
    work.chargeText(textOf(value, "trim input").length);
    return textOf(value, "trim input").trimEnd();
  },
  "ascii_downcase/0": (value, _, { work }) => {
    work.chargeText(textOf(value, "ascii_downcase input").length);
    return textOf(value, "ascii_downcase input").replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  },
  "ascii_upcase/0": (value, _, { work }) => {
    work.chargeText(textOf(value, "ascii_upcase input").length);
    return textOf(value, "ascii_upcase input").replace(/[a-z]+/g, (letters) => letters.toUpperCase());
  },
  "explode/0": (value, _, { work }) => {
    work.charge(textOf(value, "explode input").length);
    return Array.from(textOf(value, "explode input"), (character) => character.codePointAt(0) ?? 0);
  },
  "implode/0": (value, _, { work }) => {
    if (!Array.isArray(value)) throw new JqError("implode input must be an array");
    work.charge(value.length);
    return value.map(characterOf).join("");
  },
  "split/1": (value, [separator], { work }) =>
    splitText(textOf(value, "split input"), textOf(separator ?? null, "split separator"), work),
  "join/1": (value, [separator], { work }) => {
    const items = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : null;
    if (items === null) throw new JqError(`Cannot iterate over ${described(value)}`);
    let made = "";
    for (const [index, item] of items.entries()) {
      const piece = item === null ? "" : joinable(item, made, work.charge.bind(work, 1));
      const glue = index === 0 ? "" : textOf(separator ?? null, "join separator");
      work.chargeText(piece.length + glue.length);
      made = bounded(made + glue + piece);
    }
    return made;
  },
  "todateiso8601/0": (value) => {
    const ms = typeof value === "number" ? Math.floor(value) * 1000 : Number.NaN;
    if (Number.isNaN(new Date(ms).getTime())) throw new JqError(`${described(value)} is not seconds since 1970`);
    return new Date(ms).toISOString().replace(SECOND, "Z");
  },
  "fromdateiso8601/0": (value) => {
    const ms = typeof value === "string" && ISO_TIME.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(ms)) throw new JqError(`${described(value)} does not match format "%Y-%m-%dT%H:%M:%SZ"`);
    return ms / 1000;
  },
};

function textOf(value: Json, what: string): string {
  if (typeof value === "string") return value;
  throw new JqError(`${what} requires string inputs, not ${described(value)}`);
}

function trimmed(value: Json, part: Json, left: boolean, right: boolean): Json {
  const whole = textOf(value, left ? "startswith()" : "endswith()");
  const cut = textOf(part, left ? "startswith()" : "endswith()");
  if (cut === "") return whole;
  const start = left && whole.startsWith(cut) ? cut.length : 0;
  const endsSo = right && whole.length - start >= cut.length && whole.endsWith(cut);
  return whole.slice(start, endsSo ? whole.length - cut.length : whole.length);
}

const REPLACEMENT = 0xfffd;

function characterOf(code: Json): string {
  if (typeof code !== "number" || Number.isNaN(code)) {
    throw new JqError(`${described(code)} can't be imploded, unicode codepoint needs to be numeric`);
  }
  const whole = Math.trunc(code);
  const isScalar = whole >= 0 && whole <= 0x10ffff && !(whole >= 0xd800 && whole <= 0xdfff);
  return String.fromCodePoint(isScalar ? whole : REPLACEMENT);
}

function joinable(item: Json, before: string, pay: () => void): string {
  pay();
  if (typeof item === "string") return item;
  if (typeof item === "number" || typeof item === "boolean") return String(item);
  throw new JqError(`${described(before)} and ${described(item)} cannot be added`);
}
