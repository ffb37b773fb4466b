/** Every shard asked how it is, side by side and for a bounded time: one that does not answer is named, not left out. */
import { type ShardAddress, shardName } from "#kernel/ids.ts";
import { inParallel } from "#kernel/parallel.ts";
import { answerWithin } from "./object-call.ts";
import type { ShardStats } from "./shard/protocol.ts";
import type { Shards } from "./shards.ts";

/** A shard that takes longer counts as silent. */
export const SHARD_ANSWER_MS = 2_000;
/** Shards that are asked side by side. */
export const SHARDS_AT_ONCE = 32;

export type ShardReport =
  | ({ status: "ok"; latency_ms: number } & ShardStats)
  | { status: "down"; latency_ms: number; shard: string };

export async function surveyShards(shards: Shards): Promise<ShardReport[]> {
  const reports = new Map<ShardAddress, ShardReport>();
  const addresses = shards.all();
  await inParallel(addresses, SHARDS_AT_ONCE, async (address) => {
    reports.set(address, await askShard(shards, address));
  });
  return addresses.flatMap((address) => reports.get(address) ?? []);
}

export async function askShard(
  shards: Shards,
  address: ShardAddress,
  answerMs: number = SHARD_ANSWER_MS,
): Promise<ShardReport> {
  const startedAt = Date.now();
  const stats = await answerWithin(
    shards.call(address, (shard) => shard.stats()),
    answerMs,
  );
  const latency = { latency_ms: Date.now() - startedAt };
  return stats === null
    ? { status: "down", ...latency, shard: shardName(address) }
    : { status: "ok", ...latency, ...stats };
}
