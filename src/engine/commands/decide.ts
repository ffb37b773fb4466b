/** A vote on an approval: each key has one; enough approvals decide, and so does one rejection (invariant 7). */

import { ok } from "#kernel/errors.ts";
import { parseApprovalId } from "#kernel/ids.ts";
import type { Json } from "#kernel/json.ts";
import { approvalView } from "../approval-view.ts";
import type { ApprovalState } from "../state.ts";
import type { Transition } from "../transition.ts";
import { conclude } from "../waiting/approval.ts";
import { type Decided, type RunCommand, refuse } from "./command.ts";

export function decide(transition: Transition, command: Extract<RunCommand, { type: "decide" }>): Decided {
  const { approval_id, voter, decision, comments } = command;
  const named = parseApprovalId(approval_id);
  const path = named?.node ?? "";
  const { approval, visit } = transition.nodeState(path);
  if (approval !== null && named !== null && named.visit < visit) {
    return refuse("conflict", "it was decided or withdrawn: the node has asked again since");
  }
  if (approval === null || approval.approval_id !== approval_id) {
    return refuse("not_found", `there is no open approval "${approval_id.slice(0, 200)}"`);
  }
  const refusal = refusalOf(transition, path, approval, voter);
  if (refusal !== null) return refusal;
  const of = { node: path, visit, approval_id };
  transition.emit({ type: "approval.voted", ...of, key: voter, decision, comments });
  const approvals = approval.votes.filter((vote) => vote.decision === "approve").length;
  if (decision === "reject" || approvals >= approval.quorum) {
    transition.emit({ type: "approval.decided", ...of, decision });
    conclude(transition, path, decision);
  }
  return ok(viewOf(transition, path));
}

function refusalOf(transition: Transition, path: string, approval: ApprovalState, voter: string) {
  const view = viewOf(transition, path);
  if (approval.decision !== null || approval.expired) {
    return refuse("conflict", `it has been decided: ${approval.decision ?? "expired"}`, view);
  }
  if (!transition.state.active.has(path)) return refuse("conflict", "the run does not wait for it any more", view);
  // A signed link was given to somebody by one of those who were asked.
  const isAsked = approval.approvers.length === 0 || approval.approvers.includes(voter) || voter.startsWith("link:");
  if (!isAsked) return refuse("forbidden", "this key is not among the approvers");
  if (approval.votes.some((vote) => vote.key === voter)) return refuse("conflict", "this key has voted already", view);
  return null;
}

function viewOf(transition: Transition, path: string): Json {
  return approvalView(transition.state, path) as unknown as Json;
}
