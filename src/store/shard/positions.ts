/** Small facts of a shard that outlive the object: positions in its log, the boot that wrote last. */

export type Fact =
  | "projected_through"
  | "sent_through"
  | "points_through"
  | "metered_through"
  | "traces_through"
  | "boot"
  | "retention_checked_at"
  | "listened_until";

export class Positions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  text(fact: Fact): string | null {
    return this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", fact).toArray()[0]?.value ?? null;
  }

  number(fact: Fact): number {
    return Number(this.text(fact) ?? 0);
  }

  set(fact: Fact, value: string | number): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
      fact,
      String(value),
    );
  }

  forget(fact: Fact): void {
    this.#sql.exec("DELETE FROM meta WHERE key = ?", fact);
  }
}
