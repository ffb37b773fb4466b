/**
 * Bulk jobs in D1. Which runs a job is for is fixed when it is made; whoever holds its lease takes them chunk by chunk.
 * A lease that is not renewed ends by itself, so that a job outlives whoever worked on it.
 */
import { and, asc, desc, eq, isNotNull, isNull, lt, notExists, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { jobChunks, jobs, runs } from "./database-schema.ts";
import {
  CHUNK_RUNS,
  JOB_RUNS_MAX,
  JOBS_UNFINISHED_MAX,
  type JobAction,
  type JobError,
  type JobRecord,
  type JobStatus,
} from "./job.ts";
import { filterConditions, type RunFilters } from "./run-list.ts";

/** A lease that is not renewed for this long is free to take. */
export const LEASE_MS = 15_000;

/** How long a job is kept after its end. */
export const JOBS_KEPT_MS = 30 * 24 * 3_600_000;

export type NewJob = Pick<JobRecord, "id" | "tenant" | "action" | "filter" | "options" | "createdAt"> & {
  createdBy: string;
};

/** Who works on a job. */
export interface Lease {
  jobId: string;
  owner: string;
}

export interface Chunk {
  chunk: number;
  runIds: string[];
  tries: number;
}

/** What came of a chunk: how many were done and failed, every error that the job keeps, and the runs still to do. */
export interface Progress {
  done: number;
  failed: number;
  errors: readonly JobError[];
  remaining: readonly string[];
}

type Row = typeof jobs.$inferSelect;

export class Jobs {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** Makes a job of the runs that match now; in one transaction, so that what is matched is what will be done. */
  async add(job: NewJob, filters: RunFilters): Promise<JobRecord | "full" | "too_many"> {
    const database = this.#database;
    const matching = and(...filterConditions(job.tenant, filters), mayBe(job.action));
    const counted = await database.get<{ n: number }>(
      sql`SELECT count(*) AS n FROM (SELECT 1 FROM ${runs} WHERE ${matching} LIMIT ${JOB_RUNS_MAX + 1})`,
    );
    if ((counted?.n ?? 0) > JOB_RUNS_MAX) return "too_many";
    const { id, tenant, action, createdBy, createdAt } = job;
    const [filter, options] = [JSON.stringify(job.filter), JSON.stringify(job.options)];
    // In the order of ids, which begin with their shard: most chunks are for one shard.
    const numbered = sql`SELECT ${runs.runId} AS run_id, row_number() OVER (ORDER BY ${runs.runId}) - 1 AS n
      FROM ${runs} WHERE ${matching} LIMIT ${JOB_RUNS_MAX}`;
    // A bound number is a REAL, by which nothing is divided without a rest.
    const chunk = sql`n / ${sql.raw(String(CHUNK_RUNS))}`;
    const unfinished = sql`SELECT count(*) FROM ${jobs} WHERE tenant = ${tenant} AND ended_at IS NULL`;
    const [, , , , [row]] = await database.batch([
      database.delete(jobs).where(and(eq(jobs.tenant, tenant), lt(jobs.endedAt, createdAt - JOBS_KEPT_MS))),
      // In the order of the table's columns.
      database.insert(jobs).select(
        sql`SELECT ${id}, ${tenant}, ${action}, ${filter}, ${options}, 'queued', 0, 0, 0, '[]', ${createdBy},
          ${createdAt}, NULL, NULL, NULL, NULL WHERE (${unfinished}) < ${JOBS_UNFINISHED_MAX}`,
      ),
      database.insert(jobChunks).select(
        sql`SELECT ${id}, ${chunk}, json_group_array(run_id), 0 FROM (${numbered})
          WHERE EXISTS (SELECT 1 FROM ${jobs} WHERE id = ${id}) GROUP BY ${chunk}`,
      ),
      database
        .update(jobs)
        .set({
          matched: sql`(SELECT coalesce(sum(json_array_length(run_ids)), 0) FROM ${jobChunks} WHERE job_id = ${id})`,
        })
        .where(eq(jobs.id, id)),
      database.select().from(jobs).where(eq(jobs.id, id)),
    ]);
    return row === undefined ? "full" : recordOf(row);
  }

  async find(tenant: string, id: string): Promise<JobRecord | null> {
    const isIt = and(eq(jobs.tenant, tenant), eq(jobs.id, id));
    const row = await this.#database.select().from(jobs).where(isIt).get();
    return row === undefined ? null : recordOf(row);
  }

  /** Jobs of a tenant, newest first, those before `before`. */
  async list(tenant: string, status: JobStatus | undefined, before: string, limit: number): Promise<JobRecord[]> {
    const conditions = [
      eq(jobs.tenant, tenant),
      status === undefined ? undefined : eq(jobs.status, status),
      before === "" ? undefined : lt(jobs.id, before),
    ];
    const rows = await this.#database
      .select()
      .from(jobs)
      .where(and(...conditions))
      .orderBy(desc(jobs.id))
      .limit(limit);
    return rows.map(recordOf);
  }

  /** Jobs of all tenants that have not ended; those that nobody works on first, the longest left alone before others. */
  unfinished(limit: number): Promise<{ id: string; leaseUntil: number | null }[]> {
    return this.#database
      .select({ id: jobs.id, leaseUntil: jobs.leaseUntil })
      .from(jobs)
      .where(isNull(jobs.endedAt))
      .orderBy(sql`coalesce(${jobs.leaseUntil}, 0)`, asc(jobs.id))
      .limit(limit);
  }

  /** Takes the lease; null when the job has ended or somebody works on it. */
  async take({ jobId, owner }: Lease, nowMs: number): Promise<JobRecord | null> {
    const isFree = sql`(${jobs.leaseUntil} IS NULL OR ${jobs.leaseUntil} < ${nowMs})`;
    const row = await this.#database
      .update(jobs)
      .set({
        status: "running",
        startedAt: sql`coalesce(${jobs.startedAt}, ${nowMs})`,
        leaseOwner: owner,
        leaseUntil: nowMs + LEASE_MS,
      })
      .where(and(eq(jobs.id, jobId), isNull(jobs.endedAt), isFree))
      .returning()
      .get();
    return row === undefined ? null : recordOf(row);
  }

  /** Gives the lease back before its time. */
  async release(lease: Lease): Promise<void> {
    await this.#database.update(jobs).set({ leaseOwner: null, leaseUntil: null }).where(isHeld(lease));
  }

  /** What is to be done next: what was tried least, in order. */
  async next({ jobId }: Lease): Promise<Chunk | null> {
    const [row] = await this.#nextRows(jobId);
    return row === undefined ? null : chunkOf(row);
  }

  /** Records what came of a chunk, renews the lease and gives the next; `lost` when somebody else has the lease. */
  async settle(lease: Lease, chunk: number, progress: Progress, nowMs: number): Promise<Chunk | null | "lost"> {
    const database = this.#database;
    const { done, failed, errors, remaining } = progress;
    const isIt = and(
      eq(jobChunks.jobId, lease.jobId),
      eq(jobChunks.chunk, chunk),
      sql`EXISTS (SELECT 1 FROM ${jobs} WHERE ${isHeld(lease)})`,
    );
    const runIds = JSON.stringify(remaining);
    const [, renewed, rows] = await database.batch([
      remaining.length === 0
        ? database.delete(jobChunks).where(isIt)
        : database
            .update(jobChunks)
            .set({ runIds, tries: sql`${jobChunks.tries} + 1` })
            .where(isIt),
      database
        .update(jobs)
        .set({
          done: sql`${jobs.done} + ${done}`,
          failed: sql`${jobs.failed} + ${failed}`,
          errors: JSON.stringify(errors),
          leaseUntil: nowMs + LEASE_MS,
        })
        .where(isHeld(lease))
        .returning({ id: jobs.id }),
      this.#nextRows(lease.jobId),
    ]);
    if (renewed.length === 0) return "lost";
    return rows[0] === undefined ? null : chunkOf(rows[0]);
  }

  /** Ends a job of which nothing is left. */
  async end(lease: Lease, nowMs: number): Promise<void> {
    const left = this.#database.select({ id: jobChunks.jobId }).from(jobChunks).where(eq(jobChunks.jobId, lease.jobId));
    await this.#database
      .update(jobs)
      .set({ status: "completed", endedAt: nowMs, leaseOwner: null, leaseUntil: null })
      .where(and(isHeld(lease), notExists(left)));
  }

  #nextRows(jobId: string) {
    return this.#database
      .select()
      .from(jobChunks)
      .where(eq(jobChunks.jobId, jobId))
      .orderBy(asc(jobChunks.tries), asc(jobChunks.chunk))
      .limit(1);
  }
}

/** What has ended cannot be cancelled, and what has not is not replayed by the dozen. */
function mayBe(action: JobAction): SQL {
  return action === "cancel" ? isNull(runs.endedAt) : isNotNull(runs.endedAt);
}

function isHeld({ jobId, owner }: Lease): SQL | undefined {
  return and(eq(jobs.id, jobId), eq(jobs.leaseOwner, owner));
}

function chunkOf({ chunk, runIds, tries }: typeof jobChunks.$inferSelect): Chunk {
  return { chunk, tries, runIds: JSON.parse(runIds) as string[] };
}

function recordOf(row: Row): JobRecord {
  const { filter, options, errors, createdBy: _, leaseOwner: __, leaseUntil: ___, ...rest } = row;
  return {
    ...rest,
    filter: JSON.parse(filter) as JobRecord["filter"],
    options: JSON.parse(options) as JobRecord["options"],
    errors: JSON.parse(errors) as JobError[],
  };
}
