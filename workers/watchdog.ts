/** Every minute: knocks at the shards that D1 lists as active, so that a lost alarm cannot leave a run behind. */
import { shardName } from "#kernel/ids.ts";
import { activeShards } from "#store/active-shards.ts";
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
