/** The read model of approvals: from what a run tells of one to its narrow row in D1, for the inbox. */
import type { ApprovalView } from "#engine/approval-view.ts";

/** Of a message in the inbox; the whole of it is the shard's. */
export const INBOX_MESSAGE_LENGTH_MAX = 2_000;

const COLUMNS = [
  "approval_id",
  "tenant",
  "run_id",
  "node_id",
  "seq",
  "status",
  "message",
  "created_at",
  "expires_at",
  "decided_at",
  "approvers",
  "decisions",
  "quorum",
  "on_timeout",
] as const;

export type ApprovalRow = Record<(typeof COLUMNS)[number], string | number | null>;

/** An upsert of many rows from one JSON parameter; a row that D1 knows in a later state, or as another tenant's, is left alone. */
export const UPSERT_APPROVALS = `INSERT INTO approvals (${COLUMNS.join(", ")})
SELECT ${COLUMNS.map((column) => `value ->> '${column}'`).join(", ")} FROM json_each(?1) WHERE true
ON CONFLICT (approval_id) DO UPDATE SET ${COLUMNS.filter((column) => column !== "approval_id" && column !== "tenant")
  .map((column) => `${column} = excluded.${column}`)
  .join(", ")} WHERE excluded.seq > approvals.seq AND excluded.tenant = approvals.tenant`;

/** `seq` counts what has happened to the approval: a row that has not changed is not written again. */
export function approvalRow(tenant: string, approval: ApprovalView): ApprovalRow {
  return {
    approval_id: approval.approval_id,
    tenant,
    run_id: approval.run_id,
    node_id: approval.node_id,
    seq: 1 + approval.decisions.length + (approval.status === "pending" ? 0 : 1),
    status: approval.status,
    message: beginning(approval.message),
    created_at: Date.parse(approval.created_at),
    expires_at: timeOf(approval.expires_at),
    decided_at: timeOf(approval.decided_at),
    approvers: JSON.stringify(approval.approvers),
    decisions: JSON.stringify(approval.decisions),
    quorum: approval.quorum,
    on_timeout: approval.on_timeout,
  };
}

function timeOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

/** Cut between characters, never within one. */
function beginning(text: string): string {
  if (text.length <= INBOX_MESSAGE_LENGTH_MAX) return text;
  const cut = text.slice(0, INBOX_MESSAGE_LENGTH_MAX - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}
