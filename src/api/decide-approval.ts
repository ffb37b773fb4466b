/** One approval: read from its run's shard, or its archive, and decided there, whichever way the vote comes. */

import type { ApprovalView } from "#engine/approval-view.ts";
import type { DecisionName } from "#engine/events.ts";
import { ApiError } from "#kernel/errors.ts";
import { parseApprovalId } from "#kernel/ids.ts";
import { findApproval } from "#store/approvals.ts";
import { askOrArchive, commandRun } from "./ask-run.ts";
import type { Services } from "./services.ts";

export interface VoteOrder {
  voter: string;
  decision: DecisionName;
  comments: string | null;
  /** Nonce of the signed link that it comes by. */
  link?: string;
}

/** As its run tells it, else as the inbox keeps it: a run knows only its latest ones. */
export async function readApproval(services: Services, tenant: string, id: string): Promise<ApprovalView> {
  const address = parseApprovalId(id);
  if (address === null) throw noApproval(id);
  const { runId } = address;
  const found = await askOrArchive(
    services,
    tenant,
    runId,
    (shard) => shard.approvals(tenant, runId),
    ({ details }) => details.approvals,
  ).catch((error: unknown) => {
    throw absent(error, id);
  });
  const approval = found.find((each) => each.approval_id === id) ?? (await findApproval(services.database, tenant, id));
  if (approval === null) throw noApproval(id);
  return approval;
}

export async function decideApproval(
  services: Services,
  tenant: string,
  id: string,
  vote: VoteOrder,
): Promise<ApprovalView> {
  const address = parseApprovalId(id);
  if (address === null) throw noApproval(id);
  const command = { type: "decide" as const, approval_id: id, ...vote };
  try {
    const { value } = await commandRun(services, tenant, address.runId, command);
    return value as unknown as ApprovalView;
  } catch (error) {
    if (!(error instanceof ApiError) || error.details !== undefined) throw error;
    if (error.code !== "conflict" && error.code !== "not_found") throw error;
    // The run has ended or does not know it any more: what became of the approval is told along.
    const details = await readApproval(services, tenant, id);
    throw new ApiError("conflict", `the approval is ${details.status} already`, { details });
  }
}

/** An id whose run is not there is that of no approval; the run is not what was asked for. */
function absent(error: unknown, id: string): unknown {
  return error instanceof ApiError && error.code === "not_found" ? noApproval(id) : error;
}

function noApproval(id: string): ApiError {
  return new ApiError("not_found", `there is no approval "${id.slice(0, 150)}"`);
}
