/** Points as text on their way to an object: one flat string costs less than a list of objects, and is kept as it came. */
import { DATASET_NAMES, type DatasetName } from "./analytics/columns.ts";
import type { NumberedPoint } from "./point.ts";

/** Where a point stands in its source. */
export interface PointNumber {
  seq: number;
  part: number;
}

/** Some points of a source, in order. */
export interface PointSlice {
  first: PointNumber;
  last: PointNumber;
  count: number;
  text: string;
}

type Packed = [
  seq: number,
  part: number,
  dataset: number,
  at: number,
  index: string,
  blobs: string[],
  doubles: number[],
];

const NUMBERS: ReadonlyMap<DatasetName, number> = new Map(DATASET_NAMES.map((name, number) => [name, number]));

/** Null for no points. */
export function sliceOf(points: readonly NumberedPoint[]): PointSlice | null {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return null;
  const packed = points.map(({ seq, part, dataset, at, index, blobs, doubles }) => [
    seq,
    part,
    NUMBERS.get(dataset),
    at,
    index,
    blobs,
    doubles,
  ]);
  const number = ({ seq, part }: PointNumber) => ({ seq, part });
  return { first: number(first), last: number(last), count: points.length, text: JSON.stringify(packed) };
}

export function pointsIn(text: string): NumberedPoint[] {
  return (JSON.parse(text) as Packed[]).map(([seq, part, dataset, at, index, blobs, doubles]) => ({
    seq,
    part,
    dataset: DATASET_NAMES[dataset] as DatasetName,
    at,
    index,
    blobs,
    doubles,
  }));
}

/** Less than 0 when `left` comes before `right`. */
export function compareNumbers(left: PointNumber, right: PointNumber): number {
  return left.seq - right.seq || left.part - right.part;
}
