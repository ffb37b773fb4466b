/** A run again as a new one, in the shard of the run that it repeats: with its own version or another, its inputs or others. */

import type { Principal } from "#access/scopes.ts";
import type { ReplayMode } from "#engine/events.ts";
import type { RunView } from "#engine/view.ts";
import { ApiError } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type { ReplayReply, ReplayRequest } from "#store/shard/protocol.ts";
import { checkInputs } from "#workflow/inputs.ts";
import { askOrArchive, refusal } from "./ask-run.ts";
import { invalid } from "./route.ts";
import type { Services } from "./services.ts";
import { findWorkflow, refusalOf, type Source } from "./start-run.ts";

export interface ReplayOrder {
  mode: ReplayMode;
  from?: string | undefined;
  /** A tag or an artifact id. */
  workflow?: string | undefined;
  inputs?: JsonObject | undefined;
}

export async function replayRun(
  services: Services,
  { tenant, keyId }: Principal,
  id: string,
  order: ReplayOrder,
): Promise<RunView> {
  const source = order.workflow === undefined ? null : await findWorkflow(services, tenant, order.workflow);
  if (source !== null) checkOrder(source, order);
  const address = services.shards.addressOf(id);
  const request: ReplayRequest = {
    // Without a shard there is no run, which is what the question below is answered with.
    run_id: address === null ? "" : services.shards.newRunIdIn(address, Date.now()),
    mode: order.mode,
    by: keyId,
    ...(order.from === undefined ? {} : { from: order.from }),
    ...(order.inputs === undefined ? {} : { inputs: order.inputs }),
    ...(source === null ? {} : { artifact_id: source.artifactId, workflow: source.tag }),
  };
  let reply = await ask(services, tenant, id, request);
  if (reply.outcome === "definition_needed" && source !== null) {
    const definition = source.definition as unknown as JsonObject;
    reply = await ask(services, tenant, id, { ...request, definition });
  }
  if (reply.outcome === "refused") throw refusal(reply);
  if ("run" in reply) return reply.run;
  throw refusalOf(reply.outcome);
}

function ask(services: Services, tenant: string, id: string, request: ReplayRequest): Promise<ReplayReply> {
  return askOrArchive(
    services,
    tenant,
    id,
    (shard) => shard.replayRun(tenant, id, request),
    () => {
      const message = "the run was archived long after its end; GET it for its inputs and start a run with them";
      throw new ApiError("gone", message);
    },
  );
}

function checkOrder({ definition }: Source, { from, inputs }: ReplayOrder): void {
  if (from !== undefined && !definition.nodes.some((node) => node.id === from)) {
    throw invalid("/from", `that version has no node "${from}"`);
  }
  if (inputs === undefined || definition.inputs === undefined) return;
  const details = checkInputs(definition.inputs, inputs);
  if (details.length > 0) throw new ApiError("invalid", "the inputs do not fit the workflow's schema", { details });
}
