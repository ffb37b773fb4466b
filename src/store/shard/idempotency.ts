/** Idempotency keys of a shard: within their lifetime, the same key and body give the same run (invariant 3). */

export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;

export interface KeyRecord {
  run_id: string;
  body_hash: string;
  [column: string]: SqlStorageValue;
}

export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(tenant: string, key: string, nowMs: number): KeyRecord | null {
    return (
      this.#sql
        .exec<KeyRecord>(
          "SELECT run_id, body_hash FROM idempotency WHERE tenant = ? AND key = ? AND expires_at > ?",
          tenant,
          key,
          nowMs,
        )
        .toArray()[0] ?? null
    );
  }

  remember(tenant: string, key: string, record: { run_id: string; body_hash: string }, nowMs: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO idempotency (tenant, key, run_id, body_hash, expires_at) VALUES (?, ?, ?, ?, ?)",
      tenant,
      key,
      record.run_id,
      record.body_hash,
      nowMs + IDEMPOTENCY_TTL_MS,
    );
  }

  forgetExpired(nowMs: number): void {
    this.#sql.exec("DELETE FROM idempotency WHERE expires_at <= ?", nowMs);
  }
}
