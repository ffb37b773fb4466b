/** Lists of runs from D1, newest first, by filters that can be combined. */
import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { RunStatus } from "#engine/state.ts";
import { runs } from "./database-schema.ts";

export interface RunFilters {
  status?: RunStatus;
  workflow?: string;
  labels: Record<string, string>;
  submittedAfter?: number;
  submittedBefore?: number;
  errorCode?: string;
  minDurationMs?: number;
  /** Part of the run id or the workflow's tag. */
  search?: string;
}

/** Where a page ends: lists are ordered by submission, then by id. */
export interface RunCursor {
  submittedAt: number;
  runId: string;
}

export type RunRecord = typeof runs.$inferSelect;

export async function listRuns(
  database: DrizzleD1Database,
  tenant: string,
  filters: RunFilters,
  cursor: RunCursor | null,
  limit: number,
): Promise<RunRecord[]> {
  const conditions = filterConditions(tenant, filters);
  if (cursor !== null) {
    conditions.push(sql`(${runs.submittedAt}, ${runs.runId}) < (${cursor.submittedAt}, ${cursor.runId})`);
  }
  return database
    .select()
    .from(runs)
    .where(and(...conditions))
    .orderBy(desc(runs.submittedAt), desc(runs.runId))
    .limit(limit);
}

/** What the rows of a tenant's runs must fulfil to be those that the filters mean. */
export function filterConditions(tenant: string, filters: RunFilters): SQL[] {
  const conditions: SQL[] = [eq(runs.tenant, tenant)];
  if (filters.status !== undefined) conditions.push(eq(runs.status, filters.status));
  if (filters.workflow !== undefined) conditions.push(eq(runs.workflow, filters.workflow));
  if (filters.errorCode !== undefined) conditions.push(eq(runs.errorCode, filters.errorCode));
  if (filters.minDurationMs !== undefined) conditions.push(gte(runs.durationMs, filters.minDurationMs));
  if (filters.submittedAfter !== undefined) conditions.push(gte(runs.submittedAt, filters.submittedAfter));
  if (filters.submittedBefore !== undefined) conditions.push(lt(runs.submittedAt, filters.submittedBefore));
  for (const [key, value] of Object.entries(filters.labels)) {
    conditions.push(sql`json_extract(${runs.labels}, ${`$."${key}"`}) = ${value}`);
  }
  if (filters.search !== undefined) {
    // Not LIKE: D1 takes patterns of 50 bytes, and `_` of every run id would stand for any letter.
    const search = filters.search.toLowerCase();
    conditions.push(sql`(instr(lower(${runs.runId}), ${search}) OR instr(lower(${runs.workflow}), ${search}))`);
  }
  return conditions;
}
