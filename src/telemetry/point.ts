/** One wide point: what Analytics Engine takes, with its dataset and time. Made by points.ts, kept or sent by sinks. */
import type { DatasetName } from "./analytics/columns.ts";

export interface Point {
  dataset: DatasetName;
  /** Milliseconds since the epoch. The platform stamps points itself; the local store keeps seconds of this. */
  at: number;
  /** What the platform samples by. */
  index: string;
  /** From blob1 on; what is missing at the end is ''. */
  blobs: readonly string[];
  /** From double1 on; what is missing at the end is 0. */
  doubles: readonly number[];
}

/** A point with its number within its source: what was taken once is not taken again. */
export interface NumberedPoint extends Point {
  seq: number;
  /** Among the points of the same `seq`, from 0. */
  part: number;
}
