/** Makes points from named values, by the column map and within the platform's limits; what had to be cut is counted. */
import { utf8Length } from "#kernel/json.ts";
import { DATASETS, type DatasetName, positionsOf } from "./analytics/columns.ts";
import type { Point } from "./point.ts";

/** Limits of Analytics Engine, which drops points beyond them in silence. */
export const INDEX_BYTES_MAX = 96;
export const BLOB_BYTES_MAX = 16_384;

/** Bytes that a unit of a string takes at most in UTF-8. */
const UNIT_BYTES_MAX = 3;

/** Points of one invocation; the platform drops those beyond 250. */
export const POINTS_PER_INVOCATION_MAX = 200;

export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What every point of this deployment carries. */
export interface PointOrigin {
  env: "local" | "production";
  version: string;
}

/** How often something did not fit, since the isolate began. */
export const cutCounts = { blobs: 0, indexes: 0, numbers: 0 };

const POSITIONS = new Map(Object.values(DATASETS).map((dataset) => [dataset.name, positionsOf(dataset)]));

/** `fields` by readable name; a name that the dataset does not have is a bug. Null and undefined are left empty. */
export function makePoint(dataset: DatasetName, at: number, index: string, fields: Fields): Point {
  const positions = POSITIONS.get(dataset);
  const blobs: string[] = [];
  const doubles: number[] = [];
  for (const name in fields) {
    const value = fields[name];
    const blob = positions?.blobs.get(name);
    const double = blob === undefined ? positions?.doubles.get(name) : undefined;
    if (blob !== undefined) put(blobs, blob, textOf(value), "");
    else if (double !== undefined) put(doubles, double, numberOf(value), 0);
    else throw new Error(`${dataset} has no column ${name}`);
  }
  return { dataset, at, index: withinIndex(index), blobs: withinBytes(blobs), doubles };
}

/** Sets a position; those before it that were never set hold what is stored for nothing. */
function put<Value>(values: Value[], position: number, value: Value, nothing: Value): void {
  while (values.length < position) values.push(nothing);
  values[position] = value;
}

function textOf(value: Fields[string]): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  return String(value);
}

function numberOf(value: Fields[string]): number {
  const number = value === null || value === undefined ? 0 : Number(value);
  if (Number.isFinite(number)) return number;
  cutCounts.numbers += 1;
  return 0;
}

function withinIndex(index: string): string {
  if (index.length * UNIT_BYTES_MAX <= INDEX_BYTES_MAX || utf8Length(index) <= INDEX_BYTES_MAX) return index;
  cutCounts.indexes += 1;
  return cut(index, INDEX_BYTES_MAX);
}

/** Together within the limit: the longest give way, so that a long name does not cost the others theirs. */
function withinBytes(blobs: string[]): string[] {
  const units = blobs.reduce((sum, blob) => sum + blob.length, 0);
  if (units * UNIT_BYTES_MAX <= BLOB_BYTES_MAX) return blobs;
  const sizes = blobs.map(utf8Length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= BLOB_BYTES_MAX) return blobs;
  cutCounts.blobs += 1;
  const share = shareOf(sizes);
  return blobs.map((blob, position) => ((sizes[position] ?? 0) > share ? cut(blob, share) : blob));
}

/** The size down to which the longest are cut. */
function shareOf(sizes: readonly number[]): number {
  const sorted = [...sizes].sort((left, right) => left - right);
  let left = BLOB_BYTES_MAX;
  for (const [position, size] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - position));
    if (size > share) return share;
    left -= size;
  }
  return BLOB_BYTES_MAX;
}

/** The beginning of a text, in whole characters. */
function cut(text: string, bytes: number): string {
  let kept = "";
  let size = 0;
  for (const char of text) {
    size += utf8Length(char);
    if (size > bytes) break;
    kept += char;
  }
  return kept;
}
