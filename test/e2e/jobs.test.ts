/** Bulk jobs at their size: ten thousand runs, killed in the middle; replays from where runs failed; whose runs they are. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inFlight } from "../support/in-flight.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

let weir: WeirProcess;
let witness: Witness;
const broken = new Set<string>();

beforeAll(async () => {
  witness = await startWitness((request, response) => {
    if (broken.has(request.url ?? "")) answerJson(response, 500, {});
    else answerOk(request, response);
  });
  weir = await startWeir({ env: { WEIR_ALLOW_PRIVATE_HOSTS: witness.host } });
});

afterAll(async () => {
  await weir.stop();
  await witness.close();
});

const api = (method: string, path: string, body?: unknown, headers = {}) =>
  weir.api(method, `/api/v1${path}`, body, headers);
const get = (path: string) => api("GET", path);
const bulk = (body: unknown) => api("POST", "/runs/bulk", body);

const WAITING = { nodes: [{ id: "wait", type: "wait_for_event", config: { event: "go" } }] };

/** Starts as many runs under a label, and waits until lists show them in that status. */
async function startRuns(count: number, team: string, definition: object, status: string): Promise<string[]> {
  const ids: string[] = [];
  await inFlight(Math.ceil(count / 100), 4, async (batch) => {
    const size = Math.min(100, count - batch * 100);
    const runs = Array.from({ length: size }, () => ({ definition, labels: { team } }));
    const { body } = await api("POST", "/runs/batch", { runs });
    ids.push(...body.items.map((item: { run: { run_id: string } }) => item.run.run_id));
  });
  await until(async () => ((await listed(team, status)) === count ? true : null), 30_000);
  return ids;
}

