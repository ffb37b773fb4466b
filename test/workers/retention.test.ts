/** Retention: a run that ended long ago moves to an archive and is still answered, by the API that knows no difference. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { encodeTime } from "ulid";
import { describe, expect, test } from "vitest";
import { readArchive } from "#store/archive.ts";
import { RETENTION_INTERVAL_MS } from "../../workers/coordinator/retention.ts";
import { inlineRun, KEY, runOf, shard, startRequest, TENANT } from "./support.ts";

const DAY_MS = 24 * 3_600_000;

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const headers = { Authorization: `Bearer ${KEY}` };
  const response = await exports.default.fetch(`http://weir.test/api/v1${path}`, { headers });
  return { status: response.status, body: await response.json() };
}

describe("retention", () => {
  test("an old run leaves its shard for D1; everything that was answered before is answered the same", async () => {
    const { stub, address } = shard(0);
    const old = Date.now() - 40 * DAY_MS;
    // A run as if submitted forty days ago: its id says so, and so does its header.
    const request = await startRequest(address, inlineRun, { inputs: { n: 1 } });
    const runId = `run_xx000${encodeTime(old)}${request.run_id.slice(-16)}`;
    runOf(await stub.start(TENANT, { ...request, run_id: runId }));
    const young = runOf(await stub.start(TENANT, await startRequest(address, inlineRun))).run_id;
    await runDurableObjectAlarm(stub);
    const before = await Promise.all([
      get(`/runs/${runId}`),
      get(`/runs/${runId}/details`),
      get(`/runs/${runId}/events`),
      get(`/runs/${runId}/events?after=2&limit=1`),
      get(`/runs/${runId}/trace`),
      get(`/runs/${runId}/logs?level=debug`),
    ]);
    expect(before[0].status).toBe(200);

    await runInDurableObject(stub, (_, state) => {
      const { sql } = state.storage;
      sql.exec("UPDATE run SET ended_at = ? WHERE run_id = ?", old, runId);
      sql.exec("UPDATE meta SET value = ? WHERE key = 'retention_checked_at'", Date.now() - RETENTION_INTERVAL_MS);
    });
    await evictDurableObject(stub);
    await stub.wake();
    await runInDurableObject(stub, (_, { storage: { sql } }) => {
      expect(sql.exec("SELECT run_id FROM run").toArray()).toEqual([{ run_id: young }]);
      expect(sql.exec("SELECT count(*) AS n FROM event WHERE run_id = ?", runId).one().n).toBe(0);
    });
    expect(await stub.run(TENANT, runId)).toBeNull();
    expect(await readArchive(env.DB, "elsewhere", runId)).toBeNull();
    expect(await readArchive(env.DB, TENANT, runId)).not.toBeNull();
    const after = await Promise.all([
      get(`/runs/${runId}`),
      get(`/runs/${runId}/details`),
      get(`/runs/${runId}/events`),
      get(`/runs/${runId}/events?after=2&limit=1`),
      get(`/runs/${runId}/trace`),
      get(`/runs/${runId}/logs?level=debug`),
    ]);
    expect(after).toEqual(before);
    expect(
      await env.DB.prepare("SELECT archived_at FROM runs WHERE run_id = ?").bind(runId).first("archived_at"),
    ).toBeGreaterThan(0);
  });
});
