/** Lets go of runs that ended long ago: their detail moves to an archive in D1, then their rows leave the shard. */
import { encodeTime } from "ulid";
import { type RunArchive, writeArchive } from "#store/archive.ts";
import type { RunRow } from "#store/projection.ts";
import type { Graphs } from "#store/shard/graphs.ts";
import type { IdempotencyKeys } from "#store/shard/idempotency.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";

/** How often a shard looks for runs to let go. */
export const RETENTION_INTERVAL_MS = 3_600_000;

/** Runs that one look archives; while there are more, the next look follows after the pause. */
export const RUNS_PER_LOOK = 50;
const PAUSE_MS = 1_000;

export interface OldRun {
  tenant: string;
  /** Number of the last event that the archive holds. */
  seq: number;
  row: RunRow;
  archive: RunArchive;
}

export interface RetentionParts {
  database: D1Database;
  runs: RunLog;
  graphs: Graphs;
  keys: IdempotencyKeys;
  positions: Positions;
  logger: Logger;
  /** How long after its end a run stays in the shard. */
  retentionMs: number;
  /** What ids of this shard's runs begin with, before the ULID. */
  idPrefix: string;
  /** Everything that is known of a run; null when it is not there. */
  read(runId: string): OldRun | null;
  forget(runId: string): void;
}

export class Retention {
  readonly #parts: RetentionParts;
  #dueAt: number;
  #looking = false;
  /** Where a walk that did not fit into one look goes on: also past runs that could not be archived. */
  #after = "";

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#dueAt = parts.positions.number("retention_checked_at") + RETENTION_INTERVAL_MS;
  }

  get dueAt(): number {
    return this.#dueAt;
  }

  async look(nowMs: number): Promise<void> {
    if (this.#looking || nowMs < this.#dueAt) return;
    this.#looking = true;
    try {
      await this.#walk(nowMs);
    } finally {
      this.#looking = false;
    }
  }

  async #walk(nowMs: number): Promise<void> {
    const { runs, graphs, positions, keys, retentionMs, idPrefix } = this.#parts;
    const endedBefore = nowMs - retentionMs;
    const newestId = `${idPrefix}${encodeTime(Math.max(0, endedBefore))}`;
    const ended = runs.ended(endedBefore, this.#after, newestId, RUNS_PER_LOOK);
    for (const { run_id } of ended) await this.#archive(run_id, nowMs);
    const last = ended.at(-1);
    if (last !== undefined && ended.length === RUNS_PER_LOOK) {
      this.#after = last.run_id;
      this.#dueAt = nowMs + PAUSE_MS;
      return;
    }
    if (ended.length > 0) graphs.removeUnused();
    keys.forgetExpired(nowMs);
    positions.set("retention_checked_at", nowMs);
    this.#after = "";
    this.#dueAt = nowMs + RETENTION_INTERVAL_MS;
  }

  async #archive(runId: string, nowMs: number): Promise<void> {
    const { database, runs, logger, read, forget } = this.#parts;
    try {
      const old = read(runId);
      if (old === null) return;
      await writeArchive(database, old.tenant, runId, old.archive, old.row, nowMs);
      // What came while D1 was writing is not in the archive: then the next look takes the run.
      if (runs.lastSeq(runId) !== old.seq) return;
      runs.remove(runId);
      forget(runId);
    } catch (error) {
      // It stays where it is until a later walk.
      logger.warn("a run could not be archived", { run_id: runId, error });
    }
  }
}
