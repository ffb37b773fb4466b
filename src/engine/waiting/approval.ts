/**
 * The `hitl` node: until people have decided, or its time is up. A refusal fails the node, so that only failure edges
 * lead on from it; with conditions on its edges they decide instead (rule 3).
 */
import { nodeError } from "#kernel/errors.ts";
import { approvalId } from "#kernel/ids.ts";
import type { JsonObject } from "#kernel/json.ts";
import { queueAttempt, startPart } from "../attempts.ts";
import { cancelNode, complete, failAttempt } from "../ending.ts";
import type { DecisionName, OnTimeout } from "../events.ts";
import { ESCALATION, partPath } from "../path.ts";
import { isShadow } from "../shadow.ts";
import type { Transition } from "../transition.ts";
import { beginWait } from "./begin.ts";

export function startApproval(transition: Transition, path: string, visit: number, config: JsonObject): void {
  const { nowMs, state } = transition;
  const { message, approvers, quorum, on_timeout: onTimeout, escalate_to: escalateTo } = config;
  const timeoutMs = Number(config.timeout_ms);
  const expiresAt = nowMs + timeoutMs;
  beginWait(transition, path, visit, { kind: "approval" }, null);
  transition.emit({
    type: "approval.requested",
    node: path,
    visit,
    approval_id: approvalId({ runId: state.run_id, visit, node: path }),
    message: String(message),
    approvers: Array.isArray(approvers) ? [...new Set(approvers.map(String))] : [],
    quorum: Number(quorum),
    on_timeout: onTimeout as OnTimeout,
    expires_at: expiresAt,
    ...(escalateTo === undefined ? {} : { escalate_to: String(escalateTo) }),
  });
  const escalateAt = nowMs + Number(config.escalate_after_ms ?? Math.floor(timeoutMs / 2));
  const escalates = escalateTo !== undefined && escalateAt < expiresAt && !isShadow(state);
  setTimer(transition, path, escalates ? escalateAt : expiresAt, escalates ? "escalation" : "approval_expiry");
}

function setTimer(transition: Transition, path: string, dueAt: number, timer: "escalation" | "approval_expiry"): void {
  const { visit } = transition.nodeState(path);
  transition.emit({ type: "timer.set", node: path, visit, timer, due_at: dueAt });
}

/** Nobody has decided yet: somebody else is told, by a request that is a node run of its own. */
export function escalate(transition: Transition, path: string): void {
  const { approval, visit } = transition.nodeState(path);
  if (approval === null) return;
  setTimer(transition, path, approval.expires_at, "approval_expiry");
  startPart(transition, partPath(path, ESCALATION), visit);
}

/** An escalation that is taken up only when the time is up is left out: the approval expires. */
export function approvalEndsBy(transition: Transition, path: string, nowMs: number): boolean {
  const { approval, visit } = transition.nodeState(path);
  if (approval === null || approval.expires_at > nowMs) return false;
  setTimer(transition, path, approval.expires_at, "approval_expiry");
  transition.emit({ type: "timer.fired", node: path, visit, timer: "approval_expiry" });
  approvalIsOverdue(transition, path);
  return true;
}

export function approvalIsOverdue(transition: Transition, path: string): void {
  const { approval, visit } = transition.nodeState(path);
  if (approval === null) return;
  const { approval_id, on_timeout } = approval;
  transition.emit({ type: "approval.expired", node: path, visit, approval_id, on_timeout });
  if (on_timeout === "fail") {
    endEscalation(transition, path);
    failAttempt(transition, path, nodeError("timeout", "nobody decided in time", { retryable: false }));
  } else conclude(transition, path, on_timeout);
}

/** Ends the node by the decision that was reached. */
export function conclude(transition: Transition, path: string, decision: DecisionName): void {
  const { approval } = transition.nodeState(path);
  if (approval === null) return;
  if (transition.node(path).type.kind === "task") {
    concludeBudget(transition, path, decision);
    return;
  }
  endEscalation(transition, path);
  const { votes } = approval;
  const last = votes.findLast((vote) => vote.decision === decision) ?? null;
  const output = {
    approved: decision === "approve",
    decision,
    comments: last?.comments ?? null,
    decided_by: last?.key ?? null,
    votes: votes.map(({ key, decision: voted, comments, at }) => ({
      key,
      decision: voted,
      comments,
      at: new Date(at).toISOString(),
    })),
  };
  const node = transition.node(path);
  const decidesByEdges = node.outgoing.some((edge) => edge.on === "success" && edge.condition !== undefined);
  if (decision === "approve" || decidesByEdges) {
    complete(transition, path, output);
    return;
  }
  const because = approval.expired ? "nobody decided in time" : `${last?.key ?? "somebody"} rejected it`;
  const said = last?.comments ? `: ${last.comments.slice(0, 500)}` : "";
  const details = { decision, decided_by: output.decided_by, comments: output.comments };
  failAttempt(transition, path, nodeError("approval_rejected", because + said, { details }));
}

/** An agent that asked for more budget tries again, or fails by what it had asked about. */
function concludeBudget(transition: Transition, path: string, decision: DecisionName): void {
  const { visit, attempt, faults } = transition.nodeState(path);
  if (decision === "approve") queueAttempt(transition, path, visit, attempt + 1, { sends: 1, faults });
  else failAttempt(transition, path, nodeError("budget_exceeded", "no budget is left, and nobody let it try again"));
}

function endEscalation(transition: Transition, path: string): void {
  const escalation = partPath(path, ESCALATION);
  if (transition.state.active.has(escalation)) cancelNode(transition, escalation);
}
