/**
 * Points in the SQLite of an object: as they come, then packed into segments of columns, until they are too old or too
 * many. Serves them as blocks; what is decided about queries stands in the dialect. Writes are meant for a transaction.
 */
import { DATASET_NAMES, type DatasetName } from "#telemetry/analytics/columns.ts";
import type { PointSource } from "#telemetry/analytics/execute.ts";
import type { TimeBounds } from "#telemetry/analytics/time-bounds.ts";
import { at, type Block, numbersOf, selectRows, type Vector } from "#telemetry/analytics/vector.ts";
import type { NumberedPoint, Point } from "#telemetry/point.ts";
import { compareNumbers, type PointSlice, pointsIn, sliceOf } from "#telemetry/point-text.ts";
import type { AnalyticsStats } from "./protocol.ts";
import { blockOfPoints, packColumns, packedBlock, TENANT_POSITION, TIMESTAMP_COLUMN, unpackColumn } from "./segment.ts";

/** Points that are packed together; a segment holds those of one dataset. */
export const SEGMENT_POINTS = 8_192;

/** Text of one row: a row of a Durable Object may hold 2 MB, a unit of text takes at most three bytes. */
const ROW_UNITS_MAX = 600_000;

/** Text of arrived points above which they are packed, however few they are. */
const ARRIVED_UNITS_MAX = 4_000_000;

/** As Analytics Engine: three months. */
export const RETENTION_DAYS = 90;

/** What all segments together may take; the oldest go first. */
export const STORE_BYTES_MAX = 1_000_000_000;

/** A source that has been silent this long is forgotten: nothing of it is still on its way. */
const SOURCE_DAYS = 7;

const DAY_MS = 86_400_000;

export class PointStore {
  readonly #sql: SqlStorage;
  readonly #bytesMax: number;
  /** Arrived points that have been read already, and the texts of those that have not. */
  #read: NumberedPoint[] = [];
  #texts: string[] = [];
  #arrived = 0;
  #units = 0;

  constructor(sql: SqlStorage, bytesMax: number = STORE_BYTES_MAX) {
    this.#sql = sql;
    this.#bytesMax = bytesMax;
    const rows = sql.exec<{ count: number; points: string }>("SELECT count, points FROM arrival ORDER BY id");
    for (const { count, points } of rows) this.#remember(points, count);
  }

