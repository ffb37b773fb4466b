/** One call about many runs of the shard: each is told or replayed by itself, and answered without its values. */
import type { BulkItem, BulkReply, CoordinatorRpc } from "#store/shard/protocol.ts";
import type { Logger } from "#telemetry/log.ts";
import type { RunReader } from "./run-reader.ts";

export interface BulkParts {
  shard: Pick<CoordinatorRpc, "command" | "replayRun">;
  reader: RunReader;
  logger: Logger;
}

/** Replies in the order of the items; one that goes wrong keeps no other from being done. */
export function doAll(parts: BulkParts, tenant: string, items: readonly BulkItem[]): Promise<BulkReply[]> {
  return Promise.all(
    items.map(async (item) => {
      try {
        return await doOne(parts, tenant, item);
      } catch (error) {
        parts.logger.error("one of many runs failed", { run_id: item.run_id, error });
        return { outcome: "failed" };
      }
    }),
  );
}

async function doOne({ shard, reader }: BulkParts, tenant: string, item: BulkItem): Promise<BulkReply> {
  if ("replay" in item) {
    const reply = await shard.replayRun(tenant, item.run_id, item.replay);
    if (reply === null) return { outcome: "absent" };
    if (reply.outcome === "started") return { outcome: "done" };
    return reply.outcome === "refused" ? reply : { outcome: "overloaded" };
  }
  const reply = await shard.command(tenant, item.run_id, item.command);
  if (reply === null) return { outcome: "absent" };
  if (reply.outcome === "done") return { outcome: "done" };
  // Who asks again after a crash learns that it has been done.
  const isCancelled = reader.find(tenant, item.run_id)?.state.status === "cancelled";
  return item.command.type === "cancel" && isCancelled ? { outcome: "done" } : reply;
}
