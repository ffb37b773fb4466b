/**
 * Asks every shard to tell the fanout of a tenant's runs, again in time, and takes in what each has to tell at once. A
 * shard that does not answer keeps nobody waiting for long and is asked again.
 */
import type { ShardAddress } from "#kernel/ids.ts";
import { shardName } from "#kernel/ids.ts";
import { inParallel } from "#kernel/parallel.ts";
import type { FeedPage } from "#store/fanout/protocol.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import type { Logger } from "#telemetry/log.ts";

/** Shards tell for so long after they were last asked. */
export const LEASE_MS = 10 * 60_000;

/** A listener is not kept waiting longer for shards that do not answer. */
export const ANSWER_MS = 5_000;

/** Shards that did not answer are asked again after this. */
const RETRY_MS = 2_000;

/** Shards that are asked at a time. */
const PARALLEL = 64;

export interface CallRoundParts {
  shards: readonly ShardAddress[];
  call<Value>(address: ShardAddress, ask: (shard: CoordinatorRpc) => Promise<Value>): Promise<Value>;
  /** How far the fanout stands in a shard's log. */
  throughOf(shard: string): number | null;
  take(page: FeedPage): void;
  logger: Logger;
}

export class CallRound {
  readonly #parts: CallRoundParts;
  #askedAt: number | null = null;
  #round: Promise<void> | null = null;
  readonly #unanswered = new Set<ShardAddress>();
  #retry: ReturnType<typeof setTimeout> | null = null;

  constructor(parts: CallRoundParts) {
    this.#parts = parts;
  }

  /** Whether every shard was asked, so that it still tells for a good while. */
  isFresh(nowMs: number): boolean {
    return this.#askedAt !== null && nowMs < this.#askedAt + LEASE_MS / 2;
  }

  /** Somebody may have been forgotten: the next listener has all of them asked again. */
  forget(): void {
    this.#askedAt = null;
  }

  /** Names of shards that have not answered. */
  get unanswered(): string[] {
    return [...this.#unanswered].map(shardName);
  }

  /** Asks all shards of the tenant; ends when all have answered, or late. */
  async ask(tenant: string): Promise<void> {
    this.#round ??= this.#askAll(tenant).finally(() => {
      this.#round = null;
    });
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ANSWER_MS);
    });
    await Promise.race([this.#round, late]);
    clearTimeout(timer);
  }

  async #askAll(tenant: string): Promise<void> {
    this.#askedAt = Date.now();
    for (const address of this.#parts.shards) this.#unanswered.add(address);
    await this.#askUnanswered(tenant);
  }

  async #askUnanswered(tenant: string): Promise<void> {
    await inParallel([...this.#unanswered], PARALLEL, (address) => this.#askOne(tenant, address));
    if (this.#unanswered.size === 0 || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#askUnanswered(tenant);
    }, RETRY_MS);
  }

  async #askOne(tenant: string, address: ShardAddress): Promise<void> {
    const { call, throughOf, take, logger } = this.#parts;
    const name = shardName(address);
    try {
      const order = { after: throughOf(name), until: Date.now() + LEASE_MS };
      take(await call(address, (shard) => shard.listen(tenant, order)));
      this.#unanswered.delete(address);
    } catch (error) {
      logger.warn("a shard could not be asked for the feed", { shard: name, error });
    }
  }
}
