/** What a tenant's runs came to, from D1: of the runs that were submitted since a moment, and of what goes on now. */
import { and, eq, gte, isNull, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { llmCalls } from "./agent-tables.ts";
import { approvals, runs } from "./database-schema.ts";
import { sumCalls } from "./llm-calls.ts";

export interface BusinessFigures {
  submitted: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Runs that have not ended, whenever they were submitted. */
  active: number;
  /** Of those that completed or failed; null when none has. */
  success_rate: number | null;
  /** Of those that have ended; null when none has. */
  avg_duration_ms: number | null;
  approvals: number;
  /** Of those that were decided; null when none was. */
  approval_rate: number | null;
  /** Visits of agent nodes that asked a model. */
  agent_runs: number;
  tokens: number;
  cost_usd: number;
}

export async function businessFigures(
  database: DrizzleD1Database,
  tenant: string,
  sinceMs: number,
): Promise<BusinessFigures> {
  const count = (condition?: SQL) =>
    condition === undefined ? sql<number>`count(*)` : sql<number>`coalesce(sum(${condition}), 0)`;
  const status = (value: (typeof runs.$inferSelect)["status"]) => count(eq(runs.status, value));
  const [recent, live, asked, agents, usage] = await Promise.all([
    database
      .select({
        submitted: count(),
        completed: status("completed"),
        failed: status("failed"),
        cancelled: status("cancelled"),
        avg_duration_ms: sql<number | null>`avg(${runs.durationMs})`,
      })
      .from(runs)
      .where(and(eq(runs.tenant, tenant), gte(runs.submittedAt, sinceMs)))
      .get(),
    database
      .select({ active: count() })
      .from(runs)
      .where(and(isNull(runs.endedAt), eq(runs.tenant, tenant)))
      .get(),
    database
      .select({
        asked: count(),
        approved: count(eq(approvals.status, "approved")),
        rejected: count(eq(approvals.status, "rejected")),
      })
      .from(approvals)
      .where(and(eq(approvals.tenant, tenant), gte(approvals.createdAt, sinceMs)))
      .get(),
    database
      .select({
        visits: sql<number>`count(DISTINCT ${llmCalls.runId} || '/' || ${llmCalls.node} || '/' || ${llmCalls.visit})`,
      })
      .from(llmCalls)
      .where(and(eq(llmCalls.tenant, tenant), gte(llmCalls.at, sinceMs)))
      .get(),
    sumCalls(database, tenant, { from: sinceMs }),
  ]);
  const { completed = 0, failed = 0, avg_duration_ms = null, submitted = 0, cancelled = 0 } = recent ?? {};
  const { approved = 0, rejected = 0 } = asked ?? {};
  return {
    submitted,
    completed,
    failed,
    cancelled,
    active: live?.active ?? 0,
    success_rate: share(completed, completed + failed),
    avg_duration_ms,
    approvals: asked?.asked ?? 0,
    approval_rate: share(approved, approved + rejected),
    agent_runs: agents?.visits ?? 0,
    tokens: usage.input_tokens + usage.output_tokens,
    cost_usd: usage.cost_usd,
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
