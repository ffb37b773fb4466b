/** Texts of runs that are too large for a row of the log, by run, path and visit: in chunks that a row can hold. */

/** A row of a Durable Object may hold 2 MB; UTF-16 units of at most three bytes each stay below it. */
export const CHUNK_UNITS = 600_000;

export class StoredValues {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  store(runId: string, path: string, visit: number, text: string): void {
    let from = 0;
    for (let chunk = 0; from < text.length; chunk++) {
      let to = Math.min(from + CHUNK_UNITS, text.length);
      // A surrogate pair that is cut in two would not survive the way through UTF-8.
      if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1;
      this.#sql.exec(
        "INSERT OR REPLACE INTO stored_value (run_id, path, visit, chunk, text) VALUES (?, ?, ?, ?, ?)",
        runId,
        path,
        visit,
        chunk,
        text.slice(from, to),
      );
      from = to;
    }
  }

  /** A value as its text; empty when there is none. */
  read(runId: string, path: string, visit: number): string {
    let text = "";
    const rows = this.#sql.exec<{ text: string }>(
      "SELECT text FROM stored_value WHERE run_id = ? AND path = ? AND visit = ? ORDER BY chunk",
      runId,
      path,
      visit,
    );
    for (const row of rows) text += row.text;
    return text;
  }

  /** Those of every visit of a path. */
  forget(runId: string, path: string): void {
    this.#sql.exec("DELETE FROM stored_value WHERE run_id = ? AND path = ?", runId, path);
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
