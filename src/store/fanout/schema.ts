/** The tables of a tenant's fanout (SQLite of its Durable Object). */
import { migrateTables } from "../object-tables.ts";

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- The feed: ready-made frames, kept for those who resume.
  CREATE TABLE frame (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, units INTEGER NOT NULL, text TEXT NOT NULL);

  -- How far each shard's log has become part of the feed.
  CREATE TABLE shard (name TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;

  -- Tickets that were taken in, until they would have expired.
  CREATE TABLE ticket (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
  `,
];

/** Brings the tables up to date; called once when the object wakes. */
export function migrateFanout(storage: DurableObjectStorage): void {
  migrateTables(storage, MIGRATIONS);
}
