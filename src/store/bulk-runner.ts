/**
 * Works off bulk jobs: takes a lease, does chunk by chunk, and stops before the platform's bounds of one invocation;
 * what is left is the next one's. Doing a run twice is harmless: a cancel is one anyway, and a replay has an id that
 * follows from the job and the run.
 */
import type { ApiErrorCode } from "#kernel/errors.ts";
import { runId, type ShardAddress, shardName, ulidFrom } from "#kernel/ids.ts";
import type { Logger } from "#telemetry/log.ts";
import { sha256 } from "./content-address.ts";
import { JOB_ERRORS_MAX, type JobError, type JobRecord } from "./job.ts";
import type { Chunk, Jobs, Lease, Progress } from "./jobs.ts";
import type { BulkItem, BulkReply } from "./shard/protocol.ts";
import type { Shards } from "./shards.ts";

/** What one invocation works; `waitUntil` after an answer may last 30 s. */
export const WORK_MS = 20_000;

/** Each chunk costs D1 three queries; an invocation has a thousand. */
export const CHUNKS_PER_INVOCATION = 250;

/** Jobs that one look takes up. */
const JOBS_AT_ONCE = 4;

/** Shards that one chunk calls side by side. */
const SHARDS_AT_ONCE = 6;

/** Tries of a chunk whose shard does not answer, before what is left of it counts as failed. */
export const CHUNK_TRIES_MAX = 10;

/** Pause before something is tried again, and before it is looked again whether another's lease has ended. */
const PAUSE_MS = 1_000;

interface Budget {
  until: number;
  chunks: number;
}

export class BulkRunner {
  readonly #jobs: Jobs;
  readonly #shards: Shards;
  readonly #logger: Logger;

  constructor(jobs: Jobs, shards: Shards, logger: Logger) {
    this.#jobs = jobs;
    this.#shards = shards;
    this.#logger = logger;
  }

  /** Works on a job that was just made; never rejects. */
  work(jobId: string): Promise<void> {
    return this.#workAll([jobId], newBudget());
  }

  /** Takes up what is unfinished and nobody works on, also what becomes free while it looks; never rejects. */
  async workUnfinished(): Promise<void> {
    const budget = newBudget();
    try {
      while (hasRoom(budget)) {
        const open = await this.#jobs.unfinished(JOBS_AT_ONCE);
        if (open.length === 0) return;
        const nowMs = Date.now();
        const free = open.filter(({ leaseUntil }) => leaseUntil === null || leaseUntil < nowMs);
        if (free.length === 0) await sleep(PAUSE_MS);
        const ids = free.map(({ id }) => id);
        await this.#workAll(ids, budget);
      }
    } catch (error) {
      this.#logger.error("unfinished jobs could not be looked for", { error });
    }
  }

  async #workAll(jobIds: readonly string[], budget: Budget): Promise<void> {
    const ends = await Promise.allSettled(jobIds.map((jobId) => this.#work(jobId, budget)));
    ends.forEach((end, index) => {
      // Its lease ends by itself, then somebody else goes on.
      if (end.status === "rejected") this.#logger.error("a job stopped", { job: jobIds[index], error: end.reason });
    });
  }

  async #work(jobId: string, budget: Budget): Promise<void> {
    const lease: Lease = { jobId, owner: crypto.randomUUID() };
    const job = await this.#jobs.take(lease, Date.now());
    if (job === null) return;
    const errors = [...job.errors];
    for (let chunk = await this.#jobs.next(lease); chunk !== null; ) {
      if (!hasRoom(budget)) return this.#jobs.release(lease);
      budget.chunks -= 1;
      // Where one thread does it all, as locally, requests get their turn between chunks: only a timer gives way to them.
      await sleep(chunk.tries > 0 ? PAUSE_MS : 0);
      const progress = await this.#do(job, chunk, errors);
      const next = await this.#jobs.settle(lease, chunk.chunk, progress, Date.now());
      if (next === "lost") return;
      chunk = next;
    }
    await this.#jobs.end(lease, Date.now());
  }

