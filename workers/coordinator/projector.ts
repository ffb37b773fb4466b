/**
 * Carries what changed in the shard's log to D1, many runs a statement, and moves the positions forward once D1 has
 * it. Safe to repeat: rows are upserts guarded by the number of the last event.
 */

import { Backoff } from "#kernel/backoff.ts";
import { type ApprovalRow, UPSERT_APPROVALS } from "#store/approval-projection.ts";
import { type RunRow, rowBatches, UPSERT_RUNS } from "#store/projection.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";

/** How long a change may wait for others to share its statement. Lists promise to be at most 2 s old. */
export const PROJECTION_DELAY_MS = 500;

/** Rows of the log that one flush takes. */
const FLUSH_ROWS_MAX = 2_000;

/** A write that takes longer counts as failed; it is safe to repeat. */
const WRITE_TIMEOUT_MS = 30_000;

/** Rows of the log that D1 has not seen above which the shard takes no new runs. */
export const PROJECTION_BACKLOG_MAX = 50_000;

/** What D1 shows of a run. */
export interface ProjectedRows {
  run: RunRow;
  approvals: ApprovalRow[];
}

export class Projector {
  readonly #database: D1Database;
  readonly #runs: RunLog;
  readonly #positions: Positions;
  readonly #logger: Logger;
  readonly #rowsOf: (runId: string) => ProjectedRows | null;
  #through: number;
  readonly #backoff = new Backoff();
  /** No flush before this: after a failure D1 is left in peace for a while. */
  #notBefore = 0;
  #flushing = false;

  constructor(parts: {
    database: D1Database;
    runs: RunLog;
    positions: Positions;
    logger: Logger;
    rowsOf: (runId: string) => ProjectedRows | null;
  }) {
    this.#database = parts.database;
    this.#runs = parts.runs;
    this.#positions = parts.positions;
    this.#logger = parts.logger;
    this.#rowsOf = parts.rowsOf;
    this.#through = this.#positions.number("projected_through");
  }

  get backlog(): number {
    return this.#runs.lastId - this.#through;
  }

  get isOverloaded(): boolean {
    return this.backlog > PROJECTION_BACKLOG_MAX;
  }

  /** Milliseconds until a flush is due; null when everything has been carried over. */
  get dueInMs(): number | null {
    if (this.backlog === 0) return null;
    return Math.max(PROJECTION_DELAY_MS, this.#notBefore - Date.now());
  }

  async #write(rows: readonly ProjectedRows[]): Promise<void> {
    const upserts = (statement: string, batches: readonly string[]) =>
      batches.map((json) => this.#database.prepare(statement).bind(json));
    const statements = [
      ...upserts(UPSERT_RUNS, rowBatches(rows.map(({ run }) => run))),
      ...upserts(UPSERT_APPROVALS, rowBatches(rows.flatMap(({ approvals }) => approvals))),
    ];
    if (statements.length === 0) return;
    const written = this.#database.batch(statements);
    let timer: ReturnType<typeof setTimeout> | null = null;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`D1 did not answer in ${WRITE_TIMEOUT_MS} ms`)), WRITE_TIMEOUT_MS);
    });
    try {
      await Promise.race([written, tooLong]);
    } finally {
      // A timer left running would keep the object awake.
      clearTimeout(timer);
    }
  }

  /** A run that cannot be read keeps no other from being carried over. */
  #rowsOrNothing(runId: string): ProjectedRows | null {
    try {
      return this.#rowsOf(runId);
    } catch (error) {
      this.#logger.error("a run could not be projected", { run_id: runId, error });
      return null;
    }
  }

  /** Carries over what there is; `sentThrough` is stored along with the position, at no cost of its own. */
  async flush(sentThrough: () => number): Promise<void> {
    if (this.#flushing || Date.now() < this.#notBefore) return;
    this.#flushing = true;
    // What comes while D1 is busy is for the next flush: a steady stream must not keep this one from ending.
    const until = this.#runs.lastId;
    try {
      while (this.#through < until) {
        const { runIds, through } = this.#runs.changedSince(this.#through, FLUSH_ROWS_MAX);
        await this.#write(runIds.flatMap((runId) => this.#rowsOrNothing(runId) ?? []));
        // Ids without a row belong to transitions that were taken back.
        this.#through = runIds.length === 0 ? this.#runs.lastId : through;
        this.#positions.set("projected_through", this.#through);
        this.#positions.set("sent_through", sentThrough());
        this.#backoff.succeeded();
      }
    } catch (error) {
      this.#notBefore = Date.now() + this.#backoff.failed();
      this.#logger.warn("projection to D1 failed", { failures: this.#backoff.failures, backlog: this.backlog, error });
    } finally {
      this.#flushing = false;
    }
  }
}
