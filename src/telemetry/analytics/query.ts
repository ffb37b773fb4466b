/** The way of a query through the dialect: read, resolve names, fence, check; and, on points at hand, run and print. */
import type { Format } from "./ast.ts";
import { timeZones } from "./calendar.ts";
import { checkStatement } from "./check.ts";
import { DATASET_NAMES } from "./columns.ts";
import { executeSelect, type PointSource, type QueryResult } from "./execute.ts";
import { formatResult } from "./format.ts";
import { parseSql } from "./parser.ts";
import type { StatementPlan } from "./plan.ts";
import { resolveReadableNames } from "./readable-names.ts";
import { renderStatement } from "./render.ts";
import { STRING } from "./sql-types.ts";
import { fenceTenant } from "./tenant-filter.ts";
import type { WorkBudget } from "./work-budget.ts";

export interface PreparedQuery {
  plan: StatementPlan;
  format: Format;
  /** What the platform's SQL API is sent: positional columns, the fence in place. */
  sql: string;
}

/** Throws an SqlError. `tenant`: whose points alone the query sees; null: all, for an operator. */
export function prepareQuery(sql: string, tenant: string | null, nowSeconds: number): PreparedQuery {
  const read = resolveReadableNames(parseSql(sql));
  // Checked before the fence, so that messages and `SELECT *` speak of what was written.
  checkStatement(read, nowSeconds);
  const statement = tenant === null ? read : fenceTenant(read, tenant);
  return { plan: checkStatement(statement, nowSeconds), format: statement.format, sql: renderStatement(statement) };
}

/** Runs it on points at hand and prints the answer. */
export function runQuery({ plan, format }: PreparedQuery, source: PointSource, budget: WorkBudget): string {
  return formatResult(resultOf(plan, source, budget), format);
}

export function resultOf(plan: StatementPlan, source: PointSource, budget: WorkBudget): QueryResult {
  return plan.kind === "show" ? shown(plan.what) : executeSelect(plan.select, source, budget);
}

/** What SHOW answers: the same whichever way queries take. */
function shown(what: "TABLES" | "TIMEZONES" | "TIMEZONE"): QueryResult {
  const [name, values] =
    what === "TABLES"
      ? (["dataset", DATASET_NAMES] as const)
      : (["timezone", what === "TIMEZONE" ? ["Etc/UTC"] : timeZones()] as const);
  return { columns: [{ name, type: STRING }], rows: values.length, values: [{ form: "values", values: [...values] }] };
}
