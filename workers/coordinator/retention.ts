/** Lets go of runs that ended long ago: their detail moves to an archive in D1, then their rows leave the shard. */
import { encodeTime } from "ulid";
import type { RunEvent } from "#engine/events.ts";
import { writeArchive } from "#store/archive.ts";
import type { IdempotencyKeys } from "#store/shard/idempotency.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { RunDetails } from "#store/shard/protocol.ts";
import type { RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";

/** How often a shard looks for runs to let go. */
export const RETENTION_INTERVAL_MS = 3_600_000;

/** Runs that one look archives; while there are more, the next look follows at once. */
const RUNS_PER_LOOK = 50;

export interface RetentionParts {
  database: D1Database;
  runs: RunLog;
  keys: IdempotencyKeys;
  positions: Positions;
  logger: Logger;
  /** How long after its end a run stays in the shard. */
  retentionMs: number;
  /** What ids of this shard's runs begin with, before the ULID. */
  idPrefix: string;
  /** Everything that is known of a run; null when it cannot be read. */
  read(runId: string): { details: RunDetails; events: RunEvent[] } | null;
  forget(runId: string): void;
}

export class Retention {
  readonly #parts: RetentionParts;
  #dueAt: number;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#dueAt = parts.positions.number("retention_checked_at") + RETENTION_INTERVAL_MS;
  }

  get dueAt(): number {
    return this.#dueAt;
  }

  async look(nowMs: number): Promise<void> {
    if (nowMs < this.#dueAt) return;
    const { runs, positions, keys, retentionMs, idPrefix } = this.#parts;
    const endedBefore = nowMs - retentionMs;
    const newestId = `${idPrefix}${encodeTime(Math.max(0, endedBefore))}`;
    const ended = runs.ended(endedBefore, newestId, RUNS_PER_LOOK);
    for (const { run_id } of ended) await this.#archive(run_id, nowMs);
    keys.forgetExpired(nowMs);
    if (ended.length === RUNS_PER_LOOK) {
      this.#dueAt = nowMs;
      return;
    }
    positions.set("retention_checked_at", nowMs);
    this.#dueAt = nowMs + RETENTION_INTERVAL_MS;
  }

  async #archive(runId: string, nowMs: number): Promise<void> {
    const { database, runs, logger, read, forget } = this.#parts;
    try {
      const archive = read(runId);
      if (archive !== null) {
        const { tenant } = runs.header(runId) ?? { tenant: "" };
        await writeArchive(database, tenant, runId, { v: 1, ...archive }, nowMs);
      }
      runs.remove(runId);
      forget(runId);
    } catch (error) {
      // It stays where it is and the next look tries again.
      logger.warn("a run could not be archived", { run_id: runId, error });
    }
  }
}
