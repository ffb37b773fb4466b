/** Queries over points as a caller may see them: everything for an operator, else what is their tenant's. */
import type { Context } from "hono";
import { isOperator } from "#access/scopes.ts";
import { ApiError } from "#kernel/errors.ts";
import { answerSql, type SqlAnswer } from "#telemetry/analytics/backend.ts";
import type { AppEnv } from "./services.ts";

export async function answerFor(context: Context<AppEnv>, sql: string): Promise<SqlAnswer> {
  const { analytics } = context.get("services");
  const principal = context.get("principal");
  if (analytics === null) {
    throw new ApiError("unavailable", "set CLOUDFLARE_ACCOUNT_ID and the secret CLOUDFLARE_API_TOKEN to run queries");
  }
  const tenant = isOperator(principal) ? null : principal.tenant;
  const answer = await answerSql(sql, tenant, analytics, Date.now());
  if (answer.ok) return answer.value;
  const { message, line, column: at } = answer.error;
  throw new ApiError("invalid", message, { details: [{ pointer: "", message, line, column: at }] });
}

/** The rows of a query whose answer is JSON. */
export async function rowsFor<Row>(context: Context<AppEnv>, sql: string): Promise<Row[]> {
  return (JSON.parse((await answerFor(context, sql)).text) as { data: Row[] }).data;
}
