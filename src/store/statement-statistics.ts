/**
 * What an isolate has seen of the statements it sent to D1, as pg_stat_statements would keep it: one entry for each text,
 * the busiest first. Bounded; a statement that finds no room takes the place of the one that has cost least.
 */

/** Texts that are kept. */
export const STATEMENTS_MAX = 200;

/** Of a text, what is shown. */
export const STATEMENT_UNITS_MAX = 1_000;

/** What was seen of one statement that was executed. */
export interface StatementFacts {
  sql: string;
  /** Until the answer was here: the way there and back is part of it. */
  durationMs: number;
  rowsRead: number;
  rowsWritten: number;
  isOk: boolean;
  /** Bytes of the database afterwards; null where the answer does not say. */
  sizeAfter: number | null;
}

export interface StatementEntry {
  statement: string;
  calls: number;
  errors: number;
  total_ms: number;
  mean_ms: number;
  max_ms: number;
  rows_read: number;
  rows_written: number;
}

export class StatementStatistics {
  readonly #entries = new Map<string, Omit<StatementEntry, "statement" | "mean_ms">>();
  #sizeBytes: number | null = null;
  /** When the first statement was seen; null before. */
  #since: number | null = null;

  get sizeBytes(): number | null {
    return this.#sizeBytes;
  }

  get since(): number | null {
    return this.#since;
  }

  record({ sql, durationMs, isOk, rowsRead, rowsWritten, sizeAfter }: StatementFacts, nowMs: number): void {
    this.#since ??= nowMs;
    this.#sizeBytes = sizeAfter ?? this.#sizeBytes;
    const statement = statementText(sql);
    let entry = this.#entries.get(statement);
    if (entry === undefined) {
      if (this.#entries.size >= STATEMENTS_MAX) this.#dropCheapest();
      entry = { calls: 0, errors: 0, total_ms: 0, max_ms: 0, rows_read: 0, rows_written: 0 };
      this.#entries.set(statement, entry);
    }
    entry.calls += 1;
    if (!isOk) entry.errors += 1;
    entry.total_ms += durationMs;
    entry.max_ms = Math.max(entry.max_ms, durationMs);
    entry.rows_read += rowsRead;
    entry.rows_written += rowsWritten;
  }

  /** Those that took most time in all. */
  slowest(limit: number): StatementEntry[] {
    return [...this.#entries]
      .map(([statement, entry]) => ({ statement, ...entry, mean_ms: entry.total_ms / entry.calls }))
      .sort((one, other) => other.total_ms - one.total_ms)
      .slice(0, limit);
  }

  #dropCheapest(): void {
    let cheapest: string | null = null;
    let leastMs = Number.POSITIVE_INFINITY;
    for (const [statement, { total_ms }] of this.#entries) {
      if (total_ms < leastMs) [cheapest, leastMs] = [statement, total_ms];
    }
    if (cheapest !== null) this.#entries.delete(cheapest);
  }
}

/** One text for statements that differ in spaces or in how many values a list has. */
export function statementText(sql: string): string {
  return sql
    .replace(/\s+/g, " ")
    .replace(/\((\s*\?\d*\s*,)+\s*\?\d*\s*\)/g, "(?, …)")
    .replace(/\(\?, …\)(, \(\?, …\))+/g, "(?, …), …")
    .trim()
    .slice(0, STATEMENT_UNITS_MAX);
}
