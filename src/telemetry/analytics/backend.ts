/** Where queries are answered: by the local twin, or by the platform's SQL API. Both get the same prepared text. */
import { fail, ok, type Result } from "#kernel/errors.ts";
import type { Format } from "./ast.ts";
import { formatResult } from "./format.ts";
import { prepareQuery, resultOf } from "./query.ts";
import { SqlError } from "./sql-error.ts";
import { WorkBudget } from "./work-budget.ts";

export interface SqlProblem {
  message: string;
  line: number;
  column: number;
}

export interface SqlAnswer {
  text: string;
  format: Format;
}

/** A query that was checked: as it was written, and as the platform takes it, with the fence of `tenant` in place. */
export interface CheckedQuery {
  written: string;
  rendered: string;
  tenant: string | null;
}

export interface SqlBackend {
  run(query: CheckedQuery): Promise<Result<string, SqlProblem>>;
}

/** Answers a query: refused with its place, or run by the backend. `tenant`: whose points alone it sees; null: all. */
export async function answerSql(
  sql: string,
  tenant: string | null,
  backend: SqlBackend,
  nowMs: number,
): Promise<Result<SqlAnswer, SqlProblem>> {
  try {
    const prepared = prepareQuery(sql, tenant, Math.floor(nowMs / 1_000));
    const { plan, format } = prepared;
    if (plan.kind === "show" || isWithoutDataset(plan.select)) {
      // Known here: nothing about the account's other tables is ever asked or told.
      const empty = { scan: () => [] };
      return ok({ text: formatResult(resultOf(plan, empty, new WorkBudget(() => nowMs)), format), format });
    }
    const answer = await backend.run({ written: sql, rendered: prepared.sql, tenant });
    return answer.ok ? ok({ text: answer.value, format }) : answer;
  } catch (error) {
    if (error instanceof SqlError) return fail(problemOf(error));
    throw error;
  }
}

export function problemOf({ message, place }: SqlError): SqlProblem {
  return { message, line: place.line, column: place.column };
}

function isWithoutDataset(
  select: Extract<ReturnType<typeof prepareQuery>["plan"], { kind: "select" }>["select"],
): boolean {
  if (select.source.kind === "select") return isWithoutDataset(select.source.select);
  return select.source.kind === "none";
}
