/**
 * The way to the coordinator shards: which one a new run goes to, which one an id names, and how a call is answered
 * when a shard is reset or overloaded.
 */
import { ApiError } from "#kernel/errors.ts";
import {
  hash32,
  type LocationHint,
  nextUlid,
  parseRunId,
  REGIONS,
  type Region,
  runId,
  type ShardAddress,
  shardName,
} from "#kernel/ids.ts";
import { type CallTold, callObject } from "./object-call.ts";
import type { CoordinatorRpc } from "./shard/protocol.ts";
import { type StreamOrder, streamRequest } from "./shard/stream.ts";

export interface ShardNamespace {
  getByName(name: string, options?: { locationHint?: LocationHint }): CoordinatorRpc;
}

export interface ShardSettings {
  shards: number;
  /** The count before it was last changed, while keys given out under it may still be asked for. */
  previousShards: number | null;
  /** The largest count there ever was: runs of those shards may still live. */
  shardsEver: number;
  region: Region;
  told?: CallTold;
}

export class Shards {
  readonly #namespace: ShardNamespace;
  readonly #settings: ShardSettings;

  constructor(namespace: ShardNamespace, settings: ShardSettings) {
    this.#namespace = namespace;
    this.#settings = settings;
  }

  /** An id for a new run: spread by the id itself, or kept together by tenant and idempotency key. */
  newRunId(nowMs: number, key?: { tenant: string; key: string }): string {
    const ulid = nextUlid(nowMs);
    const { shards, region } = this.#settings;
    const shard = (key === undefined ? hash32(ulid) : keyHash(key)) % shards;
    return runId({ region, shard }, ulid);
  }

  /** An id for a new run in a given shard: what is started together is kept together. */
  newRunIdIn(address: ShardAddress, nowMs: number): string {
    return runId(address, nextUlid(nowMs));
  }

  /** The shard that a key belonged to before the number of shards was changed; null when it is the same one. */
  previousShardOf(key: { tenant: string; key: string }): ShardAddress | null {
    const { shards, previousShards, region } = this.#settings;
    if (previousShards === null) return null;
    const shard = keyHash(key) % previousShards;
    return shard === keyHash(key) % shards ? null : { region, shard };
  }

  /** The shard of a run; null for an id that this installation never gave out. */
  addressOf(id: string): ShardAddress | null {
    return parseRunId(id, this.#shardsEver);
  }

  /** Every shard that may hold runs. */
  all(): ShardAddress[] {
    const { region } = this.#settings;
    return Array.from({ length: this.#shardsEver }, (_, shard) => ({ region, shard }));
  }

  /** Calls a shard. A reset is tried again; an overload is not, and is the caller's answer. */
  call<Value>(address: ShardAddress, ask: (shard: CoordinatorRpc) => Promise<Value>): Promise<Value> {
    return callObject(() => this.#stub(address), ask, "the coordinator", this.#settings.told);
  }

  /** A socket that tells a run's log from a position on; null for a run that the shard does not hold. */
  async stream(address: ShardAddress, order: StreamOrder): Promise<WebSocket | null> {
    const response = await this.call(address, (shard) => shard.fetch(streamRequest(order)));
    if (response.status === 503) {
      throw new ApiError("overloaded", "too many streams are open where this run lives; try again shortly", {
        headers: { "Retry-After": "5" },
      });
    }
    return response.webSocket;
  }

  get #shardsEver(): number {
    const { shards, previousShards, shardsEver } = this.#settings;
    return Math.max(shards, previousShards ?? 0, shardsEver);
  }

  #stub(address: ShardAddress): CoordinatorRpc {
    const hint = REGIONS[address.region];
    return this.#namespace.getByName(shardName(address), hint === null ? {} : { locationHint: hint });
  }
}

function keyHash(key: { tenant: string; key: string }): number {
  return hash32(`${key.tenant}\n${key.key}`);
}
