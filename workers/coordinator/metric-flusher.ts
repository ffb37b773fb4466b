/**
 * Counts the events of the shard's log and hands the counts to a Meter, exactly once: the Meter remembers up to which
 * row it was told, takes only what begins there, and is asked again where it stands when the two disagree. Reads rows
 * behind a position of its own, in the background.
 */

import type { RunEvent } from "#engine/events.ts";
import { isTerminal, type RunState } from "#engine/state.ts";
import { visibleStatus } from "#engine/view.ts";
import { Backoff } from "#kernel/backoff.ts";
import type { MeterRpc } from "#store/meter/protocol.ts";
import type { LiveRun, MeteredRuns, RunChange } from "#store/shard/metered-runs.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { LogRow, RunLog } from "#store/shard/run-log.ts";
import { ACTIVE_STATES } from "#telemetry/catalogue/label-values.ts";
import type { Metric } from "#telemetry/catalogue/metric.ts";
import { objectStorage } from "#telemetry/catalogue/platform-metrics.ts";
import { hitlPending, runsActive } from "#telemetry/catalogue/run-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import { batchText } from "#telemetry/metrics/batch.ts";
import { countEvents, type Measured } from "#telemetry/metrics/run-figures.ts";
import { Tally } from "#telemetry/metrics/tally.ts";
import { PROJECTION_DELAY_MS } from "./projector.ts";

/** Figures are handed over at most so often. `/metrics` promises to be at most 5 s old. */
export const METER_INTERVAL_MS = 2_000;

/** Rows of the log that one look takes, and that one call stands for at most. */
const LOOK_ROWS_MAX = 500;
const SEND_ROWS_MAX = 5_000;

export interface MetricFlusherParts {
  meter: MeterRpc;
  source: string;
  runs: RunLog;
  live: MeteredRuns;
  positions: Positions;
  logger: Logger;
  /** A run as its events are counted; its state is as new as or newer than them. */
  measuredOf(runId: string): Measured;
}

export class MetricFlusher {
  readonly #parts: MetricFlusherParts;
  /** What the Meter has, as far as is known here, and the last row that is counted in memory. */
  #through: number;
  #counted: number;
  /** Up to here the log has been looked at: there may be no rows at its end. */
  #looked: number;
  #rows = 0;
  #tally = new Tally();
  /** Runs with rows since `#through`, and whether they live; null where no event of theirs says so. */
  #touched = new Map<string, boolean | null>();
  readonly #gauges = new Map<string, number>();
  #sentAt = 0;
  readonly #backoff = new Backoff();
  #notBefore = 0;
  #flushing = false;

  constructor(parts: MetricFlusherParts) {
    this.#parts = parts;
    this.#through = parts.positions.number("metered_through");
    this.#counted = this.#through;
    this.#looked = this.#through;
  }

