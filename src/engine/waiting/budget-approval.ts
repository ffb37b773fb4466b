/** An agent whose budget is spent, and that asks instead of failing: people let it try again, or not. */
import type { NodeError } from "#kernel/errors.ts";
import { approvalId } from "#kernel/ids.ts";
import { APPROVAL_TIMEOUT_MS_DEFAULT } from "#workflow/limits.ts";
import { viaOf } from "../beginning.ts";
import type { TaskMetrics } from "../metrics.ts";
import type { Transition } from "../transition.ts";

/** Whether the failure is one to ask about: once in a visit, of a node that says so. */
export function asksAboutBudget(transition: Transition, path: string, error: NodeError): boolean {
  if (error.code !== "budget_exceeded" || transition.state.failing !== null) return false;
  const isTold = transition.node(path).definition.config?.on_budget === "ask";
  return isTold && transition.nodeState(path).approval === null;
}

export function askAboutBudget(transition: Transition, path: string, error: NodeError, metrics?: TaskMetrics): void {
  const { nowMs, state } = transition;
  const { visit } = transition.nodeState(path);
  const expires_at = nowMs + APPROVAL_TIMEOUT_MS_DEFAULT;
  const more = { ...viaOf(transition, transition.node(path)), ...(metrics ? { metrics } : {}) };
  transition.emit({ type: "node.waiting", ...transition.identity(path), wait: { kind: "approval" }, ...more });
  transition.emit({
    type: "approval.requested",
    node: path,
    visit,
    approval_id: approvalId({ runId: state.run_id, visit, node: path }),
    message: `"${path}" has no budget left (${error.message}). Approve to let it try again once there is more.`,
    approvers: [],
    quorum: 1,
    on_timeout: "reject",
    expires_at,
  });
  transition.emit({ type: "timer.set", node: path, visit, timer: "approval_expiry", due_at: expires_at });
}
