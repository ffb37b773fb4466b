/** How an approval looks when it is told of. */
import type { Approval, ApprovalStatus } from "../client/weir.ts";
import { fields, type Looks, type Output, type Paint, type Style } from "./output.ts";
import { ago } from "./wording.ts";

const STYLES: Readonly<Record<ApprovalStatus, Style>> = {
  pending: "yellow",
  approved: "green",
  rejected: "red",
  expired: "magenta",
  cancelled: "dim",
};

export function paintApproval(status: ApprovalStatus, paint: Paint): string {
  return paint(STYLES[status], status);
}

export function approvalLooks(approval: Approval, { paint }: Output): Looks {
  const { approval_id: id, status, run_id: run, node_id: node, decisions, quorum } = approval;
  const approvals = decisions.filter(({ decision }) => decision === "approve").length;
  return {
    pretty: () => [
      `${paint("bold", id)}  ${paintApproval(status, paint)}${status === "pending" ? ` (${approvals} of ${quorum})` : ""}`,
      `  ${approval.message}`,
      `  ${paint("dim", `run ${run}, node ${node}, asked ${ago(approval.created_at, Date.now())}`)}`,
      ...decisions.map(
        (vote) =>
          `  ${paint("dim", `${vote.key}: ${vote.decision}${vote.comments === null ? "" : `, ${vote.comments}`}`)}`,
      ),
    ],
    compact: () => [fields(id, status, run, node, approvals, quorum)],
  };
}
