/** D1 on SQLite in memory, with the real migrations: slow, unwilling, or silent after it has done what was asked. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Choices } from "./choices.ts";
import type { Faults } from "./faults.ts";
import type { Row } from "./object-disk.ts";
import { whenDurable } from "./queue.ts";
import type { Timeline } from "./timeline.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations");

/** Longer than the projector waits for an answer. */
const SLOW_MS = 45_000;

let migrations: string | undefined;

function allMigrations(): string {
  migrations ??= readdirSync(MIGRATIONS)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => readFileSync(join(MIGRATIONS, file), "utf8"))
    .join(";\n");
  return migrations;
}

export interface DatabaseParts {
  timeline: Timeline;
  choices: Choices;
  faults: Faults;
  /** Longest ordinary delay, in milliseconds. */
  delayMs: number;
  /** Something was written. */
  onWrite(): void;
}

interface Result {
  success: true;
  results: Row[];
  meta: object;
}

export class SimulatedDatabase {
  readonly #parts: DatabaseParts;
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, StatementSync>();
  #calls = 0;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.#database.exec(allMigrations());
  }

  prepare(query: string): Statement {
    return new Statement(this, query, []);
  }

  async batch(statements: readonly Statement[]): Promise<Result[]> {
    return this.ask(statements);
  }

  /** Runs statements in one transaction, as the platform would be asked to. */
  ask(statements: readonly Statement[]): Promise<Result[]> {
    const { timeline, choices, faults, delayMs } = this.#parts;
    const asker = timeline.current;
    const about = String(this.#calls++);
    return new Promise((resolve, reject) => {
      whenDurable(asker, () => {
        const slowMs = faults.happens("database.slow", about) ? SLOW_MS : 0;
        timeline.in(slowMs + choices.between(`database/${about}`, 0, delayMs), timeline.platform, () => {
          const refused = faults.happens("database.refused", about);
          let answer: Result[] | Error = new Error("D1_ERROR: Network connection lost.");
          if (!refused) answer = this.#transact(statements);
          if (faults.happens("database.answer_lost", about)) answer = new Error("D1_ERROR: the answer was lost");
          timeline.in(choices.between(`database/${about}/answer`, 0, delayMs), asker, () =>
            answer instanceof Error ? reject(answer) : resolve(answer),
          );
        });
      });
    });
  }

  #transact(statements: readonly Statement[]): Result[] | Error {
    this.#database.exec("BEGIN");
    try {
      const results = statements.map(({ query, bindings }) => this.look(query, ...bindings));
      this.#database.exec("COMMIT");
      this.#parts.onWrite();
      return results.map((rows) => ({ success: true, results: rows, meta: {} }));
    } catch (error) {
      this.#database.exec("ROLLBACK");
      return error as Error;
    }
  }

  /** Reads or writes at once, without being asked by anybody. */
  look(query: string, ...bindings: SQLInputValue[]): Row[] {
    let statement = this.#prepared.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#prepared.set(query, statement);
    }
    return statement.all(...bindings) as Row[];
  }

  close(): void {
    this.#database.close();
  }
}

class Statement {
  readonly query: string;
  readonly bindings: SQLInputValue[];
  readonly #database: SimulatedDatabase;

  constructor(database: SimulatedDatabase, query: string, bindings: SQLInputValue[]) {
    this.#database = database;
    this.query = query;
    this.bindings = bindings;
  }

  bind(...bindings: SQLInputValue[]): Statement {
    return new Statement(this.#database, this.query, bindings);
  }

  async all(): Promise<Result> {
    const [result] = await this.#database.ask([this]);
    return result as Result;
  }

  run(): Promise<Result> {
    return this.all();
  }

  async first(): Promise<Row | null> {
    return (await this.all()).results[0] ?? null;
  }

  async raw(): Promise<unknown[][]> {
    return (await this.all()).results.map((row) => Object.values(row));
  }
}
