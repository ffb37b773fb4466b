/**
 * The tables of a tenant's limiter (SQLite of its Durable Object): what may be spent, what was, what is reserved, and
 * the calls that D1 has not seen yet. Amounts are whole billionths of a dollar, so that sums do not drift.
 */

import { migrateTables } from "../object-tables.ts";

const MIGRATIONS: readonly string[] = [
  `
  -- key '': of each run, each workflow; of the tenant where the scope is a period.
  CREATE TABLE budget (
    scope TEXT NOT NULL, key TEXT NOT NULL, limit_nano INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
  ) WITHOUT ROWID;

  -- key: the run, the workflow, the day, the month. assumed_nano: the part that lost calls are taken to have cost.
  CREATE TABLE spend (
    scope TEXT NOT NULL, key TEXT NOT NULL, nano INTEGER NOT NULL, assumed_nano INTEGER NOT NULL,
    calls INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
  ) WITHOUT ROWID;
  CREATE INDEX spend_age ON spend (updated_at);

  -- A call that was let in. lost_at: its time was over without a word; it is then counted in spend by lost_nano.
  CREATE TABLE reservation (
    call_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, workflow TEXT, model TEXT NOT NULL, call TEXT NOT NULL,
    nano INTEGER NOT NULL, input_nano INTEGER NOT NULL, output_rate REAL NOT NULL,
    at INTEGER NOT NULL, expires_at INTEGER NOT NULL, lost_at INTEGER, lost_nano INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX reservation_due ON reservation (expires_at) WHERE lost_at IS NULL;

  CREATE TABLE price (
    model TEXT PRIMARY KEY, input REAL NOT NULL, cached REAL NOT NULL, cache_write REAL NOT NULL, output REAL NOT NULL,
    updated_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- How much a model writes as a rule: what a lost call is taken to have written.
  CREATE TABLE written (model TEXT PRIMARY KEY, calls INTEGER NOT NULL, tokens INTEGER NOT NULL) WITHOUT ROWID;

  -- Rows of llm_calls on their way to D1.
  CREATE TABLE unsent_call (id INTEGER PRIMARY KEY, row TEXT NOT NULL);
  `,
  `
  -- Ids that never come again: the points of calls are numbered by them.
  ALTER TABLE unsent_call RENAME TO unsent_call_before;
  CREATE TABLE unsent_call (id INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL);
  INSERT INTO unsent_call SELECT id, row FROM unsent_call_before;
  DROP TABLE unsent_call_before;
  `,
];

/** Brings the tables up to date; called once when the object wakes. */
export function migrateLimiter(storage: DurableObjectStorage): void {
  migrateTables(storage, MIGRATIONS);
}
