/**
 * D1 with a witness: each statement that is executed is reported with how long it took and what it read and wrote. Stands
 * in for the binding, so that whoever works with D1 need not know.
 */

import type { StatementFacts } from "./statement-statistics.ts";

export type Witness = (facts: StatementFacts) => void;

export function measuredDatabase(database: D1Database, witness: Witness): D1Database {
  return new MeasuredDatabase(database, witness) as unknown as D1Database;
}

class MeasuredDatabase {
  readonly #database: D1Database;
  readonly #witness: Witness;

  constructor(database: D1Database, witness: Witness) {
    this.#database = database;
    this.#witness = witness;
  }

  prepare(sql: string): MeasuredStatement {
    return new MeasuredStatement(this.#database.prepare(sql), sql, this.#witness);
  }

  /** Statements of a batch share its time evenly: D1 answers them together. */
  async batch<Row>(statements: MeasuredStatement[]): Promise<D1Result<Row>[]> {
    const startedAt = Date.now();
    const tell = (results: readonly (D1Result<unknown> | undefined)[], isOk: boolean) => {
      const durationMs = (Date.now() - startedAt) / Math.max(1, statements.length);
      statements.forEach(({ sql }, index) => {
        this.#witness(factsOf(sql, durationMs, isOk, results[index]));
      });
    };
    try {
      const results = await this.#database.batch<Row>(statements.map(({ inner }) => inner));
      tell(results, true);
      return results;
    } catch (error) {
      tell([], false);
      throw error;
    }
  }

  exec(sql: string): Promise<D1ExecResult> {
    return witnessed(this.#witness, sql, () => this.#database.exec(sql));
  }
}

class MeasuredStatement {
  readonly inner: D1PreparedStatement;
  readonly sql: string;
  readonly #witness: Witness;

  constructor(inner: D1PreparedStatement, sql: string, witness: Witness) {
    this.inner = inner;
    this.sql = sql;
    this.#witness = witness;
  }

  bind(...values: unknown[]): MeasuredStatement {
    return new MeasuredStatement(this.inner.bind(...values), this.sql, this.#witness);
  }

  async first<Value>(column?: string): Promise<Value | null> {
    // `first` of the binding says nothing of what it read; its rows are those of `all`.
    const { results } = await this.all<Record<string, unknown>>();
    const row = results[0];
    if (row === undefined) return null;
    return (column === undefined ? row : row[column]) as Value;
  }

  all<Row>(): Promise<D1Result<Row>> {
    return witnessed(this.#witness, this.sql, () => this.inner.all<Row>());
  }

  run<Row>(): Promise<D1Result<Row>> {
    return witnessed(this.#witness, this.sql, () => this.inner.run<Row>());
  }

  raw<Row extends unknown[]>(options?: { columnNames?: false }): Promise<Row[]> {
    return witnessed(this.#witness, this.sql, () => this.inner.raw<Row>(options));
  }
}

async function witnessed<Answer>(witness: Witness, sql: string, execute: () => Promise<Answer>): Promise<Answer> {
  const startedAt = Date.now();
  try {
    const answer = await execute();
    witness(factsOf(sql, Date.now() - startedAt, true, answer as D1Result<unknown>));
    return answer;
  } catch (error) {
    witness(factsOf(sql, Date.now() - startedAt, false, undefined));
    throw error;
  }
}

function factsOf(
  sql: string,
  durationMs: number,
  isOk: boolean,
  answer: D1Result<unknown> | undefined,
): StatementFacts {
  const meta = answer?.meta;
  return {
    sql,
    durationMs,
    rowsRead: meta?.rows_read ?? 0,
    rowsWritten: meta?.rows_written ?? 0,
    isOk,
    sizeAfter: meta?.size_after ?? null,
  };
}
