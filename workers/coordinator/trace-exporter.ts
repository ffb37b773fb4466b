/**
 * Sends the traces of runs that have ended to a collector, and moves a position of its own in the shard's log forward once
 * they are taken. Safe to repeat: ids of spans follow from the log. What a run does never waits for it.
 */

import type { RunEvent } from "#engine/events.ts";
import { Backoff } from "#kernel/backoff.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { LogRow, RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";
import { type CollectorAddress, deliver, type PostJson } from "#telemetry/otlp-collector.ts";
import { type TelemetryOrigin, traceDocument } from "#telemetry/traces/otlp.ts";
import { whyKept } from "#telemetry/traces/sampling.ts";
import type { Span } from "#telemetry/traces/span.ts";
import type { EndedRun } from "./run-reader.ts";

/** How long an ended run may wait for others to share a request. */
export const EXPORT_INTERVAL_MS = 2_000;

/** Rows of the log that one look takes. */
const LOOK_ROWS_MAX = 500;

/** Spans of one request. */
export const EXPORT_SPANS_MAX = 512;

export interface TraceExporterParts {
  /** Null: traces are sent nowhere, and this costs nothing. */
  collector: CollectorAddress | null;
  /** Share of the runs without anything to tell. */
  share: number;
  origin: TelemetryOrigin;
  runs: RunLog;
  positions: Positions;
  logger: Logger;
  post: PostJson;
  /** The generation of a run that an event of its log has ended. */
  ended(runId: string, seq: number): EndedRun | null;
}

export class TraceExporter {
  readonly #parts: TraceExporterParts;
  #through = 0;
  readonly #backoff = new Backoff();
  #notBefore = 0;
  #flushing = false;

  constructor(parts: TraceExporterParts) {
    this.#parts = parts;
    const { collector, positions, runs } = parts;
    const known = positions.text("traces_through");
    if (collector === null) {
      // Told of a collector later, it begins with what happens then.
      if (known !== null) positions.forget("traces_through");
      return;
    }
    if (known === null) positions.set("traces_through", runs.lastId);
    this.#through = positions.number("traces_through");
  }

  get backlog(): number {
    return this.#parts.collector === null ? 0 : this.#parts.runs.lastId - this.#through;
  }

  /** Milliseconds until a flush is due; null when everything has been sent. */
  get dueInMs(): number | null {
    return this.backlog === 0 ? null : Math.max(EXPORT_INTERVAL_MS, this.#notBefore - Date.now());
  }

  async flush(): Promise<void> {
    if (this.backlog === 0 || this.#flushing || Date.now() < this.#notBefore) return;
    this.#flushing = true;
    this.#notBefore = Date.now() + EXPORT_INTERVAL_MS;
    const until = this.#parts.runs.lastId;
    try {
      while (this.#through < until) {
        const rows = this.#parts.runs.rowsAfter(this.#through, LOOK_ROWS_MAX);
        if (!(await this.#export(rows))) return;
        this.#moveTo(rows.at(-1)?.id ?? until);
        this.#backoff.succeeded();
      }
    } catch (error) {
      this.#putOff("the log could not be read", null, error);
    } finally {
      this.#flushing = false;
    }
  }

  /** False when the collector has not taken all of them; those it took are behind the position. */
  async #export(rows: readonly LogRow[]): Promise<boolean> {
    let spans: Span[] = [];
    for (const row of rows) {
      spans.push(...this.#spansOf(row));
      if (spans.length < EXPORT_SPANS_MAX) continue;
      if (!(await this.#send(spans))) return false;
      spans = [];
      this.#moveTo(row.id);
    }
    return this.#send(spans);
  }

  async #send(spans: readonly Span[]): Promise<boolean> {
    const { collector, logger, origin, post } = this.#parts;
    for (let from = 0; from < spans.length; from += EXPORT_SPANS_MAX) {
      if (collector === null) return false;
      const some = spans.slice(from, from + EXPORT_SPANS_MAX);
      const body = JSON.stringify(traceDocument(some, origin));
      const delivery = await deliver(collector, body, post, Date.now());
      if (delivery.outcome === "again") {
        this.#putOff(delivery.reason, delivery.waitMs);
        return false;
      }
      if (delivery.outcome === "refused") {
        logger.error("the collector refused spans; they are not sent again", {
          spans: some.length,
          reason: delivery.reason,
        });
      } else if (delivery.rejected > 0) {
        logger.warn("the collector did not keep some spans", { spans: some.length, rejected: delivery.rejected });
      }
    }
    return true;
  }

  #putOff(reason: string, waitMs: number | null, error?: unknown): void {
    // Longer when the collector says so.
    this.#notBefore = Date.now() + Math.max(this.#backoff.failed(), waitMs ?? 0);
    const { failures } = this.#backoff;
    const { backlog } = this;
    this.#parts.logger.warn("traces could not be sent", { reason, failures, backlog, ...(error ? { error } : {}) });
  }

  #moveTo(row: number): void {
    this.#through = row;
    this.#parts.positions.set("traces_through", row);
  }

  /** Spans of what ended in a transition. A run that cannot be read keeps no other from being sent. */
  #spansOf({ run_id: runId, events }: LogRow): Span[] {
    const { ended, logger, share } = this.#parts;
    try {
      return events.filter(isEnd).flatMap(({ seq }) => {
        const run = ended(runId, seq);
        return run === null || whyKept(runId, run.events, share) === null ? [] : run.spans;
      });
    } catch (error) {
      logger.error("a run could not be traced", { run_id: runId, error });
      return [];
    }
  }
}

function isEnd({ type }: RunEvent): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled";
}
