/**
 * Series in the SQLite of a Meter: what comes is one row, and is folded into the series' own rows now and then. Memory
 * holds the same and is made from the tables when the object wakes. Writes are meant for a transaction.
 */
import { metricNamed } from "#telemetry/catalogue/catalogue.ts";
import { type Exemplar, type MetricBatch, parseBatch } from "#telemetry/metrics/batch.ts";
import { keyOf } from "#telemetry/metrics/label-set.ts";
import { type Series, SeriesBook } from "#telemetry/metrics/series-book.ts";
import { mergeGauge } from "./merge-gauge.ts";
import type { MeterStats, MeterView } from "./protocol.ts";

/** Batches, and their text, that may wait to be folded. */
export const ARRIVALS_MAX = 500;
export const ARRIVED_UNITS_MAX = 1_000_000;

interface SourceGauge {
  metric: string;
  labels: string[];
  source: string;
  value: number;
  at: number;
}

export class MeterStore {
  readonly #sql: SqlStorage;
  readonly #book = new SeriesBook(metricNamed);
  readonly #gauges = new Map<string, SourceGauge>();
  #arrivals = 0;
  #units = 0;
  #flushedAt = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const row of sql.exec<{
      metric: string;
      labels: string;
      since: number;
      value: number;
      counts: string | null;
      exemplars: string;
    }>("SELECT * FROM series")) {
      this.#book.restore(row.metric, {
        labels: JSON.parse(row.labels) as string[],
        since: row.since,
        value: row.value,
        counts: row.counts === null ? null : (JSON.parse(row.counts) as number[]),
        exemplars: JSON.parse(row.exemplars) as Exemplar[],
      });
    }
    for (const { labels, ...row } of sql.exec<{
      metric: string;
      labels: string;
      source: string;
      value: number;
      at: number;
    }>("SELECT * FROM gauge")) {
      this.#remember({ ...row, labels: JSON.parse(labels) as string[] });
    }
    this.#flushedAt =
      sql.exec<{ value: number }>("SELECT value FROM fact WHERE name = 'flushed_at'").toArray()[0]?.value ?? 0;
    for (const { at, batch } of sql.exec<{ at: number; batch: string }>("SELECT at, batch FROM arrival ORDER BY id")) {
      this.#apply(parseBatch(batch), at);
      this.#arrivals += 1;
      this.#units += batch.length;
    }
  }

  /** Takes a source's figures once; answers where it stands. */
  take(source: string, after: number, through: number, batch: string, nowMs: number): number {
    const mark = this.mark(source);
    if (mark !== after) return mark;
    this.add(source, batch, nowMs);
    this.#sql.exec(
      "INSERT INTO source (name, through) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET through = ?2",
      source,
      through,
    );
    return through;
  }

  /** Where a source stands; 0 for one that was never heard of. */
  mark(source: string): number {
    return (
      this.#sql.exec<{ through: number }>("SELECT through FROM source WHERE name = ?", source).toArray()[0]?.through ??
      0
    );
  }

  add(source: string, text: string, nowMs: number): void {
    const batch = parseBatch(text);
    this.#sql.exec("INSERT INTO arrival (at, batch) VALUES (?, ?)", nowMs, text);
    this.#apply(batch, nowMs);
    for (const [metric, labels, value] of batch.gauges) {
      if (metricNamed(metric) === null) continue;
      this.#remember({ metric, labels, source, value, at: nowMs });
      this.#sql.exec(
        `INSERT INTO gauge (metric, labels, source, value, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (metric, labels, source) DO UPDATE SET value = ?4, at = ?5`,
        metric,
        JSON.stringify(labels),
        source,
        value,
        nowMs,
      );
    }
    this.#arrivals += 1;
    this.#units += text.length;
    if (this.#arrivals >= ARRIVALS_MAX || this.#units >= ARRIVED_UNITS_MAX) this.#fold(nowMs);
  }

  #apply(batch: MetricBatch, atMs: number): void {
    this.#book.add(batch, atMs);
    this.#flushedAt = Math.max(this.#flushedAt, atMs);
  }

  #remember(gauge: SourceGauge): void {
    this.#gauges.set(`${gauge.metric} ${gauge.source} ${keyOf(gauge.labels)}`, gauge);
  }

  /** Everything that came goes into the rows of the series. */
  #fold(nowMs: number): void {
    for (const [metric, { labels, since, value, counts, exemplars }] of this.#book.takeChanged()) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO series (metric, labels, since, value, counts, exemplars) VALUES (?, ?, ?, ?, ?, ?)",
        metric,
        JSON.stringify(labels),
        since,
        value,
        counts === null ? null : JSON.stringify(counts),
        JSON.stringify(exemplars),
      );
    }
    this.#sql.exec("DELETE FROM arrival");
    this.#sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES ('flushed_at', ?)", this.#flushedAt);
    this.#arrivals = 0;
    this.#units = 0;
    for (const [key, gauge] of this.#gauges) {
      if (isFresh(gauge, nowMs)) continue;
      this.#gauges.delete(key);
      this.#sql.exec(
        "DELETE FROM gauge WHERE metric = ? AND labels = ? AND source = ?",
        gauge.metric,
        JSON.stringify(gauge.labels),
        gauge.source,
      );
    }
  }

  view(nowMs: number): MeterView {
    const series = [...this.#book.families()].map(([metric, family]): MeterView["series"][number] => [
      metric,
      [...family.values()].map(({ labels, since, value, counts, exemplars }: Series) => [
        labels,
        since,
        value,
        counts,
        exemplars,
      ]),
    ]);
    return { series, gauges: this.#merged(nowMs), flushed_at: this.#flushedAt };
  }

  #merged(nowMs: number): MeterView["gauges"] {
    const merged = new Map<string, MeterView["gauges"][number]>();
    for (const gauge of this.#gauges.values()) {
      if (!isFresh(gauge, nowMs)) continue;
      const { metric, labels, value, at } = gauge;
      const key = `${metric} ${keyOf(labels)}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, [metric, labels, value, at]);
      else mergeGauge(known, value, at);
    }
    return [...merged.values()];
  }

  stats(): MeterStats {
    const { n: sources } = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM source").one();
    return { series: this.#book.size, sources, bytes: this.#sql.databaseSize };
  }
}

function isFresh({ metric, at }: SourceGauge, nowMs: number): boolean {
  const expiresMs = metricNamed(metric)?.expiresMs ?? null;
  return expiresMs === null || nowMs - at <= expiresMs;
}
