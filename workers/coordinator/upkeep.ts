/**
 * What a shard does without being asked: looks at runs that are due, carries its log to D1, the Meter, analytics and a
 * collector, lets old runs go, and sees that the alarm comes when the next of it is due.
 */
import type { PlanInput } from "#engine/plan.ts";
import { objectAlarmDelay, objectAlarms } from "#telemetry/catalogue/platform-metrics.ts";
import type { ShardParts } from "./parts.ts";

/** Due runs that one look takes up; the alarm goes off again at once while there are more. */
const DUE_RUNS_PER_LOOK = 200;

/** A run whose look failed is looked at again after this. */
const POSTPONE_MS = 60_000;

/** Runs of an earlier life that could not be taken up are looked at again after this. */
const RECOVERY_DELAY_MS = 1_000;

export interface UpkeepSelf {
  /** Lets work go on after the answer. */
  waitUntil(work: Promise<void>): void;
  /** Hands an input to a run. */
  change(runId: string, input: PlanInput): Promise<unknown>;
}

export class Upkeep {
  readonly #parts: ShardParts;
  readonly #self: UpkeepSelf;

  constructor(parts: ShardParts, self: UpkeepSelf) {
    this.#parts = parts;
    this.#self = self;
  }

  /** Takes up the alarm of an earlier life; an object that has just begun looks around at once if it owes something. */
  async begin(): Promise<void> {
    const { alarm, recovery } = this.#parts;
    await alarm.restore();
    if (recovery.isNeeded) alarm.noLaterThan(Date.now());
  }

  /** The single alarm: looks at what is due, carries changes over, lets old runs go, and sets itself again. */
  async alarm(): Promise<void> {
    const { alarm, logger, recorder } = this.#parts;
    recorder.observe(objectAlarmDelay, ["coordinator"], alarm.fired() / 1_000);
    this.#self.waitUntil(this.#carryOver());
    this.#self.waitUntil(this.#export());
    try {
      await this.#lookAround();
      recorder.count(objectAlarms, ["coordinator", "ok"]);
    } catch (error) {
      recorder.count(objectAlarms, ["coordinator", "error"]);
      logger.error("the alarm failed", { error });
    } finally {
      this.#rearm();
    }
  }

  /** The same, asked for by the watchdog, which waits for all but the collector. */
  async wake(): Promise<void> {
    this.#self.waitUntil(this.#export());
    await this.#lookAround();
    await this.#carryOver();
  }

  async #lookAround(): Promise<void> {
    const { recovery, runs } = this.#parts;
    await recovery.recover();
    const due = runs.due(Date.now(), DUE_RUNS_PER_LOOK);
    await Promise.all(due.map((runId) => this.#tick(runId)));
  }

  /** What takes D1's time: never waited for by what must happen at its time. */
  async #carryOver(): Promise<void> {
    const { projector, points, metrics, retention } = this.#parts;
    const measured = points.flush().then(() => metrics?.flush());
    await Promise.all([projector.flush(() => this.#sentThrough()), measured]);
    await retention.look(Date.now());
    this.#rearm();
  }

  /** A collector may be slow: nobody waits for it. */
  async #export(): Promise<void> {
    const { traces } = this.#parts;
    if (traces.backlog === 0) return;
    await traces.flush();
    this.#rearm();
  }

  /** Until an earlier life's tasks have been sent again, the position stays below them. */
  #sentThrough(): number {
    const { dispatcher, recovery, runs } = this.#parts;
    return recovery.isNeeded ? recovery.from : dispatcher.sentThrough(runs.lastId);
  }

  /** One run that cannot be looked at does not keep the others from it, and is not asked for again at once. */
  async #tick(runId: string): Promise<void> {
    try {
      await this.#self.change(runId, { type: "tick" });
    } catch {
      this.#parts.runs.postpone(runId, Date.now() + POSTPONE_MS);
    }
  }

  #rearm(): void {
    const { alarm, metrics, points, projector, recovery, retention, runs, traces } = this.#parts;
    const nowMs = Date.now();
    const times = [
      runs.nextDueAt(),
      ...[projector, points, metrics, traces].map((part) =>
        part === null || part.dueInMs === null ? null : nowMs + part.dueInMs,
      ),
      recovery.isNeeded ? nowMs + RECOVERY_DELAY_MS : null,
      runs.lastId === 0 ? null : retention.dueAt,
    ];
    for (const at of times) if (at !== null) alarm.noLaterThan(Math.max(at, nowMs));
  }
}
