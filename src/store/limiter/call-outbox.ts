/** Calls on their way from a limiter to D1: written with the money they cost, and kept until D1 has them. */
import type { CallRecord } from "#agent/spending.ts";
import { type CallRow, callRow } from "../llm-calls.ts";

/** Rows that one flush carries. */
export const FLUSH_CALLS_MAX = 500;

export class CallOutbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(tenant: string, record: CallRecord): void {
    this.#sql.exec("INSERT INTO unsent_call (row) VALUES (?)", JSON.stringify(callRow(tenant, record)));
  }

  get isEmpty(): boolean {
    return this.#sql.exec("SELECT 1 FROM unsent_call LIMIT 1").toArray().length === 0;
  }

  /** The oldest of them above a number, with their numbers, which never come again, and how far they reach. */
  take(after = 0): { rows: CallRow[]; ids: number[]; through: number } {
    const taken = this.#sql
      .exec<{ id: number; row: string }>(
        "SELECT id, row FROM unsent_call WHERE id > ? ORDER BY id LIMIT ?",
        after,
        FLUSH_CALLS_MAX,
      )
      .toArray();
    return {
      rows: taken.map(({ row }) => JSON.parse(row) as CallRow),
      ids: taken.map(({ id }) => id),
      through: taken.at(-1)?.id ?? 0,
    };
  }

  sent(through: number): void {
    this.#sql.exec("DELETE FROM unsent_call WHERE id <= ?", through);
  }
}
