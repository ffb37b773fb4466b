/** Functions of strings. Lengths and places are counted in code points. */
import { dateText, dateTimeText } from "../calendar.ts";
import { SqlError } from "../sql-error.ts";
import { isNumber, type SqlType, STRING, UINT8, UINT64, type Value } from "../sql-types.ts";
import { bytesOf } from "./bits.ts";
import {
  type Call,
  constantText,
  hasArgument,
  placeOf,
  type ScalarFunction,
  textArgument,
  typeOf,
  wholeArgument,
} from "./declare.ts";

/** Pieces that one format() may put together. */
const FORMAT_ARGUMENTS_MAX = 100;

export const TEXT_FUNCTIONS: readonly ScalarFunction[] = [
  ofText("length", "code points of a string", UINT64, (text) => [...text].length),
  ofText("empty", "1 for the empty string", UINT8, (text) => Number(text === "")),
  ofText("lower", "a to z in place of A to Z", STRING, (text) =>
    text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase()),
  ),
  ofText("upper", "A to Z in place of a to z", STRING, (text) =>
    text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase()),
  ),
  ofText("lowerUTF8", "lower case in every script", STRING, (text) => text.toLowerCase(), ["toLower"]),
  ofText("upperUTF8", "upper case in every script", STRING, (text) => text.toUpperCase(), ["toUpper"]),
  ofTwo("startsWith", "startsWith(s, prefix)", "1 when s begins with prefix", UINT8, (text, prefix) =>
    Number(text.startsWith(prefix)),
  ),
  ofTwo("endsWith", "endsWith(s, suffix)", "1 when s ends with suffix", UINT8, (text, suffix) =>
    Number(text.endsWith(suffix)),
  ),
  ofTwo(
    "position",
    "position(needle IN s)",
    "where needle first stands in s, counted from 1; 0 when it does not",
    UINT64,
    (needle, text) => {
      const found = text.indexOf(needle);
      return found === -1 ? 0 : [...text.slice(0, found)].length + 1;
    },
  ),
  {
    name: "substring",
    usage: "substring(s, offset[, length])",
    description: "part of s from a place counted from 1, or from its end when negative",
    least: 2,
    most: 3,
    check(call) {
      textArgument(call, 0);
      wholeArgument(call, 1);
      if (hasArgument(call, 2)) wholeArgument(call, 2);
      return { type: STRING, apply: substring };
    },
  },
  {
    name: "format",
    usage: "format('{} of {}', a, …)",
    description: "the string with each {} replaced by the next value",
    least: 1,
    most: FORMAT_ARGUMENTS_MAX,
    check: checkFormat,
  },
  {
    name: "hex",
    usage: "hex(x)",
    description: "the bytes of a string or a number in hexadecimal",
    least: 1,
    most: 1,
    check(call) {
      const digits = (bytes: Iterable<number>) =>
        Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
      return { type: STRING, apply: (value: Value) => withoutZeros(digits(bytesIn(call, value)).join(""), call, 2) };
    },
  },
  {
    name: "bin",
    usage: "bin(x)",
    description: "the bytes of a string or a number in binary",
    least: 1,
    most: 1,
    check(call) {
      const digits = (bytes: Iterable<number>) => Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0"));
      return { type: STRING, apply: (value: Value) => withoutZeros(digits(bytesIn(call, value)).join(""), call, 8) };
    },
  },
];

function ofText(
  name: string,
  description: string,
  type: SqlType,
  apply: (text: string) => Value,
  aliases: readonly string[] = [],
): ScalarFunction {
  return {
    name,
    aliases,
    usage: `${name}(s)`,
    description,
    least: 1,
    most: 1,
    check(call) {
      textArgument(call, 0);
      return { type, apply };
    },
  };
}

function ofTwo(
  name: string,
  usage: string,
  description: string,
  type: SqlType,
  apply: (first: string, second: string) => Value,
): ScalarFunction {
  return {
    name,
    usage,
    description,
    least: 2,
    most: 2,
    check(call) {
      textArgument(call, 0);
      textArgument(call, 1);
      return { type, apply };
    },
  };
}

function substring(text: string, offset: number, length?: number): string {
  const points = [...text];
  if (offset === 0) return "";
  const from = offset > 0 ? offset - 1 : Math.max(0, points.length + offset);
  if (length === undefined) return points.slice(from).join("");
  const to = length >= 0 ? from + length : points.length + length;
  return points.slice(from, Math.max(from, to)).join("");
}

function checkFormat(call: Call) {
  const pattern = constantText(call, 0);
  const pieces = pattern.split("{}");
  if (pieces.some((piece) => /[{}]/.test(piece))) {
    throw new SqlError(placeOf(call, 0), "{ and } stand only as {}, which is where a value goes");
  }
  const values = call.args.length - 1;
  if (pieces.length - 1 !== values) {
    throw new SqlError(placeOf(call, 0), `the string has ${pieces.length - 1} {} and ${values} values follow it`);
  }
  const types = call.args.slice(1).map((arg) => arg.type);
  const apply = (_: string, ...given: Value[]) =>
    pieces
      .map((piece, index) => (index === 0 ? piece : textOf(given[index - 1] as Value, types[index - 1]) + piece))
      .join("");
  return { type: STRING, apply };
}

/** A value as text, as TabSeparated prints it but without escapes. */
export function textOf(value: Value, type: SqlType | undefined): string {
  if (type === undefined) return "";
  if (type.kind === "date") return dateText(value as number);
  if (type.kind === "datetime") return dateTimeText(value as number, type.zone);
  if (type.kind === "array") {
    const items = (value as readonly Value[]).map((item) => {
      const text = textOf(item, type.of);
      return isNumber(type.of) ? text : `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
    });
    return `[${items.join(",")}]`;
  }
  if (typeof value !== "number" || Number.isFinite(value)) return String(value === 0 ? 0 : value);
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

function bytesIn(call: Call, value: Value): Iterable<number> {
  const type = typeOf(call, 0);
  if (type.kind === "string") return new TextEncoder().encode(value as string);
  if (isNumber(type)) {
    const bytes = bytesOf(value as number, type);
    return type.kind === "float" ? bytes.reverse() : bytes;
  }
  if (type.kind === "datetime") return bytesOf(value as number, { kind: "uint", bits: 32 });
  if (type.kind === "date") return bytesOf(value as number, { kind: "uint", bits: 16 });
  throw new SqlError(placeOf(call, 0), `${call.name} needs a string or a number here`);
}

/** Whole numbers lose their leading bytes of 0; what is left keeps at least one. */
function withoutZeros(digits: string, call: Call, perByte: number): string {
  const { kind } = typeOf(call, 0);
  if (kind === "string" || kind === "float") return digits;
  let from = 0;
  while (from + perByte < digits.length && /^0+$/.test(digits.slice(from, from + perByte))) from += perByte;
  return digits.slice(from);
}
