/** D1 as all of Weir reaches it: measured, once for each isolate, and loud about statements that take long. */
import { measuredDatabase } from "#store/measured-database.ts";
import { type StatementFacts, StatementStatistics, statementText } from "#store/statement-statistics.ts";
import * as metrics from "#telemetry/catalogue/platform-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { type Env, loggerOf } from "./env.ts";
import { recorderOf } from "./metric-recorder.ts";

/** A statement that takes longer is written to the log. */
export const SLOW_STATEMENT_MS = 500;

export interface MeasuredD1 {
  database: D1Database;
  statements: StatementStatistics;
}

/** Of the whole isolate: the Worker and the objects in it are handed bindings of their own. */
const statements = new StatementStatistics();
const made = new WeakMap<object, MeasuredD1>();

export function databaseOf(env: Env): MeasuredD1 {
  let measured = made.get(env);
  if (measured === undefined) {
    const logger = loggerOf(env, "d1");
    const database = measuredDatabase(env.DB, (facts) => {
      statements.record(facts, Date.now());
      count(facts, recorderOf(env));
      if (facts.durationMs < SLOW_STATEMENT_MS) return;
      const { durationMs: duration_ms, rowsRead: rows_read, rowsWritten: rows_written } = facts;
      logger.warn("slow statement", { statement: statementText(facts.sql), duration_ms, rows_read, rows_written });
    });
    measured = { database, statements };
    made.set(env, measured);
  }
  return measured;
}

const OPS: ReadonlySet<string> = new Set(["select", "insert", "update", "delete"]);

function count({ sql, durationMs, isOk, rowsRead, rowsWritten }: StatementFacts, recorder: MetricRecorder): void {
  const word = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? "";
  const op = OPS.has(word) ? word : "other";
  recorder.count(metrics.d1Queries, [op, isOk ? "ok" : "error"]);
  recorder.observe(metrics.d1Duration, [op], durationMs / 1_000);
  if (rowsRead > 0) recorder.count(metrics.d1RowsRead, [op], rowsRead);
  if (rowsWritten > 0) recorder.count(metrics.d1RowsWritten, [op], rowsWritten);
}
