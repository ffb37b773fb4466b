/** Approvals of a run as people see them. */
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import type { DecisionName, OnTimeout } from "./events.ts";
import type { ApprovalState, RunState } from "./state.ts";

export const APPROVAL_STATUSES = ["pending", "approved", "rejected", "expired", "cancelled"] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** Whether somebody else has been told that nobody decides. */
export const ESCALATION_STATUSES = ["pending", "sent", "failed"] as const;

export interface VoteView {
  /** Whose vote it is: a key's id, or the voter that a signed link names. */
  key: string;
  decision: DecisionName;
  comments: string | null;
  /** The signed link that it came by. */
  link?: string;
  at: string;
}

export interface ApprovalView {
  approval_id: string;
  run_id: string;
  node_id: string;
  message: string;
  status: ApprovalStatus;
  created_at: string;
  expires_at: string | null;
  decided_at: string | null;
  /** Who may vote; empty: everybody with the scope. */
  approvers: string[];
  quorum: number;
  decisions: VoteView[];
  on_timeout: OnTimeout;
  /** What became of telling somebody else, where that was asked for. */
  escalation?: (typeof ESCALATION_STATUSES)[number];
}

/** The latest approval of a node; null when it has asked for none. */
export function approvalView(state: RunState, path: string): ApprovalView | null {
  const node = state.nodes.get(path);
  if (node === undefined || node.approval === null) return null;
  return viewOf(state.run_id, path, node.approval, node.status === "waiting");
}

/** What a run has asked people, oldest first: of each node the latest, and before that what is still known. */
export function approvalViews(state: RunState): ApprovalView[] {
  const past = state.past_approvals.map(({ node, approval }) => viewOf(state.run_id, node, approval, false));
  return [...past, ...[...state.nodes.keys()].flatMap((path) => approvalView(state, path) ?? [])];
}

function viewOf(runId: string, path: string, approval: ApprovalState, isOpen: boolean): ApprovalView {
  return {
    approval_id: approval.approval_id,
    run_id: runId,
    node_id: path,
    message: approval.message,
    status: statusOf(approval, isOpen),
    created_at: rfc3339(approval.requested_at),
    expires_at: rfc3339(approval.expires_at),
    decided_at: rfc3339OrNull(approval.decided_at),
    approvers: approval.approvers,
    quorum: approval.quorum,
    decisions: approval.votes.map((vote) => ({ ...vote, at: rfc3339(vote.at) })),
    on_timeout: approval.on_timeout,
    ...(approval.escalation === null ? {} : { escalation: approval.escalation }),
  };
}

function statusOf(approval: ApprovalState, isOpen: boolean): ApprovalStatus {
  if (approval.expired) return "expired";
  if (approval.decision !== null) return approval.decision === "approve" ? "approved" : "rejected";
  return isOpen ? "pending" : "cancelled";
}
