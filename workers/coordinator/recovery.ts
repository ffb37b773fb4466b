/**
 * What a new life of the object owes to the one before: tasks that were committed but may not have reached their
 * queue are sent again. In production those are the rows above `sent_through`; locally, where queues live in the
 * memory of the process that died, all that live runs wait for.
 */
import type { PlanInput } from "#engine/plan.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { RunLog } from "#store/shard/run-log.ts";
import { watchdogRecovered } from "#telemetry/catalogue/platform-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { bootId } from "./boot.ts";

/** Runs that are taken up side by side. */
const RUNS_AT_ONCE = 100;

/** Looks at a run that cannot be taken up, before it is left to the deadline of its dispatch. */
const TRIES_MAX = 5;

export interface RecoveryParts {
  runs: RunLog;
  positions: Positions;
  logger: Logger;
  recorder: MetricRecorder;
  queuesAreInMemory: boolean;
  change(runId: string, input: PlanInput): Promise<unknown>;
}

export class Recovery {
  readonly #parts: RecoveryParts;
  /** Runs whose tasks may be lost; null once they have been taken care of. */
  #suspects: readonly string[] | null;
  #tries = 0;
  readonly #input: PlanInput & { type: "queues_lost" | "tasks_unsent" };
  #running: Promise<void> | null = null;
  /** Up to this row of the log the queues had taken every task before this life. */
  readonly from: number;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    const { runs, positions, queuesAreInMemory } = parts;
    this.from = positions.number("sent_through");
    const isNewBoot = queuesAreInMemory && positions.text("boot") !== bootId();
    const suspects = isNewBoot ? runs.live() : runs.changedSince(this.from, Number.MAX_SAFE_INTEGER).runIds;
    this.#input = { type: isNewBoot ? "queues_lost" : "tasks_unsent" };
    this.#suspects = suspects.length > 0 || isNewBoot ? suspects : null;
  }

  get isNeeded(): boolean {
    return this.#suspects !== null;
  }

  /** Sends again what may be lost; callers that come while it is under way wait for the same. */
  recover(): Promise<void> {
    if (this.#suspects === null) return Promise.resolve();
    this.#running ??= this.#recover(this.#suspects).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #recover(suspects: readonly string[]): Promise<void> {
    const { change, logger, positions, queuesAreInMemory } = this.#parts;
    const failed: string[] = [];
    for (let i = 0; i < suspects.length; i += RUNS_AT_ONCE) {
      const runIds = suspects.slice(i, i + RUNS_AT_ONCE);
      const settled = await Promise.allSettled(runIds.map((runId) => change(runId, this.#input)));
      failed.push(...runIds.filter((_, index) => settled[index]?.status === "rejected"));
    }
    this.#tries += 1;
    if (failed.length > 0 && this.#tries < TRIES_MAX) {
      this.#suspects = failed;
      return;
    }
    if (queuesAreInMemory) positions.set("boot", bootId());
    this.#suspects = null;
    if (suspects.length === 0) return;
    logger.info("tasks of an earlier life were sent again", { runs: suspects.length });
    this.#parts.recorder.count(watchdogRecovered, [this.#input.type], suspects.length);
  }
}
