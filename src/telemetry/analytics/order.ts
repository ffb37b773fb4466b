/** The order of values: numbers by size with NaN last, strings by code point, as their bytes in UTF-8 would be. */
import type { Value } from "./sql-types.ts";

export function compareValues(left: Value, right: Value): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return compareText(String(left), String(right));
}

export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    // Surrogates stand for code points above all others, though their own numbers do not.
    const isPair = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    if (isPair(a) !== isPair(b)) return isPair(a) ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}

/** Compares rows of ORDER BY; NaN stands last whichever way. */
export function compareOrdered(left: Value, right: Value, descending: boolean): number {
  const leftIsNan = Number.isNaN(left);
  const rightIsNan = Number.isNaN(right);
  if (leftIsNan || rightIsNan) return Number(leftIsNan) - Number(rightIsNan);
  const order = compareValues(left, right);
  return descending ? -order : order;
}
