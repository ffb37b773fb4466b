/** Bulk jobs on real D1 with shards of the test's own: which runs a job is for, that each is done once, and its bounds. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, test } from "vitest";
import { nextUlid, runId, shardName } from "#kernel/ids.ts";
import { BulkRunner, CHUNK_TRIES_MAX, CHUNKS_PER_INVOCATION } from "#store/bulk-runner.ts";
import { CHUNK_RUNS, JOB_ERRORS_MAX, JOB_RUNS_MAX, JOBS_UNFINISHED_MAX, type JobRecord } from "#store/job.ts";
import { JOBS_KEPT_MS, Jobs, LEASE_MS, type NewJob } from "#store/jobs.ts";
import type { RunFilters } from "#store/run-list.ts";
import type { BulkItem, BulkReply } from "#store/shard/protocol.ts";
import { Shards } from "#store/shards.ts";
import { createLogger } from "#telemetry/log.ts";

const jobs = new Jobs(drizzle(env.DB));
const logger = createLogger({ service: "test", level: "error", asLines: false });
const SHARDS = 4;

/** Every call that a shard got. */
let calls: { shard: string; tenant: string; items: BulkItem[] }[];
let reply: (item: BulkItem) => BulkReply | Promise<BulkReply>;

function runner(): BulkRunner {
  const namespace = {
    getByName: (shard: string) => ({
      async bulk(tenant: string, items: BulkItem[]) {
        calls.push({ shard, tenant, items });
        return Promise.all(items.map((item) => reply(item)));
      },
    }),
  };
  const settings = { shards: SHARDS, previousShards: null, shardsEver: SHARDS, region: "xx" as const };
  return new BulkRunner(jobs, new Shards(namespace as never, settings), logger);
}

const doneIds = () => calls.flatMap(({ items }) => items.map(({ run_id: id }) => id));

interface Row {
  status?: string;
  ended?: boolean;
  tenant?: string;
  labels?: object;
}