  /** What lies above the source's mark, which moves up to the last of it; null when nothing does. */
  take(source: string, slice: PointSlice, nowMs: number): PointSlice | null {
    const mark = this.#sql
      .exec<{ seq: number; part: number }>("SELECT seq, part FROM source WHERE name = ?", source)
      .toArray()[0];
    if (mark !== undefined && compareNumbers(slice.last, mark) <= 0) return null;
    this.#sql.exec(
      `INSERT INTO source (name, seq, part, seen_at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (name) DO UPDATE SET seq = ?2, part = ?3, seen_at = ?4`,
      source,
      slice.last.seq,
      slice.last.part,
      nowMs,
    );
    if (mark === undefined || compareNumbers(slice.first, mark) > 0) return slice;
    return sliceOf(pointsIn(slice.text).filter((point) => compareNumbers(point, mark) > 0));
  }

  /** Stores points, and packs all that have arrived once there are enough of them. */
  insert(slice: PointSlice, nowMs: number): void {
    for (const { text, count } of chunked(slice)) {
      this.#sql.exec("INSERT INTO arrival (count, points) VALUES (?, ?)", count, text);
      this.#remember(text, count);
    }
    if (this.#arrived >= SEGMENT_POINTS || this.#units >= ARRIVED_UNITS_MAX) this.#pack(nowMs);
  }

  #remember(text: string, count: number): void {
    this.#texts.push(text);
    this.#arrived += count;
    this.#units += text.length;
  }

  #arrivedPoints(): readonly NumberedPoint[] {
    for (const text of this.#texts) this.#read.push(...pointsIn(text));
    this.#texts = [];
    return this.#read;
  }

  #pack(nowMs: number): void {
    const arrived = this.#arrivedPoints();
    for (const dataset of DATASET_NAMES) {
      const points = arrived.filter((point) => point.dataset === dataset);
      for (let from = 0; from < points.length; from += SEGMENT_POINTS) {
        this.#writeSegment(dataset, points.slice(from, from + SEGMENT_POINTS));
      }
    }
    this.#sql.exec("DELETE FROM arrival");
    this.#read = [];
    this.#arrived = 0;
    this.#units = 0;
    this.forget(nowMs);
  }

  #writeSegment(dataset: DatasetName, points: readonly Point[]): void {
    const columns = packColumns(points);
    const isTooWide = columns.some(({ entries }) => entries !== null && entries.length > ROW_UNITS_MAX);
    if (isTooWide && points.length > 1) {
      const half = points.length >> 1;
      this.#writeSegment(dataset, points.slice(0, half));
      this.#writeSegment(dataset, points.slice(half));
      return;
    }
    const seconds = points.map((point) => Math.floor(point.at / 1_000));
    const bytes = columns.reduce((sum, { entries, data }) => sum + (entries?.length ?? 0) + (data?.byteLength ?? 0), 0);
    const { id } = this.#sql
      .exec<{ id: number }>(
        "INSERT INTO segment (dataset, rows, bytes, from_seconds, to_seconds) VALUES (?, ?, ?, ?, ?) RETURNING id",
        dataset,
        points.length,
        bytes,
        seconds.reduce((least, each) => Math.min(least, each)),
        seconds.reduce((most, each) => Math.max(most, each)),
      )
      .one();
    for (const { column, entries, data } of columns) {
      const bytesOf = data === null ? null : data.slice().buffer;
      this.#sql.exec("INSERT INTO segment_column VALUES (?, ?, ?, ?)", id, column, entries, bytesOf);
    }
  }

  /** Lets go what is too old, and the oldest of what is too much. */
  forget(nowMs: number): void {
    const oldestMs = nowMs - RETENTION_DAYS * DAY_MS;
    this.#sql.exec("DELETE FROM source WHERE seen_at < ?", nowMs - SOURCE_DAYS * DAY_MS);
    this.#dropSegments("to_seconds < ?", Math.floor(oldestMs / 1_000));
    for (;;) {
      const { bytes } = this.#sql.exec<{ bytes: number }>("SELECT coalesce(sum(bytes), 0) AS bytes FROM segment").one();
      if (bytes <= this.#bytesMax) return;
      this.#dropSegments("id = (SELECT id FROM segment ORDER BY to_seconds, id LIMIT 1) AND 0 < ?", bytes);
    }
  }

  #dropSegments(where: string, binding: number): void {
    this.#sql.exec(`DELETE FROM segment_column WHERE segment IN (SELECT id FROM segment WHERE ${where})`, binding);
    this.#sql.exec(`DELETE FROM segment WHERE ${where}`, binding);
  }

  /** Points of a tenant, or of all; the dialect's own fence stands besides. */
  source(tenant: string | null, nowMs: number): PointSource {
    const oldest = Math.floor(nowMs / 1_000) - RETENTION_DAYS * 86_400;
    const scan = (dataset: DatasetName, bounds: TimeBounds) => this.#blocks(dataset, bounds, oldest);
    return {
      *scan(dataset, { from, to }) {
        for (const block of scan(dataset, { from: Math.max(from, oldest), to })) {
          const own = tenant === null ? block : ofTenant(block, tenant);
          if (own !== null) yield own;
        }
      },
    };
  }

  /** What the bounds may let through; nothing from before `oldest`. */
  *#blocks(dataset: DatasetName, { from, to }: TimeBounds, oldest: number): Generator<Block> {
    const segments = this.#sql
      .exec<{ id: number; rows: number; from_seconds: number }>(
        "SELECT id, rows, from_seconds FROM segment WHERE dataset = ? AND to_seconds >= ? AND from_seconds <= ? ORDER BY id",
        dataset,
        finite(from),
        finite(to),
      )
      .toArray();
    for (const { id, rows, from_seconds } of segments) {
      const block = packedBlock(rows, dataset, (column) => this.#column(id, column, rows));
      yield from_seconds < oldest ? since(block, oldest) : block;
    }
    const points = this.#arrivedPoints().filter((point) => point.dataset === dataset);
    if (points.length > 0) yield since(blockOfPoints(points, dataset), oldest);
  }

  #column(segment: number, position: number, rows: number): Vector | null {
    const row = this.#sql
      .exec<{ entries: string | null; data: ArrayBuffer | null }>(
        "SELECT entries, data FROM segment_column WHERE segment = ? AND position = ?",
        segment,
        position,
      )
      .toArray()[0];
    return row === undefined ? null : unpackColumn(row.entries, row.data, rows);
  }

  stats(): AnalyticsStats {
    const { rows, bytes, oldest } = this.#sql
      .exec<{ rows: number; bytes: number; oldest: number | null }>(
        "SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(bytes), 0) AS bytes, min(from_seconds) AS oldest FROM segment",
      )
      .one();
    const first = this.#arrivedPoints().reduce(
      (least, point) => Math.min(least, point.at),
      oldest === null ? Number.POSITIVE_INFINITY : oldest * 1_000,
    );
    return {
      points: rows + this.#arrived,
      bytes: bytes + this.#units,
      oldest: Number.isFinite(first) ? new Date(first).toISOString() : null,
    };
  }
}

/** SQLite has no infinities as bindings. */
function finite(seconds: number): number {
  return Math.max(-1e12, Math.min(1e12, seconds));
}

/** The rows that are not older. */
function since(block: Block, oldest: number): Block {
  const seconds = numbersOf(block.column(TIMESTAMP_COLUMN), block.rows);
  const kept = Uint32Array.from(seconds.keys()).filter((row) => (seconds[row] as number) >= oldest);
  return kept.length === block.rows ? block : selectRows(block, kept);
}

function ofTenant(block: Block, tenant: string): Block | null {
  const column = block.column(TENANT_POSITION);
  if (column.form === "constant") return column.value === tenant ? block : null;
  if (column.form === "dictionary" && !column.entries.includes(tenant)) return null;
  const selection = new Uint32Array(block.rows);
  let rows = 0;
  for (let row = 0; row < block.rows; row++) if (at(column, row) === tenant) selection[rows++] = row;
  return rows === 0 ? null : selectRows(block, selection.slice(0, rows));
}

/** A slice as texts that a row can hold. */
function* chunked(slice: PointSlice): Generator<{ text: string; count: number }> {
  if (slice.text.length <= ROW_UNITS_MAX || slice.count === 1) {
    yield slice;
    return;
  }
  const points = pointsIn(slice.text);
  for (const half of [points.slice(0, points.length >> 1), points.slice(points.length >> 1)]) {
    const part = sliceOf(half);
    if (part !== null) yield* chunked(part);
  }
}
