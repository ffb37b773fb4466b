/**
 * Hands the points of the shard's log over to analytics, slice by slice, and moves a position of its own forward once
 * they are taken. Safe to repeat: points are numbered by the rows of the log, and each number is taken once.
 */

import { Backoff } from "#kernel/backoff.ts";
import type { AnalyticsRpc } from "#store/analytics/protocol.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { LogRow, RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";
import type { NumberedPoint, Point } from "#telemetry/point.ts";
import { writePoints } from "../analytics.ts";
import { PROJECTION_DELAY_MS } from "./projector.ts";

/** Rows of the log that one look takes. */
const LOOK_ROWS_MAX = 500;

export interface PointWriterParts {
  /** Null: telemetry is off, and nothing is handed over. */
  analytics: AnalyticsRpc | null;
  source: string;
  runs: RunLog;
  positions: Positions;
  logger: Logger;
  pointsOf: (row: LogRow) => Point[];
  /** Told of rows that were read, and the position after which: who needs the same ones need not read them again. */
  saw?: (after: number, rows: readonly LogRow[]) => void;
}

export class PointWriter {
  readonly #parts: PointWriterParts;
  #through: number;
  readonly #backoff = new Backoff();
  #notBefore = 0;
  #flushing = false;

  constructor(parts: PointWriterParts) {
    this.#parts = parts;
    const { positions, runs } = parts;
    // A shard from before there were points begins with what happens now.
    if (positions.text("points_through") === null) positions.set("points_through", runs.lastId);
    this.#through = positions.number("points_through");
  }

  get backlog(): number {
    return this.#parts.analytics === null ? 0 : this.#parts.runs.lastId - this.#through;
  }

  /** Milliseconds until a flush is due; null when everything has been handed over. */
  get dueInMs(): number | null {
    return this.backlog === 0 ? null : Math.max(PROJECTION_DELAY_MS, this.#notBefore - Date.now());
  }

  async flush(): Promise<void> {
    const { analytics, logger, positions, runs } = this.#parts;
    if (analytics === null || this.#flushing || Date.now() < this.#notBefore) return;
    this.#flushing = true;
    const until = runs.lastId;
    try {
      while (this.#through < until) {
        const rows = runs.rowsAfter(this.#through, LOOK_ROWS_MAX);
        this.#parts.saw?.(this.#through, rows);
        await writePoints(
          analytics,
          this.#parts.source,
          rows.flatMap((row) => this.#numbered(row)),
        );
        this.#through = rows.at(-1)?.id ?? until;
        positions.set("points_through", this.#through);
        this.#backoff.succeeded();
      }
    } catch (error) {
      this.#notBefore = Date.now() + this.#backoff.failed();
      logger.warn("points could not be handed over", {
        failures: this.#backoff.failures,
        backlog: this.backlog,
        error,
      });
    } finally {
      this.#flushing = false;
    }
  }

  /** A run that cannot be read keeps no other from being measured. */
  #numbered(row: LogRow): NumberedPoint[] {
    try {
      return this.#parts.pointsOf(row).map((point, part) => ({ ...point, seq: row.id, part }));
    } catch (error) {
      this.#parts.logger.error("a run could not be measured", { run_id: row.run_id, error });
      return [];
    }
  }
}
