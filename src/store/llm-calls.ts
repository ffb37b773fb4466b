/** Model calls in D1, one narrow row each: what they used and cost, summed by node, run, workflow or tenant. */
import { and, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { CallRecord } from "#agent/spending.ts";
import { llmCalls } from "./agent-tables.ts";

export type CallRow = CallRecord & { tenant: string };

const COLUMNS = [
  "call_id",
  "tenant",
  "run_id",
  "workflow",
  "node",
  "visit",
  "attempt",
  "turn",
  "at",
  "duration_ms",
  "provider",
  "requested_model",
  "answered_model",
  "input_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_usd",
  "price_version",
  "time_to_first_token_ms",
  "finish_reason",
  "tool_calls",
  "outcome",
  "http_status",
] as const satisfies readonly (keyof CallRow)[];

/**
 * Many rows from one JSON parameter. A call that was given up for lost and reported after all replaces its row; any
 * other row that is there already stays.
 */
export const UPSERT_CALLS = `INSERT INTO llm_calls (${COLUMNS.join(", ")})
SELECT ${COLUMNS.map((column) => `value ->> '${column}'`).join(", ")} FROM json_each(?1) WHERE true
ON CONFLICT (call_id) DO UPDATE SET ${COLUMNS.filter((column) => column !== "call_id" && column !== "tenant")
  .map((column) => `${column} = excluded.${column}`)
  .join(", ")} WHERE llm_calls.outcome = 'lost' AND excluded.tenant = llm_calls.tenant`;

export function callRow(tenant: string, record: CallRecord): CallRow {
  return { tenant, ...record };
}

export interface UsageFilter {
  runId?: string;
  node?: string;
  workflow?: string;
  /** Calls that began in this span, in milliseconds since the epoch. */
  from?: number;
  to?: number;
}

export interface UsageSum {
  calls: number;
  input_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** Of the calls whose cost is known. */
  cost_usd: number;
  unpriced_calls: number;
}

/** What a tenant's calls used together. */
export async function sumCalls(
  database: DrizzleD1Database,
  tenant: string,
  { runId, node, workflow, from, to }: UsageFilter,
): Promise<UsageSum> {
  const given = <Value>(value: Value | undefined, condition: (value: Value) => SQL) =>
    value === undefined ? undefined : condition(value);
  const total = (column: Parameters<typeof eq>[0]) => sql<number>`coalesce(sum(${column}), 0)`;
  const row = await database
    .select({
      calls: sql<number>`count(*)`,
      input_tokens: total(llmCalls.inputTokens),
      cached_tokens: total(llmCalls.cachedTokens),
      cache_write_tokens: total(llmCalls.cacheWriteTokens),
      output_tokens: total(llmCalls.outputTokens),
      reasoning_tokens: total(llmCalls.reasoningTokens),
      cost_usd: total(llmCalls.costUsd),
      unpriced_calls: sql<number>`count(*) - count(${llmCalls.costUsd})`,
    })
    .from(llmCalls)
    .where(
      and(
        eq(llmCalls.tenant, tenant),
        given(runId, (value) => eq(llmCalls.runId, value)),
        given(node, (value) => eq(llmCalls.node, value)),
        given(workflow, (value) => eq(llmCalls.workflow, value)),
        given(from, (value) => gte(llmCalls.at, value)),
        given(to, (value) => lt(llmCalls.at, value)),
      ),
    )
    .get();
  if (row === undefined) throw new Error("a sum has always a row");
  return row;
}
