/** A vote on an approval: each key has one; enough approvals decide, and so does one rejection (invariant 7). */

import { ok } from "#kernel/errors.ts";
import { parseApprovalId } from "#kernel/ids.ts";
import type { Json } from "#kernel/json.ts";
import { approvalView, approvalViews } from "../approval-view.ts";
import type { ApprovalState } from "../state.ts";
import type { Transition } from "../transition.ts";
import { conclude } from "../waiting/approval.ts";
import { type Decided, type RunCommand, refuse } from "./command.ts";

type Vote = Extract<RunCommand, { type: "decide" }>;

export function decide(transition: Transition, command: Vote): Decided {
  const { approval_id, voter, decision, comments, link } = command;
  const named = parseApprovalId(approval_id);
  const path = named?.node ?? "";
  const { approval, visit } = transition.nodeState(path);
  if (approval === null || approval.approval_id !== approval_id) {
    const earlier = approvalViews(transition.state).find((view) => view.approval_id === approval_id);
    if (earlier === undefined) return refuse("not_found", `there is no approval "${approval_id.slice(0, 200)}"`);
    return refuse("conflict", `it was ${earlier.status}: the node has asked again since`, earlier as unknown as Json);
  }
  const refusal = refusalOf(transition, path, approval, command);
  if (refusal !== null) return refusal;
  const of = { node: path, visit, approval_id };
  transition.emit({
    type: "approval.voted",
    ...of,
    key: voter,
    decision,
    comments,
    ...(link === undefined ? {} : { link }),
  });
  const approvals = approval.votes.filter((vote) => vote.decision === "approve").length;
  if (decision === "reject" || approvals >= approval.quorum) {
    transition.emit({ type: "approval.decided", ...of, decision });
    conclude(transition, path, decision);
  }
  return ok(viewOf(transition, path));
}

function refusalOf(transition: Transition, path: string, approval: ApprovalState, { voter, link }: Vote) {
  const view = viewOf(transition, path);
  if (approval.decision !== null || approval.expired) {
    return refuse("conflict", `it has been decided: ${approval.decision ?? "expired"}`, view);
  }
  if (!transition.state.active.has(path)) return refuse("conflict", "the run does not wait for it any more", view);
  // A signed link was made by somebody who may decide; the API has judged that.
  const isAsked = approval.approvers.length === 0 || approval.approvers.includes(voter) || link !== undefined;
  if (!isAsked) return refuse("forbidden", "this key is not among the approvers");
  if (link !== undefined && approval.votes.some((vote) => vote.link === link)) {
    return refuse("conflict", "this link has been used already", view);
  }
  if (approval.votes.some((vote) => vote.key === voter)) return refuse("conflict", "this key has voted already", view);
  return null;
}

function viewOf(transition: Transition, path: string): Json {
  return approvalView(transition.state, path) as unknown as Json;
}