  get backlog(): number {
    return Math.max(0, this.#parts.runs.lastId - this.#looked) + (this.#counted - this.#through);
  }

  /** Milliseconds until a flush is due; null when everything has been handed over. */
  get dueInMs(): number | null {
    if (this.backlog === 0) return null;
    return Math.max(PROJECTION_DELAY_MS, Math.max(this.#notBefore, this.#sentAt + METER_INTERVAL_MS) - Date.now());
  }

  /** Takes rows that somebody else has read, as far as they are the next ones. */
  saw(after: number, rows: readonly LogRow[]): void {
    if (after <= this.#looked && this.#rows < SEND_ROWS_MAX) this.#count(rows.filter(({ id }) => id > this.#looked));
  }

  async flush(): Promise<void> {
    const nowMs = Date.now();
    if (this.#flushing || nowMs < this.#notBefore || nowMs < this.#sentAt + METER_INTERVAL_MS) return;
    this.#flushing = true;
    const { logger, runs } = this.#parts;
    const until = runs.lastId;
    try {
      // What others read is enough while they do: to read the log twice costs more than to count it.
      const isShown = this.#counted > this.#through;
      do {
        if (!isShown) this.#look(until);
        await this.#send();
        this.#backoff.succeeded();
      } while (!isShown && this.#looked < until);
    } catch (error) {
      this.#forget();
      this.#notBefore = Date.now() + this.#backoff.failed();
      logger.warn("metrics could not be handed over", {
        failures: this.#backoff.failures,
        backlog: this.backlog,
        error,
      });
    } finally {
      this.#flushing = false;
    }
  }

  /** Reads and counts rows, as many as one call stands for. */
  #look(until: number): void {
    const { runs } = this.#parts;
    while (this.#looked < until && this.#rows < SEND_ROWS_MAX) {
      const rows = runs.rowsAfter(this.#looked, LOOK_ROWS_MAX).filter(({ id }) => id <= until);
      this.#count(rows);
      // Numbers without a row belong to transitions that were taken back.
      if (rows.length === 0) this.#looked = until;
    }
  }

  #count(rows: readonly LogRow[]): void {
    for (const { id, run_id, events } of rows) {
      countEvents(events, this.#parts.measuredOf(run_id), this.#tally);
      this.#touch(run_id, events);
      this.#counted = id;
      this.#looked = id;
    }
    this.#rows += rows.length;
  }

  #touch(runId: string, events: readonly RunEvent[]): void {
    let lives = this.#touched.get(runId) ?? null;
    for (const { type } of events) {
      if (type === "run.queued" || type === "run.reopened") lives = true;
      else if (type === "run.completed" || type === "run.failed" || type === "run.cancelled") lives = false;
    }
    this.#touched.set(runId, lives);
  }

  async #send(): Promise<void> {
    if (this.#counted === this.#through) return;
    const { meter, source, live, positions } = this.#parts;
    const through = this.#counted;
    const changes = this.#changes();
    const gauges = this.#setGauges(changes);
    const batch = batchText(this.#tally.take());
    this.#touched = new Map();
    this.#rows = 0;
    this.#sentAt = Date.now();
    const mark = await meter.take(source, this.#through, through, batch);
    if (mark !== through) {
      this.#goOnFrom(mark);
      return;
    }
    live.apply(changes);
    positions.set("metered_through", through);
    this.#through = through;
    for (const [name, value] of gauges) this.#gauges.set(name, value);
  }

  #changes(): RunChange[] {
    const { live } = this.#parts;
    return [...this.#touched].flatMap(([runId, lives]): RunChange[] => {
      const before = live.get(runId);
      // A run that began and ended in between is nobody's business.
      if (lives === false) return before === null ? [] : [{ runId, before, after: null }];
      return lives === null && before === null ? [] : [{ runId, before, after: this.#liveRun(runId, before) }];
    });
  }

  #liveRun(runId: string, before: LiveRun | null): LiveRun {
    const { state } = this.#parts.measuredOf(runId);
    // By its state it may have ended in a row that is still to come.
    if (state === null || isTerminal(state.status)) return before ?? { status: "running", pending: 0 };
    return { status: visibleStatus(state), pending: pendingOf(state) };
  }

  /** Gauges that are not what the Meter was told last. */
  #setGauges(changes: readonly RunChange[]): [name: string, value: number][] {
    const { live, runs } = this.#parts;
    const told: [string, number][] = [];
    const set = (metric: Metric, labels: string[], value: number) => {
      const name = `${metric.name} ${labels.join(" ")}`;
      if (this.#gauges.get(name) === value) return;
      this.#tally.set(metric, labels, value);
      told.push([name, value]);
    };
    for (const state of ACTIVE_STATES) set(runsActive as Metric, [state], live.count(state, changes));
    set(hitlPending as Metric, [], live.pending(changes));
    set(objectStorage as Metric, ["coordinator"], runs.databaseBytes);
    return told;
  }

  /** The Meter stands elsewhere: an answer of its was lost, or it lost what it had. It is right. */
  #goOnFrom(mark: number): void {
    const { live, positions, runs, logger } = this.#parts;
    logger.warn("the meter stands elsewhere in the log", { through: this.#through, mark });
    this.#forget();
    const until = Math.min(mark, runs.lastId);
    while (this.#looked < until) {
      this.#look(until);
      // What it has of these rows is counted; only how their runs stand is not known here yet.
      live.apply(this.#changes());
      this.#touched = new Map();
      this.#rows = 0;
    }
    positions.set("metered_through", mark);
    this.#through = mark;
    this.#gauges.clear();
    this.#forget();
    this.#sentAt = 0;
  }

  /** Nothing is counted beyond what the Meter has: it is read again. */
  #forget(): void {
    this.#tally = new Tally();
    this.#touched = new Map();
    this.#rows = 0;
    this.#counted = this.#through;
    this.#looked = this.#through;
  }
}

function pendingOf(state: RunState): number {
  let pending = 0;
  for (const path of state.active) {
    const approval = state.nodes.get(path)?.approval ?? null;
    if (approval !== null && approval.decided_at === null) pending += 1;
  }
  return pending;
}
