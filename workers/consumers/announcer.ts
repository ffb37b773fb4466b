/** Tells the shards of tasks that take longer, so that their deadlines run from the start and not from the dispatch. */
import type { TaskStart } from "#engine/task.ts";
import { type ShardAddress, shardName } from "#kernel/ids.ts";
import type { OfTenant } from "#store/shard/protocol.ts";
import type { Shards } from "#store/shards.ts";
import type { Logger } from "#telemetry/log.ts";

/** A task that still runs after this is announced; shorter ones report their start with their result. */
export const ANNOUNCE_AFTER_MS = 500;

/** Announcements that fall due this close together share a call. */
const GATHER_MS = 20;

interface Announcement {
  start: OfTenant<TaskStart>;
  /** The run does not want the task any more. */
  drop: () => void;
  afterMs?: number;
}

export class Announcer {
  readonly #shards: Shards;
  readonly #logger: Logger;
  readonly #gathered = new Map<string, Announcement[]>();

  constructor(shards: Shards, logger: Logger) {
    this.#shards = shards;
    this.#logger = logger;
  }

  /** Announces the task unless the function it answers with is called before. */
  announceLater(address: ShardAddress, announcement: Announcement): () => void {
    const timer = setTimeout(() => this.#gather(address, announcement), announcement.afterMs ?? ANNOUNCE_AFTER_MS);
    return () => clearTimeout(timer);
  }

  #gather(address: ShardAddress, announcement: Announcement): void {
    const name = shardName(address);
    const gathered = this.#gathered.get(name);
    if (gathered !== undefined) {
      gathered.push(announcement);
      return;
    }
    const first = [announcement];
    this.#gathered.set(name, first);
    setTimeout(() => {
      this.#gathered.delete(name);
      void this.#announce(address, first);
    }, GATHER_MS);
  }

  async #announce(address: ShardAddress, announcements: readonly Announcement[]): Promise<void> {
    try {
      const starts = announcements.map((announcement) => announcement.start);
      const outcomes = await this.#shards.call(address, (shard) => shard.tasksStarted(starts));
      announcements.forEach((announcement, index) => {
        if (outcomes[index] === "too_late") announcement.drop();
      });
    } catch (error) {
      // The result will say all the same; until then the dispatch deadline stands.
      this.#logger.warn("starts could not be announced", { shard: shardName(address), error });
    }
  }
}