/** Rows of runs, spread over the shards; gives their ids in order. */
async function putRuns(count: number, { status = "waiting", ended = false, tenant = "acme", labels = {} }: Row = {}) {
  const ids = Array.from({ length: count }, (_, n) => runId({ region: "xx", shard: n % SHARDS }, nextUlid(1_000_000)));
  await env.DB.prepare(
    `INSERT INTO runs (run_id, tenant, seq, status, generation, workflow, artifact_id, trigger, labels, priority, submitted_at, ended_at)
     SELECT value, ?2, 1, ?3, 1, 'pay', 'sha256:x', 'api', ?4, 3, 1000000, ?5 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(ids), tenant, status, JSON.stringify(labels), ended ? 1_000_001 : null)
    .run();
  return ids.sort();
}

async function add(more: Partial<NewJob> = {}, filters: Partial<RunFilters> = {}): Promise<JobRecord> {
  const made = await tryAdd(more, filters);
  if (typeof made === "string") throw new Error(made);
  return made;
}

function tryAdd(more: Partial<NewJob> = {}, filters: Partial<RunFilters> = {}) {
  const createdAt = Date.now();
  const id = `job_${nextUlid(createdAt)}`;
  const job = { id, tenant: "acme", action: "cancel" as const, filter: { q: "run" }, options: {}, createdBy: "key_1" };
  return jobs.add({ ...job, createdAt, ...more }, { labels: {}, ...filters });
}

const find = async (job: JobRecord) => {
  const found = await jobs.find(job.tenant, job.id);
  if (found === null) throw new Error("the job is there");
  return found;
};

const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>("n");

beforeEach(async () => {
  await env.DB.batch(["runs", "jobs", "job_chunks"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  calls = [];
  reply = () => ({ outcome: "done" });
});

describe("a job", () => {
  test("is for the runs of its tenant that match and have not ended when it is made", async () => {
    const wanted = await putRuns(5, { labels: { team: "red" } });
    await putRuns(3, { labels: { team: "blue" } });
    await putRuns(3, { labels: { team: "red" }, status: "completed", ended: true });
    await putRuns(3, { labels: { team: "red" }, tenant: "globex" });
    const job = await add({}, { labels: { team: "red" } });
    expect(job).toMatchObject({ status: "queued", matched: 5, done: 0, failed: 0, errors: [] });
    await putRuns(3, { labels: { team: "red" } });
    await runner().work(job.id);
    expect(doneIds().sort()).toEqual(wanted);
    expect(calls.every(({ tenant }) => tenant === "acme")).toBe(true);
    expect(await find(job)).toMatchObject({
      status: "completed",
      matched: 5,
      done: 5,
      failed: 0,
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
    });
  });

  test("that replays is for runs that have ended", async () => {
    await putRuns(2);
    const wanted = await putRuns(3, { status: "failed", ended: true });
    const job = await add({ action: "replay", options: { mode: "freeze", from: "failed_node" } });
    await runner().work(job.id);
    expect(doneIds().sort()).toEqual(wanted);
    const items = calls.flatMap((call) => call.items);
    for (const item of items) expect(item).toMatchObject({ replay: { mode: "freeze", from_failed: true } });
  });

  test("of no run is completed", async () => {
    const job = await add();
    expect(job.matched).toBe(0);
    await runner().work(job.id);
    expect(await find(job)).toMatchObject({ status: "completed", matched: 0, done: 0, failed: 0 });
  });

  test("of ten thousand runs is done by one invocation: each once, a hundred in a call, all of a call in one shard", async () => {
    const wanted = await putRuns(10_000);
    const job = await add();
    await runner().work(job.id);
    expect(doneIds().sort()).toEqual(wanted);
    expect(calls.length).toBeLessThanOrEqual(10_000 / CHUNK_RUNS + SHARDS);
    for (const { shard, items } of calls) {
      const shards = new Set(
        items.map((item) => shardName({ region: "xx", shard: Number.parseInt(item.run_id.slice(6, 9), 16) })),
      );
      expect([...shards]).toEqual([shard]);
    }
    expect(await find(job)).toMatchObject({ status: "completed", done: 10_000, failed: 0 });
    expect(await count("job_chunks")).toBe(0);
  });

  test("larger than one invocation is left to the next", async () => {
    await putRuns((CHUNKS_PER_INVOCATION + 1) * CHUNK_RUNS);
    const job = await add();
    await runner().work(job.id);
    const afterOne = await find(job);
    expect(afterOne).toMatchObject({ status: "running", done: CHUNKS_PER_INVOCATION * CHUNK_RUNS });
    // The lease was given back: nobody has to wait for its end.
    await runner().work(job.id);
    expect(await find(job)).toMatchObject({ status: "completed", done: afterOne.matched });
    expect(new Set(doneIds()).size).toBe(afterOne.matched);
  });

  test("counts what did not work and keeps the first errors", async () => {
    await putRuns(50);
    reply = () => ({ outcome: "refused", code: "conflict", message: "the run has completed already" });
    const job = await add();
    await runner().work(job.id);
    const { errors, ...rest } = await find(job);
    expect(rest).toMatchObject({ status: "completed", done: 0, failed: 50 });
    expect(errors).toHaveLength(JOB_ERRORS_MAX);
    expect(errors[0]).toEqual({
      run_id: doneIds()[0],
      code: "conflict",
      message: "the run has completed already",
    });
  });

  test.each([
    ["cancel", false, "conflict"],
    ["replay", true, "gone"],
  ] as const)("to %s counts archived runs as failed", async (action, ended, code) => {
    await putRuns(1, { ended });
    reply = () => ({ outcome: "absent" });
    const job = await add({ action });
    await runner().work(job.id);
    expect(await find(job)).toMatchObject({ status: "completed", failed: 1, errors: [{ code }] });
  });
});

describe("whoever works on it", () => {
  test("works alone: of many at once each run is done once", async () => {
    const wanted = await putRuns(500);
    const job = await add();
    await Promise.all(Array.from({ length: 5 }, () => runner().work(job.id)));
    expect(doneIds().sort()).toEqual(wanted);
    expect(await find(job)).toMatchObject({ status: "completed", done: 500 });
  });

  test("may die: when the lease has ended another goes on, and a run done twice has the same replay", async () => {
    // As many for each shard as a chunk holds.
    await putRuns(SHARDS * CHUNK_RUNS, { ended: true });
    const job = await add({ action: "replay" });
    // The first one never comes back from its second call.
    let answered = 0;
    reply = () => (answered++ < CHUNK_RUNS ? { outcome: "done" } : new Promise(() => undefined));
    void runner().work(job.id);
    while (calls.length < 2) await scheduler.wait(5);
    const [, interrupted] = calls;
    expect(await find(job)).toMatchObject({ status: "running", done: CHUNK_RUNS });

    reply = () => ({ outcome: "done" });
    await runner().work(job.id);
    expect(calls).toHaveLength(2);
    await env.DB.prepare("UPDATE jobs SET lease_until = lease_until - ?").bind(LEASE_MS).run();
    await runner().workUnfinished();
    expect(await find(job)).toMatchObject({ status: "completed", done: SHARDS * CHUNK_RUNS, failed: 0 });
    expect(calls[2]?.items).toEqual(interrupted?.items);
  });

  test("that lost its lease counts nothing any more", async () => {
    await putRuns(2 * CHUNK_RUNS);
    const job = await add();
    let release: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    reply = async () => {
      await slow;
      return { outcome: "done" };
    };
    const first = runner().work(job.id);
    while (calls.length === 0) await scheduler.wait(5);
    await env.DB.prepare("UPDATE jobs SET lease_until = 0").run();
    const second = runner().work(job.id);
    while (calls.length < 2) await scheduler.wait(5);
    release();
    await Promise.all([first, second]);
    expect(await find(job)).toMatchObject({ status: "completed", done: 2 * CHUNK_RUNS });
  });

  test("tries again what a shard did not take, and counts the others meanwhile", async () => {
    await putRuns(8);
    const job = await add();
    let refusals = 0;
    reply = (item) =>
      item.run_id.startsWith("run_xx001") && refusals++ < 2 ? { outcome: "overloaded" } : { outcome: "done" };
    await runner().work(job.id);
    expect(await find(job)).toMatchObject({ status: "completed", done: 8, failed: 0 });
    expect(doneIds()).toHaveLength(10);
  });

  test("gives up on a run after so many tries", async () => {
    const [id] = await putRuns(1);
    reply = () => {
      throw new Error("lost");
    };
    for (const tries of [CHUNK_TRIES_MAX - 2, CHUNK_TRIES_MAX - 1]) {
      const job = await add();
      await env.DB.prepare("UPDATE job_chunks SET tries = ?").bind(tries).run();
      calls = [];
      await runner().work(job.id);
      expect(calls).toHaveLength(CHUNK_TRIES_MAX - tries);
      expect(await find(job)).toMatchObject({
        status: "completed",
        failed: 1,
        errors: [{ run_id: id, code: "overloaded" }],
      });
    }
  });

  test("takes up what is unfinished of every tenant", async () => {
    await putRuns(3);
    await putRuns(4, { tenant: "globex" });
    const made = [await add(), await add({ tenant: "globex" })];
    await runner().workUnfinished();
    for (const job of made) expect(await find(job)).toMatchObject({ status: "completed", done: job.matched });
  });
});

describe("bounds", () => {
  test(`a tenant has ${JOBS_UNFINISHED_MAX} unfinished jobs and no more, even when the last come together`, async () => {
    for (let i = 0; i < JOBS_UNFINISHED_MAX - 1; i++) await add();
    const made = await Promise.all([tryAdd(), tryAdd(), tryAdd()]);
    expect(made.filter((each) => each === "full")).toHaveLength(2);
    expect(await tryAdd({ tenant: "globex" })).toMatchObject({ status: "queued" });
    await runner().workUnfinished();
    expect(await tryAdd()).toMatchObject({ status: "queued" });
  });

  test(`a job is for ${JOB_RUNS_MAX} runs and no more`, async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO runs (run_id, tenant, seq, status, generation, artifact_id, trigger, labels, priority, submitted_at)
       SELECT 'run_xx000' || printf('%026d', i), 'acme', 1, 'waiting', 1, 'sha256:x', 'api', '{}', 3, i FROM n`,
    )
      .bind(JOB_RUNS_MAX)
      .run();
    expect(await tryAdd()).toMatchObject({ matched: JOB_RUNS_MAX });
    expect(await count("job_chunks")).toBe(JOB_RUNS_MAX / CHUNK_RUNS);
    await putRuns(1);
    expect(await tryAdd()).toBe("too_many");
    expect(await tryAdd({}, { submittedBefore: 1_000 })).toMatchObject({ matched: 999 });
  }, 60_000);

  test("what ended long ago is forgotten when the next is made", async () => {
    const old = await add();
    await runner().work(old.id);
    const kept = await add();
    await runner().work(kept.id);
    await env.DB.prepare("UPDATE jobs SET ended_at = ended_at - ? WHERE id = ?")
      .bind(JOBS_KEPT_MS + 1_000, old.id)
      .run();
    await add();
    expect(await jobs.find("acme", old.id)).toBeNull();
    expect(await jobs.find("acme", kept.id)).not.toBeNull();
  });
});

test("jobs are a tenant's own, newest first, by status", async () => {
  const made: JobRecord[] = [];
  for (let i = 0; i < 3; i++) made.push(await add());
  await add({ tenant: "globex" });
  const [first, second, third] = made.map(({ id }) => id);
  const ids = async (...page: Parameters<Jobs["list"]>) => (await jobs.list(...page)).map(({ id }) => id);
  expect(await ids("acme", undefined, "", 10)).toEqual([third, second, first]);
  expect(await ids("acme", undefined, third ?? "", 1)).toEqual([second]);
  await runner().work(second ?? "");
  expect(await ids("acme", "completed", "", 10)).toEqual([second]);
  expect(await jobs.find("globex", first ?? "")).toBeNull();
});
