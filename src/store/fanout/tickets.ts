/** Tickets that were taken in: each serves once. Synchronous. */

export class Tickets {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** False when it was taken in before, or is too old. */
  take(nonce: string, expiresAt: number, nowMs: number): boolean {
    this.#sql.exec("DELETE FROM ticket WHERE expires_at <= ?", nowMs);
    if (expiresAt <= nowMs) return false;
    const { rowsWritten } = this.#sql.exec(
      "INSERT OR IGNORE INTO ticket (nonce, expires_at) VALUES (?, ?)",
      nonce,
      expiresAt,
    );
    return rowsWritten > 0;
  }
}
