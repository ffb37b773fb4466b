/** Which shards have runs that have not ended, as D1 knows it. */
import type { ShardAddress } from "#kernel/ids.ts";
import type { Shards } from "./shards.ts";

/** By one run of each: ids begin with their shard. */
export async function activeShards(d1: D1Database, shards: Shards): Promise<ShardAddress[]> {
  const { results } = await d1
    .prepare("SELECT min(run_id) AS run_id FROM runs WHERE ended_at IS NULL GROUP BY substr(run_id, 1, 9)")
    .all<{ run_id: string }>();
  return results.flatMap((row) => shards.addressOf(row.run_id) ?? []);
}
