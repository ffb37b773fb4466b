/**
 * The disk of one Durable Object: SQLite in memory. What was written since the last flush is there to be read, and gone
 * when the object is lost before the next one. Outlives the object's lives.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export type Row = Record<string, SQLInputValue>;

interface Prepared {
  statement: StatementSync;
  writes: boolean;
}

/** Something to run that is more than one statement. */
const SCRIPT = /;\s*\S/;
const READS = /^\s*(SELECT|WITH)\b/i;

export class ObjectDisk {
  /** Durable; what an object sets becomes it with the next flush. */
  alarmAt: number | null = null;
  /** Statements that wrote since this was last set to 0: what a transition costs (invariant 15). */
  writes = 0;
  /** Set when something was written; whoever looks at the tables clears it. */
  isTouched = false;
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, Prepared>();
  readonly #onWrite: () => void;

  constructor(onWrite: () => void) {
    this.#onWrite = onWrite;
    this.#database.exec("BEGIN");
  }

  run(query: string, bindings: readonly SQLInputValue[]): Row[] {
    if (bindings.length === 0 && SCRIPT.test(query)) {
      this.#wrote();
      this.#database.exec(query);
      return [];
    }
    const { statement, writes } = this.#prepare(query);
    if (writes) this.#wrote();
    return statement.all(...bindings) as Row[];
  }

  /** Looks without being the object: counts as nothing. */
  look(query: string, ...bindings: SQLInputValue[]): Row[] {
    return this.#prepare(query).statement.all(...bindings) as Row[];
  }

  /** All of it or nothing of it. */
  transaction<Value>(work: () => Value, fails: () => boolean): Value {
    this.#database.exec("SAVEPOINT piece");
    try {
      const value = work();
      if (fails()) throw new Error("the transaction could not be committed");
      this.#database.exec("RELEASE piece");
      return value;
    } catch (error) {
      this.#database.exec("ROLLBACK TO piece; RELEASE piece");
      throw error;
    }
  }

  flush(): void {
    this.#database.exec("COMMIT; BEGIN");
  }

  /** The object was lost: so is what was not flushed. */
  discard(): void {
    this.isTouched = true;
    this.#database.exec("ROLLBACK; BEGIN");
  }

  close(): void {
    this.#database.close();
  }

  #wrote(): void {
    this.writes += 1;
    this.isTouched = true;
    this.#onWrite();
  }

  #prepare(query: string): Prepared {
    let prepared = this.#prepared.get(query);
    if (prepared === undefined) {
      prepared = { statement: this.#database.prepare(query), writes: !READS.test(query) };
      this.#prepared.set(query, prepared);
    }
    return prepared;
  }
}
