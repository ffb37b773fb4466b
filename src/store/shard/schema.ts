/**
 * The tables of a coordinator shard (SQLite of its Durable Object). The event log is the truth and the outbox in one:
 * what has been projected to D1 and what has been handed to the queues are positions in it, so a transition writes
 * one row and its run's header, and nothing has to be marked as done row by row.
 */

import { migrateTables } from "../object-tables.ts";

const MIGRATIONS: readonly string[] = [
  `
  -- Small facts of the shard: positions in the log, the boot that wrote last.
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- One header a run. due_at: when to look at it though nothing arrives (null: never again, it has ended).
  -- It may be earlier than the truth, never later: a transition writes it only when it must come earlier.
  CREATE TABLE run (
    run_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, artifact_id TEXT NOT NULL,
    due_at INTEGER, ended_at INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX run_due ON run (due_at) WHERE due_at IS NOT NULL;

  -- The log: one row a transition. Ids grow over all runs of the shard.
  CREATE TABLE event (
    id INTEGER PRIMARY KEY, run_id TEXT NOT NULL,
    first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, events TEXT NOT NULL
  );
  CREATE INDEX event_run ON event (run_id, first_seq);

  -- Folding begins at this event when there is one, on the state in stored_value: keeps loading cheap for long logs.
  CREATE TABLE snapshot (run_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

  -- Values too large for the log, in chunks below the row limit of 2 MB.
  CREATE TABLE stored_value (
    run_id TEXT NOT NULL, path TEXT NOT NULL, visit INTEGER NOT NULL, chunk INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (run_id, path, visit, chunk)
  ) WITHOUT ROWID;

  CREATE TABLE idempotency (
    tenant TEXT NOT NULL, key TEXT NOT NULL, run_id TEXT NOT NULL, body_hash TEXT NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
  ) WITHOUT ROWID;
  CREATE INDEX idempotency_expiry ON idempotency (expires_at);

  -- Definitions that runs of this shard use, so that no transition needs D1.
  CREATE TABLE artifact (
    tenant TEXT NOT NULL, artifact_id TEXT NOT NULL, definition TEXT NOT NULL,
    PRIMARY KEY (tenant, artifact_id)
  ) WITHOUT ROWID;
  `,
  `
  -- Runs that agents have handed work to and that have not ended, by the agent's run.
  CREATE TABLE delegated_run (
    parent_id TEXT NOT NULL, run_id TEXT NOT NULL,
    PRIMARY KEY (parent_id, run_id)
  ) WITHOUT ROWID;
  `,
  `
  -- Runs that had not ended at the position up to which the log is metered, and how they were counted.
  CREATE TABLE metered_run (run_id TEXT PRIMARY KEY, status TEXT NOT NULL, pending INTEGER NOT NULL) WITHOUT ROWID;
  `,
];

/** Brings the tables up to date; called once when the object wakes. */
export function migrateShard(storage: DurableObjectStorage): void {
  migrateTables(storage, MIGRATIONS);
}
