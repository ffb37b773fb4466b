/**
 * Points as columns: how a few thousand of them are packed into one text or byte string a column, and read back as
 * the blocks that queries run on. A column with few different values is a list of them and a code for each row.
 */

import { BLOBS, DOUBLES } from "#telemetry/analytics/columns.ts";
import type { Value } from "#telemetry/analytics/sql-types.ts";
import { type Block, type Codes, codesFor, constant, type Vector } from "#telemetry/analytics/vector.ts";
import type { Point } from "#telemetry/point.ts";

/** Numbers of more different values than this are kept as they are. */
const ENTRIES_MAX = 256;

/** Positions of columns in a block, as `columnsOf` orders them. */
export const DATASET_COLUMN = 0;
export const TIMESTAMP_COLUMN = 1;
const SAMPLE_INTERVAL_COLUMN = 2;
const INDEX_COLUMN = 3;
const FIRST_BLOB = 4;
const FIRST_DOUBLE = FIRST_BLOB + BLOBS;
/** The tenant is blob1 in every dataset. */
export const TENANT_POSITION = FIRST_BLOB;
const COLUMNS = FIRST_DOUBLE + DOUBLES;

/** Null entries: `data` are doubles. Null data: every row has the one entry. Else `data` are codes of entries. */
export interface PackedColumn {
  column: number;
  /** JSON list. */
  entries: string | null;
  data: Uint8Array | null;
}

/** Columns that hold anything but '' or 0; the name of the dataset is not among them. */
export function packColumns(points: readonly Point[]): PackedColumn[] {
  const packed: PackedColumn[] = [];
  for (let column = TIMESTAMP_COLUMN; column < COLUMNS; column++) {
    // Points are written one by one here: sampling is the platform's.
    if (column === SAMPLE_INTERVAL_COLUMN) continue;
    if (isEmpty(points, column)) continue;
    const values = points.map((point) => valueAt(point, column));
    const found = pack(values, column >= FIRST_DOUBLE || column === TIMESTAMP_COLUMN);
    packed.push({ column, ...found });
  }
  return packed;
}

function isEmpty(points: readonly Point[], column: number): boolean {
  for (const point of points) {
    const value = valueAt(point, column);
    if (value !== "" && value !== 0) return false;
  }
  return true;
}

function valueAt(point: Point, column: number): Value {
  if (column === TIMESTAMP_COLUMN) return Math.floor(point.at / 1_000);
  if (column === INDEX_COLUMN) return point.index;
  if (column < FIRST_DOUBLE) return point.blobs[column - FIRST_BLOB] ?? "";
  return point.doubles[column - FIRST_DOUBLE] ?? 0;
}

function pack(values: readonly Value[], isNumeric: boolean): Omit<PackedColumn, "column"> {
  const numbers = new Map<Value, number>();
  const codes = new Uint32Array(values.length);
  for (const [row, value] of values.entries()) {
    let code = numbers.get(value);
    if (code === undefined) {
      code = numbers.size;
      if (isNumeric && code === ENTRIES_MAX)
        return { entries: null, data: bytesOf(Float64Array.from(values as number[])) };
      numbers.set(value, code);
    }
    codes[row] = code;
  }
  const entries = JSON.stringify([...numbers.keys()]);
  if (numbers.size === 1) return { entries, data: null };
  const narrow = codesFor(numbers.size, values.length);
  narrow.set(codes);
  return { entries, data: bytesOf(narrow) };
}

function bytesOf(list: Float64Array | Codes): Uint8Array {
  return new Uint8Array(list.buffer, list.byteOffset, list.byteLength);
}

/** Bytes must be a copy of their own: they are read where they lie. */
export function unpackColumn(entries: string | null, data: ArrayBuffer | null, rows: number): Vector {
  if (entries === null) return { form: "numbers", values: new Float64Array(data ?? new ArrayBuffer(0), 0, rows) };
  const values = JSON.parse(entries) as Value[];
  if (data === null) return constant(values[0] as Value);
  const form = "dictionary" as const;
  if (values.length <= 256) return { form, entries: values, codes: new Uint8Array(data, 0, rows) };
  if (values.length <= 65_536) return { form, entries: values, codes: new Uint16Array(data, 0, rows) };
  return { form, entries: values, codes: new Uint32Array(data, 0, rows) };
}

/** What a column holds in a row that did not write it. */
export function defaultColumn(column: number, dataset: string): Vector {
  if (column === DATASET_COLUMN) return constant(dataset);
  if (column === SAMPLE_INTERVAL_COLUMN) return constant(1);
  return constant(column === INDEX_COLUMN || (column >= FIRST_BLOB && column < FIRST_DOUBLE) ? "" : 0);
}

/** A block over packed columns; each is read when it is first asked for. */
export function packedBlock(rows: number, dataset: string, read: (column: number) => Vector | null): Block {
  const known = new Map<number, Vector>();
  return {
    rows,
    column(index) {
      let vector = known.get(index);
      if (vector === undefined) {
        vector = read(index) ?? defaultColumn(index, dataset);
        known.set(index, vector);
      }
      return vector;
    },
  };
}

/** Points at hand as a block: what has not been packed yet. */
export function blockOfPoints(points: readonly Point[], dataset: string): Block {
  return packedBlock(points.length, dataset, (column) => {
    if (column === DATASET_COLUMN || column === SAMPLE_INTERVAL_COLUMN) return null;
    const isNumeric = column >= FIRST_DOUBLE || column === TIMESTAMP_COLUMN;
    const { entries, data } = pack(
      points.map((point) => valueAt(point, column)),
      isNumeric,
    );
    return unpackColumn(entries, data === null ? null : (data.slice().buffer as ArrayBuffer), points.length);
  });
}
