/** D1 as Weir's parts use it: measured, unless telemetry is off. */
import { measuredDatabase } from "#store/measured-database.ts";
import type { Env } from "./env.ts";
import { metersOf } from "./meters.ts";
import { recorderOf } from "./metric-recorder.ts";

const made = new WeakMap<D1Database, D1Database>();

export function databaseOf(env: Env): D1Database {
  if (metersOf(env) === null) return env.DB;
  let database = made.get(env.DB);
  if (database === undefined) {
    database = measuredDatabase(env.DB, recorderOf(env));
    made.set(env.DB, database);
  }
  return database;
}