/** Runs under a label in that status, as lists show them. */
async function listed(team: string, status: string): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await get(
      `/runs?label.team=${team}&status=${status}&limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    count += page.body.items.length;
    cursor = page.body.next_cursor;
  }
  return count;
}

async function until<Value>(ask: () => Promise<Value | null>, waitMs: number): Promise<Value> {
  for (const end = Date.now() + waitMs; ; await sleep(100)) {
    const value = await ask();
    if (value !== null) return value;
    if (Date.now() > end) throw new Error("it did not happen in time");
  }
}

const completed = (jobId: string, waitMs = 60_000) =>
  until(async () => {
    const { body } = await get(`/jobs/${jobId}`).catch(() => ({ body: null }));
    return body?.status === "completed" ? body : null;
  }, waitMs);

describe("a job that cancels", () => {
  test("leaves alone what came after it was made, and what does not match", async () => {
    const ids = await startRuns(150, "red", WAITING, "waiting");
    const [other] = await startRuns(1, "blue", WAITING, "waiting");
    const made = await bulk({ action: "cancel", filter: { "label.team": "red" } });
    const { body: later } = await api("POST", "/runs", { definition: WAITING, labels: { team: "red" } });
    expect(await completed(made.body.job_id)).toMatchObject({ matched: 150, done: 150, failed: 0, errors: [] });
    for (const id of [ids[0], ids[149]]) {
      const { body } = await get(`/runs/${id}/events?limit=1000`);
      const ends = body.items.filter(({ type }: { type: string }) => type === "run.cancelled");
      expect(ends).toMatchObject([{ reason: `by ${made.body.job_id}` }]);
    }
    for (const id of [other, later.run_id]) expect((await get(`/runs/${id}`)).body.status).toBe("waiting");
    const ofEnded = await bulk({ action: "cancel", filter: { "label.team": "red", status: "cancelled" } });
    expect(ofEnded.body.matched).toBe(0);
  });

  test("of ten thousand runs is done, also when the process is killed in the middle of it", async () => {
    await startRuns(10_000, "many", WAITING, "waiting");
    const { body: job } = await bulk({ action: "cancel", filter: { "label.team": "many" } });
    expect(job.matched).toBe(10_000);
    // As soon as some are done: the rest takes it a second or two.
    while ((await get(`/jobs/${job.job_id}`)).body.done === 0);
    await weir.kill9Workerd();
    await weir.waitForReady(2);
    // Whoever worked on it had a lease; until that ends nobody goes on.
    const { body: interrupted } = await get(`/jobs/${job.job_id}`);
    expect(interrupted).toMatchObject({ status: "running", ended_at: null });
    expect(interrupted.done).toBeGreaterThan(0);
    expect(interrupted.done).toBeLessThan(10_000);
    expect(await completed(job.job_id, 100_000)).toMatchObject({ matched: 10_000, done: 10_000, failed: 0 });
    await until(async () => ((await listed("many", "cancelled")) === 10_000 ? true : null), 30_000);
    expect(await listed("many", "waiting")).toBe(0);
  }, 240_000);
});

describe("a job that replays", () => {
  const charge = () => ({
    nodes: [
      { id: "read", type: "http", config: { url: `${witness.url}/read` } },
      {
        id: "charge",
        type: "http",
        config: { url: `${witness.url}/charge`, method: "POST", payload: { run: "$run.id" } },
        retry: { max_attempts: 1 },
      },
    ],
    edges: [{ from: "read", to: "charge" }],
  });
  const requests = (path: string) => witness.requests.filter(({ url }) => url === path);

  test("makes one new run of each, from the node that failed it", async () => {
    broken.add("/charge");
    const ids = await startRuns(30, "failing", charge(), "failed");
    broken.delete("/charge");
    const [reads, charges] = [requests("/read").length, requests("/charge").length];
    const filter = { "label.team": "failing", error_code: "http_status" };
    const { body: job } = await bulk({ action: "replay", filter, from: "failed_node" });
    expect(job).toMatchObject({ matched: 30, mode: "live", from: "failed_node" });
    expect(await completed(job.job_id)).toMatchObject({ done: 30, failed: 0 });
    await until(async () => ((await listed("failing", "completed")) === 30 ? true : null), 20_000);
    expect([requests("/read").length, requests("/charge").length]).toEqual([reads, charges + 30]);
    const replays = await Promise.all(ids.map(async (id) => (await get(`/runs/${id}`)).body.replays));
    expect(replays.every((each) => each.length === 1)).toBe(true);
    const [replay] = replays[0];
    expect((await get(`/runs/${replay}`)).body).toMatchObject({ replay_of: { run_id: ids[0], from: "charge" } });
  });

  test("in shadow sends nothing that could change anything", async () => {
    const ids = await startRuns(5, "well", charge(), "completed");
    const charges = requests("/charge").length;
    const { body: job } = await bulk({ action: "replay", filter: { "label.team": "well" }, mode: "shadow" });
    expect(await completed(job.job_id)).toMatchObject({ matched: 5, done: 5, failed: 0 });
    await until(async () => ((await listed("well", "completed")) === 2 * ids.length ? true : null), 20_000);
    expect(requests("/charge")).toHaveLength(charges);
  });

  test("says what did not work, run by run", async () => {
    const ids = await startRuns(3, "plain", { nodes: [{ id: "a", type: "parallel" }] }, "completed");
    const { body: job } = await bulk({ action: "replay", filter: { "label.team": "plain" }, mode: "freeze" });
    const { errors, ...rest } = await completed(job.job_id);
    expect(rest).toMatchObject({ matched: 3, done: 0, failed: 3 });
    expect(errors.map((error: { run_id: string }) => error.run_id).sort()).toEqual([...ids].sort());
    expect(errors[0]).toMatchObject({ code: "invalid", message: expect.any(String) });
  });
});

test("another tenant's runs and jobs are nobody's business", async () => {
  expect((await api("POST", "/tenants", { id: "acme" })).status).toBe(201);
  const { key } = (await api("POST", "/keys", { name: "k", tenant: "acme", scopes: ["run", "read"] })).body;
  const [own] = await startRuns(1, "mine", WAITING, "waiting");
  const asAcme = { authorization: `Bearer ${key}` };
  const { body: job } = await api("POST", "/runs/bulk", { action: "cancel", filter: { "label.team": "mine" } }, asAcme);
  expect(job.matched).toBe(0);
  expect((await get(`/jobs/${job.job_id}`)).status).toBe(404);
  expect((await get(`/runs/${own}`)).body.status).toBe("waiting");
  expect((await api("GET", "/jobs", undefined, asAcme)).body.items).toHaveLength(1);
});
