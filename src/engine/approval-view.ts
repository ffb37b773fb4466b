/** Approvals of a run as people see them. */
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import type { DecisionName, OnTimeout } from "./events.ts";
import type { ApprovalState, NodeState, RunState } from "./state.ts";

export const APPROVAL_STATUSES = ["pending", "approved", "rejected", "expired", "cancelled"] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

export interface ApprovalView {
  approval_id: string;
  run_id: string;
  node_id: string;
  message: string;
  status: ApprovalStatus;
  created_at: string;
  expires_at: string;
  decided_at: string | null;
  approvers: string[];
  quorum: number;
  on_timeout: OnTimeout;
  escalation: "pending" | "sent" | "failed" | null;
  decisions: { key: string; decision: DecisionName; comments: string | null; at: string }[];
}

/** The latest approval of a node; null when it has asked for none. */
export function approvalView(state: RunState, path: string): ApprovalView | null {
  const node = state.nodes.get(path);
  if (node === undefined || node.approval === null) return null;
  const { approval } = node;
  return {
    approval_id: approval.approval_id,
    run_id: state.run_id,
    node_id: path,
    message: approval.message,
    status: statusOf(approval, node),
    created_at: rfc3339(approval.requested_at),
    expires_at: rfc3339(approval.expires_at),
    decided_at: rfc3339OrNull(approval.decided_at ?? (node.status === "cancelled" ? node.ended_at : null)),
    approvers: approval.approvers,
    quorum: approval.quorum,
    on_timeout: approval.on_timeout,
    escalation: approval.escalation,
    decisions: approval.votes.map((vote) => ({ ...vote, at: rfc3339(vote.at) })),
  };
}

function statusOf(approval: ApprovalState, node: NodeState): ApprovalStatus {
  if (approval.expired) return "expired";
  if (approval.decision !== null) return approval.decision === "approve" ? "approved" : "rejected";
  return node.status === "waiting" ? "pending" : "cancelled";
}

/** The latest approval of each node that asked for one. */
export function approvalViews(state: RunState): ApprovalView[] {
  return [...state.nodes.keys()].flatMap((path) => approvalView(state, path) ?? []);
}
