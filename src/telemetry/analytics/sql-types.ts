/** Types of values in a query, named as the answer's `meta` names them, and the types that arithmetic gives. */

export type Bits = 8 | 16 | 32 | 64;

export type NumberType = { kind: "uint" | "int" | "float"; bits: Bits };

export type SqlType =
  | NumberType
  | { kind: "string" }
  /** Days since the epoch. */
  | { kind: "date" }
  /** Seconds since the epoch; printed in `zone` when it has one, else in UTC. */
  | { kind: "datetime"; zone: string | null }
  | { kind: "interval"; unit: string }
  | { kind: "array"; of: SqlType };

/** What a value is at run time: numbers, dates and moments are numbers, truth is 0 or 1. */
export type Value = number | string | readonly Value[];

const NUMBER_TYPES = new Map<string, NumberType>();

function numberType(kind: NumberType["kind"], bits: Bits): NumberType {
  const name = `${kind}${bits}`;
  const type = NUMBER_TYPES.get(name) ?? { kind, bits };
  NUMBER_TYPES.set(name, type);
  return type;
}

export const STRING: SqlType = { kind: "string" };
export const DATE: SqlType = { kind: "date" };
export const DATETIME: SqlType = { kind: "datetime", zone: null };
export const UINT8 = numberType("uint", 8);
export const UINT16 = numberType("uint", 16);
export const UINT32 = numberType("uint", 32);
export const UINT64 = numberType("uint", 64);
export const INT32 = numberType("int", 32);
export const INT64 = numberType("int", 64);
export const FLOAT64 = numberType("float", 64);

export function typeName(type: SqlType): string {
  switch (type.kind) {
    case "uint":
      return `UInt${type.bits}`;
    case "int":
      return `Int${type.bits}`;
    case "float":
      return `Float${type.bits}`;
    case "string":
      return "String";
    case "date":
      return "Date";
    case "datetime":
      return type.zone === null ? "DateTime" : `DateTime('${type.zone}')`;
    case "interval":
      return `Interval${type.unit.charAt(0)}${type.unit.slice(1).toLowerCase()}`;
    case "array":
      return `Array(${typeName(type.of)})`;
  }
}

export function isNumber(type: SqlType): type is NumberType {
  return type.kind === "uint" || type.kind === "int" || type.kind === "float";
}

export function isWhole(type: SqlType): type is NumberType {
  return type.kind === "uint" || type.kind === "int";
}

/** Numbers, dates and moments: what is kept in arrays of doubles. */
export function isNumeric(type: SqlType): boolean {
  return type.kind !== "string" && type.kind !== "array";
}

export function isMoment(type: SqlType): boolean {
  return type.kind === "date" || type.kind === "datetime";
}

function wider(bits: Bits): Bits {
  return bits === 8 ? 16 : bits === 16 ? 32 : 64;
}

function larger(left: Bits, right: Bits): Bits {
  return left > right ? left : right;
}

/** The smallest type of a whole number in a query's text. */
export function literalType(value: number): NumberType {
  if (value < 0) {
    const bits = value >= -128 ? 8 : value >= -32_768 ? 16 : value >= -2_147_483_648 ? 32 : 64;
    return numberType("int", bits);
  }
  return numberType("uint", value < 256 ? 8 : value < 65_536 ? 16 : value < 4_294_967_296 ? 32 : 64);
}

export function sumType(left: NumberType, right: NumberType): NumberType {
  if (left.kind === "float" || right.kind === "float") return FLOAT64;
  const kind = left.kind === "int" || right.kind === "int" ? "int" : "uint";
  return numberType(kind, wider(larger(left.bits, right.bits)));
}

export function differenceType(left: NumberType, right: NumberType): NumberType {
  if (left.kind === "float" || right.kind === "float") return FLOAT64;
  return numberType("int", wider(larger(left.bits, right.bits)));
}

export function negatedType(type: NumberType): NumberType {
  if (type.kind === "float") return FLOAT64;
  return numberType("int", type.kind === "int" ? type.bits : wider(type.bits));
}

export function remainderType(left: NumberType, right: NumberType): NumberType {
  if (left.kind === "float" || right.kind === "float") return FLOAT64;
  return left.kind === "int" ? numberType("int", wider(right.bits)) : numberType("uint", right.bits);
}

export function quotientType(left: NumberType, right: NumberType): NumberType {
  const kind = left.kind === "uint" && right.kind === "uint" ? "uint" : "int";
  return numberType(kind, left.kind === "float" ? 64 : left.bits);
}

export function bitsType(left: NumberType, right: NumberType): NumberType {
  const kind = left.kind === "int" || right.kind === "int" ? "int" : "uint";
  return numberType(kind, larger(left.bits, right.bits));
}

/** The type that holds values of both; null when there is none. */
export function commonType(left: SqlType, right: SqlType): SqlType | null {
  if (isNumber(left) && isNumber(right)) {
    if (left.kind === "float" || right.kind === "float") return FLOAT64;
    if (left.kind === right.kind) return numberType(left.kind, larger(left.bits, right.bits));
    const [signed, unsigned] = left.kind === "int" ? [left, right] : [right, left];
    const bits = larger(signed.bits, wider(unsigned.bits));
    return unsigned.bits === 64 ? FLOAT64 : numberType("int", bits);
  }
  if (left.kind === "datetime" && right.kind === "datetime") return left.zone === right.zone ? left : DATETIME;
  if (isMoment(left) && isMoment(right)) return left.kind === right.kind ? left : DATETIME;
  return typeName(left) === typeName(right) ? left : null;
}

/** A whole number as it fits into a type: what is too large wraps around, as in the machine. */
export function wrapped(value: number, type: NumberType): number {
  if (type.kind === "float" || type.bits === 64) return value;
  const size = 2 ** type.bits;
  const rest = ((value % size) + size) % size;
  return type.kind === "int" && rest >= size / 2 ? rest - size : rest;
}
