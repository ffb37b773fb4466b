/** Every minute: knocks at the shards that D1 lists as active, so that a lost alarm cannot leave a run behind. */
import { type ShardAddress, shardName } from "#kernel/ids.ts";
import type { Shards } from "#store/shards.ts";
import type { Logger } from "#telemetry/log.ts";

export async function knockAtShards(
  d1: D1Database,
  shards: Shards,
  logger: Logger,
  everyShard: boolean,
): Promise<void> {
  const addresses = everyShard ? shards.all() : await activeShards(d1, shards);
  const answers = await Promise.allSettled(addresses.map((address) => shards.call(address, (shard) => shard.wake())));
  answers.forEach((answer, index) => {
    const address = addresses[index];
    if (answer.status === "rejected" && address !== undefined) {
      logger.error("a shard did not answer the watchdog", { shard: shardName(address), error: answer.reason });
    }
  });
}

/** Shards with a run that has not ended, by one run of each: ids begin with their shard. */
async function activeShards(d1: D1Database, shards: Shards): Promise<ShardAddress[]> {
  const { results } = await d1
    .prepare("SELECT min(run_id) AS run_id FROM runs WHERE ended_at IS NULL GROUP BY substr(run_id, 1, 9)")
    .all<{ run_id: string }>();
  return results.flatMap((row) => shards.addressOf(row.run_id) ?? []);
}
