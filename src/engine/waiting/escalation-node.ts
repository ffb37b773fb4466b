/** What an open approval does on its own behalf: the implied HTTP node that tells somebody of it. */
import { ok } from "#kernel/errors.ts";
import { type CompiledNode, compileNode } from "#workflow/graph.ts";
import type { ApprovalState, RunState } from "../state.ts";

/** `sinceMs`: when it began. It tells the votes before that, so that every attempt makes the same request under its one key. */
export function escalationNode(path: string, approval: ApprovalState, state: RunState, sinceMs: number): CompiledNode {
  const { approval_id, message, quorum, approvers, expires_at } = approval;
  const votes = approval.votes.filter((vote) => vote.at < sinceMs);
  const payload = {
    approval_id,
    run_id: state.run_id,
    workflow: state.workflow,
    message,
    quorum,
    approvers,
    votes: votes.length,
    expires_at: new Date(expires_at).toISOString(),
  };
  const config = { url: approval.escalate_to ?? "", method: "POST", payload };
  const node = compileNode({ id: path, type: "http" });
  // The message may hold what looks like a template: it has been rendered and is text now.
  const constant = { problems: [], references: [], secrets: [], isConstant: true, render: () => ok(config) };
  return { ...node, config: constant };
}
