/** Tables of the analytics object: points that came in, the columns they are packed into, and what was taken. */

import { migrateTables } from "../object-tables.ts";

const MIGRATIONS: readonly string[] = [
  `
  -- How far each source has been taken: a repeated write changes nothing.
  CREATE TABLE source (
    name TEXT PRIMARY KEY, seq INTEGER NOT NULL, part INTEGER NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Points as they came, whatever their dataset, until there are enough of them for segments.
  CREATE TABLE arrival (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, points TEXT NOT NULL);

  -- Some thousand points of a dataset; seconds of the first and the last, both included.
  CREATE TABLE segment (
    id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    from_seconds INTEGER NOT NULL, to_seconds INTEGER NOT NULL
  );
  CREATE INDEX segment_time ON segment (dataset, to_seconds);

  -- One packed column of a segment; columns that hold nothing have no row.
  CREATE TABLE segment_column (
    segment INTEGER NOT NULL, position INTEGER NOT NULL, entries TEXT, data BLOB,
    PRIMARY KEY (segment, position)
  );
  `,
];

/** Brings the tables up to date; called once when the object wakes. */
export function migrateAnalytics(storage: DurableObjectStorage): void {
  migrateTables(storage, MIGRATIONS);
}
