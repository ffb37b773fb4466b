/** What a Meter can be asked, and what it answers. Additive only, as with coordinator shards. */
import type { Exemplar } from "#telemetry/metrics/batch.ts";

/** A series: its labels, since when it is there, its value, and a histogram's buckets and exemplars. */
export type SeriesView = [
  labels: string[],
  since: number,
  value: number,
  counts: number[] | null,
  exemplars: Exemplar[],
];

/** Everything that one Meter holds. */
export interface MeterView {
  series: [metric: string, series: SeriesView[]][];
  /** Gauges of all sources together, with the time of the latest. */
  gauges: [metric: string, labels: string[], value: number, at: number][];
  /** When figures were last taken, in milliseconds since the epoch; 0: never. */
  flushed_at: number;
}

export interface MeterStats {
  series: number;
  sources: number;
  bytes: number;
}

export interface MeterRpc {
  /**
   * Takes the figures of a source's rows above `after` up to `through`, if `after` is where the source stands here;
   * answers where it stands now. Any other answer than `through` says that nothing was taken, and where to go on.
   */
  take(source: string, after: number, through: number, batch: string): Promise<number>;
  /** Takes best-effort figures: what is lost on the way is lost. */
  add(source: string, batch: string): Promise<void>;
  /** `MeterView` as text. */
  view(): Promise<string>;
  stats(): Promise<MeterStats>;
}
