/** Tables of a Meter: how far each source has been taken, the series as they were last written, and what came since. */
import { migrateTables } from "../object-tables.ts";

const MIGRATIONS: readonly string[] = [
  `
  -- The position in its own log up to which a source's figures are in the series.
  CREATE TABLE source (name TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;

  -- Batches that are not in \`series\` yet: one row a batch costs less than a row for each series that it adds to.
  CREATE TABLE arrival (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, batch TEXT NOT NULL);

  -- counts: JSON list of a histogram's buckets, not cumulative; value is then the sum.
  CREATE TABLE series (
    metric TEXT NOT NULL, labels TEXT NOT NULL, since INTEGER NOT NULL, value REAL NOT NULL,
    counts TEXT, exemplars TEXT NOT NULL,
    PRIMARY KEY (metric, labels)
  ) WITHOUT ROWID;

  -- Gauges as each source last set them.
  CREATE TABLE gauge (
    metric TEXT NOT NULL, labels TEXT NOT NULL, source TEXT NOT NULL, value REAL NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (metric, labels, source)
  ) WITHOUT ROWID;

  CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
];

/** Brings the tables up to date; called once when the object wakes. */
export function migrateMeter(storage: DurableObjectStorage): void {
  migrateTables(storage, MIGRATIONS);
}
