/** The inbox in D1: approvals of a tenant, newest first. What stands now is the run's shard's to tell. */
import { and, desc, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { ApprovalStatus, ApprovalView, VoteView } from "#engine/approval-view.ts";
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import { approvals } from "./database-schema.ts";

/** Where a page ends: the list is ordered by when they were asked for, then by id. */
export interface ApprovalCursor {
  createdAt: number;
  approvalId: string;
}

export async function listApprovals(
  database: DrizzleD1Database,
  tenant: string,
  status: ApprovalStatus | undefined,
  cursor: ApprovalCursor | null,
  limit: number,
): Promise<ApprovalView[]> {
  const after =
    cursor === null
      ? undefined
      : sql`(${approvals.createdAt}, ${approvals.approvalId}) < (${cursor.createdAt}, ${cursor.approvalId})`;
  const rows = await database
    .select()
    .from(approvals)
    .where(and(eq(approvals.tenant, tenant), status === undefined ? undefined : eq(approvals.status, status), after))
    .orderBy(desc(approvals.createdAt), desc(approvals.approvalId))
    .limit(limit);
  return rows.map(viewOf);
}

/** An approval as the inbox keeps it: of one that its run has long followed up by others, all that is known. */
export async function findApproval(
  database: DrizzleD1Database,
  tenant: string,
  id: string,
): Promise<ApprovalView | null> {
  const isIt = and(eq(approvals.tenant, tenant), eq(approvals.approvalId, id));
  const row = await database.select().from(approvals).where(isIt).get();
  return row === undefined ? null : viewOf(row);
}

function viewOf(row: typeof approvals.$inferSelect): ApprovalView {
  return {
    approval_id: row.approvalId,
    run_id: row.runId,
    node_id: row.nodeId,
    message: row.message,
    status: row.status,
    created_at: rfc3339(row.createdAt),
    expires_at: rfc3339OrNull(row.expiresAt),
    decided_at: rfc3339OrNull(row.decidedAt),
    approvers: JSON.parse(row.approvers) as string[],
    quorum: row.quorum,
    decisions: JSON.parse(row.decisions) as VoteView[],
    on_timeout: row.onTimeout,
  };
}
