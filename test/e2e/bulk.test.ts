/** Bulk jobs over HTTP on a real Weir: three hundred runs cancelled and replayed, watched, and through a SIGKILL. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const RUNS = 300;
/** So many that the job is still under way when the kill comes. */
const RUNS_THROUGH_KILL = 2_000;
const END_WAIT_MS = 90_000;

let weir: WeirProcess;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir();
  const waits = { nodes: [{ id: "w", type: "wait_for_event", config: { event: "never" } }] };
  expect((await api.post("/workflows", { tag: "waits", workflow: waits })).status).toBe(201);
});

afterAll(async () => {
  await weir.stop();
});

/** Starts them with a label, and gives their ids once the lists show them all. */
async function startRuns(label: string, total: number, more: object = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < total; n += 100) {
    const runs = Array.from({ length: 100 }, () => ({ workflow: "waits", labels: { job: label }, ...more }));
    const { status, body } = await api.post("/runs/batch", { runs });
    expect(status).toBeLessThan(300);
    ids.push(...body.items.map((item: { run: { run_id: string } }) => item.run.run_id));
  }
  expect(new Set(ids).size).toBe(total);
  await expect.poll(() => count(label), { timeout: 30_000 }).toBe(total);
  return ids;
}

async function listed(label: string, filter = ""): Promise<{ run_id: string; status: string }[]> {
  const items: { run_id: string; status: string }[] = [];
  for (let cursor = ""; ; ) {
    const { body } = await api.get(`/runs?label.job=${label}&limit=200${filter}${cursor}`);
    items.push(...body.items);
    if (body.next_cursor === null) return items;
    cursor = `&cursor=${body.next_cursor}`;
  }
}

const count = async (label: string, filter = "") => (await listed(label, filter)).length;

/** What the job said each time it was looked at, until it had ended; a Weir that is down is looked at again. */
async function watch(jobId: string) {
  const seen: { status: string; matched: number; done: number; failed: number; ended_at: string | null }[] = [];
  for (const latest = Date.now() + END_WAIT_MS; Date.now() < latest; await sleep(20)) {
    const answer = await api.get(`/jobs/${jobId}`).catch(() => null);
    if (answer?.status !== 200) continue;
    seen.push(answer.body);
    if (answer.body.status === "completed") return seen;
  }
  throw new Error(`the job has not ended: ${JSON.stringify(seen.at(-1))}`);
}

describe("three hundred runs", () => {
  test("are cancelled by a job that can be watched", async () => {
    const ids = await startRuns("cancel", RUNS);
    const answer = await api.post("/runs/bulk", { action: "cancel", filter: { "label.job": "cancel" } });
    expect(answer).toMatchObject({ status: 202, body: { action: "cancel", matched: RUNS, failed: 0 } });
    expect(answer.headers.get("location")).toBe(`/api/v1/jobs/${answer.body.job_id}`);
    const seen = await watch(answer.body.job_id);
    expect(seen.at(-1)).toMatchObject({ status: "completed", matched: RUNS, done: RUNS, failed: 0, errors: [] });
    expect(seen.at(-1)?.ended_at).not.toBeNull();
    const dones = seen.map(({ done }) => done);
    expect(dones).toEqual([...dones].sort((left, right) => left - right));
    for (const id of ids.filter((_, n) => n % 25 === 0)) {
      expect((await api.get(`/runs/${id}`)).body.status).toBe("cancelled");
    }
    await expect.poll(() => count("cancel", "&status=cancelled"), { timeout: 30_000 }).toBe(RUNS);
    const { items } = (await api.get("/jobs?status=completed")).body;
    expect(items.map((job: { job_id: string }) => job.job_id)).toContain(answer.body.job_id);
  });

  test("are replayed by a job, each once", async () => {
    await replayAll("replay", RUNS, async () => {});
  });
});

test("two thousand are replayed, each once, though workerd is killed in the middle of the job", async () => {
  let killedAt = Number.POSITIVE_INFINITY;
  const end = await replayAll("kill", RUNS_THROUGH_KILL, async () => {
    killedAt = Date.now();
    await weir.kill9Workerd();
    await weir.waitForReady(2);
  });
  expect(Date.parse(end.ended_at ?? "")).toBeGreaterThan(killedAt);
});

/** Replays as many by a job, and checks that each has exactly one replay; gives the job as it ended. */
async function replayAll(label: string, total: number, meanwhile: () => Promise<void>) {
  const ids = await startRuns(label, total, {
    workflow: undefined,
    definition: { nodes: [{ id: "a", type: "parallel" }] },
  });
  const { body } = await api.post("/runs/bulk", { action: "replay", filter: { "label.job": label } });
  expect(body).toMatchObject({ action: "replay", matched: total });
  await meanwhile();
  const end = (await watch(body.job_id)).at(-1);
  expect(end).toMatchObject({ status: "completed", matched: total, done: total, failed: 0 });
  if (end === undefined) throw new Error("the job was not seen");
  await expect.poll(() => count(label), { timeout: 30_000 }).toBe(2 * total);
  const originals = new Set(ids);
  const replays = (await listed(label)).filter(({ run_id: id }) => !originals.has(id));
  expect(replays).toHaveLength(total);
  for (const id of ids.filter((_, n) => n % 30 === 0)) {
    const { replays: own } = (await api.get(`/runs/${id}`)).body;
    expect(own).toHaveLength(1);
    expect((await api.get(`/runs/${own[0]}`)).body.replay_of).toMatchObject({ run_id: id });
  }
  return end;
}

describe("a job", () => {
  test("that matches nothing has ended at once, or soon", async () => {
    const { body } = await api.post("/runs/bulk", { action: "cancel", filter: { "label.job": "nobody" } });
    expect((await watch(body.job_id)).at(-1)).toMatchObject({ matched: 0, done: 0, failed: 0 });
  });

  test("without a filter, with one that nobody knows, or to do what cannot be done is 422; one that is not there 404", async () => {
    expectError(await api.post("/runs/bulk", { action: "cancel", filter: {} }), 422, "invalid");
    expectError(await api.post("/runs/bulk", { action: "cancel", filter: { colour: "red" } }), 422, "invalid");
    expectError(await api.post("/runs/bulk", { action: "delete", filter: { status: "failed" } }), 422, "invalid");
    expectError(await api.post("/runs/bulk", { action: "cancel" }), 422, "invalid");
    expectError(await api.get("/jobs/job_nonsense"), 404, "not_found");
  });
});
