/** Columns of a block of rows, in the form that costs least: one value, doubles, or codes of few values. */
import type { Value } from "./sql-types.ts";

export type Codes = Uint8Array | Uint16Array | Uint32Array;

export type Vector =
  | { form: "constant"; value: Value }
  | { form: "numbers"; values: Float64Array }
  | { form: "dictionary"; entries: readonly Value[]; codes: Codes }
  | { form: "values"; values: readonly Value[] };

/** Some rows with their columns by position. */
export interface Block {
  rows: number;
  column(index: number): Vector;
}

export function constant(value: Value): Vector {
  return { form: "constant", value };
}

export function at(vector: Vector, row: number): Value {
  switch (vector.form) {
    case "constant":
      return vector.value;
    case "numbers":
      return vector.values[row] as number;
    case "dictionary":
      return vector.entries[vector.codes[row] as number] as Value;
    case "values":
      return vector.values[row] as Value;
  }
}

/** The values of a numeric column as doubles, one a row. */
export function numbersOf(vector: Vector, rows: number): Float64Array {
  if (vector.form === "numbers") return vector.values;
  const values = new Float64Array(rows);
  if (vector.form === "constant") values.fill(vector.value as number);
  else for (let row = 0; row < rows; row++) values[row] = at(vector, row) as number;
  return values;
}

/** The rows of a selection, in its order. */
export function take(vector: Vector, selection: Uint32Array): Vector {
  const rows = selection.length;
  switch (vector.form) {
    case "constant":
      return vector;
    case "numbers": {
      const values = new Float64Array(rows);
      for (let row = 0; row < rows; row++) values[row] = vector.values[selection[row] as number] as number;
      return { form: "numbers", values };
    }
    case "dictionary": {
      const codes = codesFor(vector.entries.length, rows);
      for (let row = 0; row < rows; row++) codes[row] = vector.codes[selection[row] as number] as number;
      return { form: "dictionary", entries: vector.entries, codes };
    }
    case "values":
      return { form: "values", values: Array.from(selection, (row) => vector.values[row] as Value) };
  }
}

/** Room for `rows` codes of `entries` values. */
export function codesFor(entries: number, rows: number): Codes {
  if (entries <= 256) return new Uint8Array(rows);
  return entries <= 65_536 ? new Uint16Array(rows) : new Uint32Array(rows);
}

/** A block of some rows of another; columns are made when they are asked for, once. */
export function selectRows(block: Block, selection: Uint32Array): Block {
  const taken = new Map<number, Vector>();
  return {
    rows: selection.length,
    column(index) {
      let vector = taken.get(index);
      if (vector === undefined) {
        vector = take(block.column(index), selection);
        taken.set(index, vector);
      }
      return vector;
    },
  };
}

export function blockOf(rows: number, columns: readonly Vector[]): Block {
  return {
    rows,
    column(index) {
      const vector = columns[index];
      if (vector === undefined) throw new Error(`a block has no column ${index}`);
      return vector;
    },
  };
}
