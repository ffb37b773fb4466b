/** Prices that a tenant has set for models: they stand above the shipped table, and for what it does not know. */
import type { Price } from "#agent/prices.ts";
import type { SetPrice } from "./protocol.ts";

type PriceRow = { model: string; input: number; cached: number; cache_write: number; output: number };

export class SetPrices {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(model: string): Price | null {
    const row = this.#sql.exec<PriceRow>("SELECT * FROM price WHERE model = ?", model).toArray()[0];
    return row === undefined ? null : priceFrom(row);
  }

  list(): SetPrice[] {
    const rows = this.#sql.exec<PriceRow>("SELECT * FROM price ORDER BY model").toArray();
    return rows.map((row) => ({ model: row.model, ...priceFrom(row) }));
  }

  set(model: string, price: Price, nowMs: number): void {
    const { input, cached, cacheWrite, output } = price;
    const values = [model, input, cached, cacheWrite, output, nowMs];
    this.#sql.exec("INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?, ?)", ...values);
  }

  remove(model: string): void {
    this.#sql.exec("DELETE FROM price WHERE model = ?", model);
  }
}

function priceFrom({ input, cached, cache_write: cacheWrite, output }: PriceRow): Price {
  return { input, cached, cacheWrite, output };
}
