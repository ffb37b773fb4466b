/**
 * Reports results to the shards: results that come close together, or while a call to their shard is under way, share
 * one call and so one commit. A message is acknowledged once its result has been taken; otherwise the queue delivers it
 * again.
 */
import type { TaskResult } from "#engine/task.ts";
import type { ShardAddress } from "#kernel/ids.ts";
import { shardName } from "#kernel/ids.ts";
import type { OfTenant } from "#store/shard/protocol.ts";
import type { Shards } from "#store/shards.ts";
import type { Logger } from "#telemetry/log.ts";

/** Bounds of one call. */
export const RESULTS_PER_CALL_MAX = 50;
export const BYTES_PER_CALL_MAX = 1_048_576;

/** A result waits this long for others while tasks of its batch are under way; the last one, and a lone one, not at all. */
export const GATHER_MS = 5;

/** Pause before the queue delivers a message again whose result was not taken. */
const REDELIVERY_DELAY_S = 2;

export interface Report {
  result: OfTenant<TaskResult>;
  bytes: number;
  message: Pick<Message, "ack" | "retry">;
}

export class Reporter {
  readonly #shards: Shards;
  readonly #logger: Logger;
  readonly #gathered = new Map<string, Report[]>();
  readonly #sending = new Map<string, Promise<void>>();
  #underWay = 0;
  readonly #gathering = new Set<() => void>();

  constructor(shards: Shards, logger: Logger) {
    this.#shards = shards;
    this.#logger = logger;
  }

  /** Does a piece of work that may report: until it has ended, results of others wait a little for it. */
  async during(work: () => Promise<void>): Promise<void> {
    this.#underWay += 1;
    try {
      await work();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const go of [...this.#gathering]) go();
    }
  }

  report(address: ShardAddress, report: Report): void {
    const name = shardName(address);
    const gathered = this.#gathered.get(name) ?? [];
    this.#gathered.set(name, gathered);
    gathered.push(report);
    if (!this.#sending.has(name)) this.#sending.set(name, this.#send(address, gathered));
  }

  /** Resolves when everything reported so far has been taken or given back to the queue. */
  async drain(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending.values());
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        this.#gathering.delete(go);
        resolve();
      };
      const timer = setTimeout(go, GATHER_MS);
      this.#gathering.add(go);
    });
  }

  async #send(address: ShardAddress, gathered: Report[]): Promise<void> {
    // The task that has just reported still counts: alone, it waits for nobody.
    let others = this.#underWay - 1;
    while (gathered.length > 0) {
      if (others > 0 && gathered.length < RESULTS_PER_CALL_MAX) await this.#gather();
      const reports = takeCall(gathered);
      const results = reports.map((report) => report.result);
      try {
        const outcomes = await this.#shards.call(address, (shard) => shard.tasksEnded(results));
        reports.forEach((report, index) => {
          if (outcomes[index] === "failed") report.message.retry({ delaySeconds: REDELIVERY_DELAY_S });
          else report.message.ack();
        });
      } catch (error) {
        this.#logger.warn("a shard did not take results", {
          shard: shardName(address),
          results: results.length,
          error,
        });
        for (const report of reports) report.message.retry({ delaySeconds: REDELIVERY_DELAY_S });
      }
      others = this.#underWay;
    }
    // In the same turn as the last look at what has gathered: a report that comes now starts a sending of its own.
    this.#sending.delete(shardName(address));
  }
}

/** Removes from the front what one call may carry. */
export function takeCall(gathered: Report[]): Report[] {
  let bytes = 0;
  let count = 0;
  for (const report of gathered) {
    bytes += report.bytes;
    if (count === RESULTS_PER_CALL_MAX || (count > 0 && bytes > BYTES_PER_CALL_MAX)) break;
    count += 1;
  }
  return gathered.splice(0, count);
}