  /** Does the runs of a chunk, those of a shard in one call. `errors` takes up to its bound what went wrong. */
  async #do(job: JobRecord, chunk: Chunk, errors: JobError[]): Promise<Progress> {
    const groups = this.#groupsOf(chunk.runIds);
    const replies = new Map<string, BulkReply>();
    for (let at = 0; at < groups.length; at += SHARDS_AT_ONCE) {
      await Promise.all(
        groups.slice(at, at + SHARDS_AT_ONCE).map(async ({ address, runIds }) => {
          const answered = await this.#ask(job, address, runIds);
          runIds.forEach((id, index) => {
            replies.set(id, answered[index] ?? { outcome: "failed" });
          });
        }),
      );
    }
    const progress = { done: 0, failed: 0, errors, remaining: [] as string[] };
    for (const id of chunk.runIds) {
      const verdict = verdictOf(job, replies.get(id) ?? { outcome: "absent" });
      if (verdict === "done") progress.done += 1;
      else if (verdict.again && chunk.tries + 1 < CHUNK_TRIES_MAX) progress.remaining.push(id);
      else {
        progress.failed += 1;
        const { code, message } = verdict;
        if (errors.length < JOB_ERRORS_MAX) errors.push({ run_id: id, code, message });
      }
    }
    return progress;
  }

  async #ask(job: JobRecord, address: ShardAddress, runIds: readonly string[]): Promise<BulkReply[]> {
    try {
      const items = await Promise.all(runIds.map((id) => itemOf(job, address, id)));
      return await this.#shards.call(address, (shard) => shard.bulk(job.tenant, items));
    } catch (error) {
      this.#logger.warn("a shard did not answer a job", { job: job.id, shard: shardName(address), error });
      return runIds.map(() => ({ outcome: "overloaded" }));
    }
  }

  #groupsOf(runIds: readonly string[]): { address: ShardAddress; runIds: string[] }[] {
    const groups = new Map<string, { address: ShardAddress; runIds: string[] }>();
    for (const id of runIds) {
      const address = this.#shards.addressOf(id);
      if (address === null) continue;
      const group = groups.get(shardName(address)) ?? { address, runIds: [] };
      group.runIds.push(id);
      groups.set(shardName(address), group);
    }
    return [...groups.values()];
  }
}

async function itemOf(job: JobRecord, address: ShardAddress, id: string): Promise<BulkItem> {
  if (job.action === "cancel") return { run_id: id, command: { type: "cancel", reason: `by ${job.id}` } };
  const replayId = runId(address, ulidFrom(job.createdAt, await sha256(`${job.id}/${id}`)));
  const { mode = "live", from = "start" } = job.options;
  return { run_id: id, replay: { run_id: replayId, mode, from_failed: from === "failed_node", by: job.id } };
}

/** What a reply amounts to; `again` when another try may mend it. */
function verdictOf(job: JobRecord, reply: BulkReply): "done" | (Omit<JobError, "run_id"> & { again: boolean }) {
  const failed = (code: ApiErrorCode, message: string, again = false) => ({ code, message, again });
  switch (reply.outcome) {
    case "done":
      return "done";
    case "refused":
      return failed(reply.code, reply.message);
    case "absent":
      return job.action === "cancel"
        ? failed("conflict", "the run has ended already")
        : failed("gone", "the run was archived long after its end");
    case "overloaded":
      return failed("overloaded", "the coordinator did not answer", true);
    case "failed":
      return failed("internal", "it could not be done", true);
  }
}

function newBudget(): Budget {
  return { until: Date.now() + WORK_MS, chunks: CHUNKS_PER_INVOCATION };
}

function hasRoom({ until, chunks }: Budget): boolean {
  return Date.now() < until && chunks > 0;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
