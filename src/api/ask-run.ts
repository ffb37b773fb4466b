/**
 * The way from a run's id to an answer about it: the shard that the id names, else the archive of a run that its
 * shard has let go. Another tenant's run is an absent one.
 */

import type { RunCommand } from "#engine/commands/command.ts";
import type { RunView } from "#engine/view.ts";
import { ApiError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { type RunArchive, readArchive } from "#store/archive.ts";
import type { CoordinatorRpc, Refused } from "#store/shard/protocol.ts";
import type { Services } from "./services.ts";

export async function askOrArchive<Value>(
  { shards, d1 }: Services,
  tenant: string,
  id: string,
  ask: (shard: CoordinatorRpc) => Promise<Value | null>,
  fromArchive: (archive: RunArchive) => Value,
): Promise<Value> {
  const address = shards.addressOf(id);
  if (address !== null) {
    const value = await shards.call(address, ask);
    if (value !== null) return value;
    const archive = await readArchive(d1, tenant, id);
    if (archive !== null) return fromArchive(archive);
  }
  throw noSuchRun(id);
}

export function noSuchRun(id: string): ApiError {
  return new ApiError("not_found", `there is no run "${id.slice(0, 100)}"`);
}

/** Asks something of a run; `ofArchive` says why it cannot be asked of one that has long ended. */
export async function commandRun(
  services: Services,
  tenant: string,
  id: string,
  command: RunCommand,
  ofArchive: (archive: RunArchive) => ApiError = hasEnded,
): Promise<{ run: RunView; value: Json }> {
  const reply = await askOrArchive(
    services,
    tenant,
    id,
    (shard) => shard.command(tenant, id, command),
    (archive) => {
      throw ofArchive(archive);
    },
  );
  if (reply.outcome === "refused") throw refusal(reply);
  return reply;
}

export function refusal({ code, message, details }: Refused): ApiError {
  return new ApiError(code, message, details === undefined ? {} : { details });
}

function hasEnded({ details: { status } }: RunArchive): ApiError {
  return new ApiError("conflict", `the run has ${status === "cancelled" ? "been cancelled" : status} already`);
}
