/** Bounds inside a shard and a consumer, at their edges; and many starts in one call. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { SHARDS_MAX } from "#kernel/ids.ts";
import type { Positions } from "#store/shard/positions.ts";
import type { LoadedRun, RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";
import { BYTES_PER_CALL_MAX, RESULTS_PER_CALL_MAX, type Report, takeCall } from "../../workers/consumers/reporter.ts";
import { CommitGroup, GROUP_MAX } from "../../workers/coordinator/commit-group.ts";
import { PROJECTION_BACKLOG_MAX, Projector } from "../../workers/coordinator/projector.ts";
import { CACHE_BYTES_MAX, RunCache } from "../../workers/coordinator/run-cache.ts";
import { WAITERS_MAX, Waiters } from "../../workers/coordinator/waiters.ts";
import { type Env, settingsOf } from "../../workers/env.ts";
import { inlineRun, shard, startRequest, TENANT } from "./support.ts";

describe("startMany", () => {
  test("asks once for what it does not have, then starts all of it in one call, each answered in order", async () => {
    const { stub, address } = shard(90);
    const wholes = await Promise.all(Array.from({ length: 50 }, () => startRequest(address, inlineRun)));
    const requests = wholes.map(({ definition: _, ...request }) => request);
    const unknown = await stub.startMany(TENANT, requests);
    expect(new Set(unknown.map((reply) => reply.outcome))).toEqual(new Set(["definition_needed"]));
    const { artifact_id, definition = {} } = wholes[0] ?? (await startRequest(address, inlineRun));
    const replies = await stub.startMany(TENANT, requests, { artifact_id, definition });
    expect(replies).toEqual(requests.map(({ run_id }) => ({ outcome: "started", run_id, status: "completed" })));
  });

  test("one that cannot be started stops no other", async () => {
    const { stub, address } = shard(91);
    const good = await startRequest(address, inlineRun);
    const bad = { ...(await startRequest(address, inlineRun)), artifact_id: "sha256:bad", definition: { nodes: [] } };
    const next = await startRequest(address, inlineRun);
    const replies = await stub.startMany(TENANT, [good, bad, next]);
    expect(replies.map((reply) => reply.outcome)).toEqual(["started", "failed", "started"]);
  });
});

describe("bounds", () => {
  test("results of one call, by count and by size", () => {
    const reports = (count: number, bytes: number) => Array.from({ length: count }, () => ({ bytes }) as Report);
    expect(takeCall(reports(RESULTS_PER_CALL_MAX, 1))).toHaveLength(RESULTS_PER_CALL_MAX);
    expect(takeCall(reports(RESULTS_PER_CALL_MAX + 1, 1))).toHaveLength(RESULTS_PER_CALL_MAX);
    expect(takeCall(reports(2, BYTES_PER_CALL_MAX / 2))).toHaveLength(2);
    expect(takeCall(reports(2, BYTES_PER_CALL_MAX / 2 + 1))).toHaveLength(1);
    expect(takeCall(reports(2, BYTES_PER_CALL_MAX + 1))).toHaveLength(1);
  });

  test("pieces of one commit", async () => {
    const commits: number[] = [];
    let pieces = 0;
    const storage = {
      transactionSync: (work: () => void) => {
        pieces = 0;
        work();
        commits.push(pieces);
      },
      sync: async () => {},
    } as unknown as DurableObjectStorage;
    const group = new CommitGroup(storage);
    const submit = () =>
      group.submit(() => {
        pieces += 1;
      });
    await Promise.all(Array.from({ length: GROUP_MAX }, submit));
    expect(commits).toEqual([GROUP_MAX]);
    await Promise.all(Array.from({ length: GROUP_MAX + 1 }, submit));
    expect(commits).toEqual([GROUP_MAX, GROUP_MAX, 1]);
  });

  test("states in memory: the least recently used goes first", () => {
    const cache = new RunCache();
    const run = (run_id: string) => ({ state: { run_id } }) as LoadedRun;
    const half = CACHE_BYTES_MAX / 2 - 2_000;
    cache.put(run("a"), half);
    cache.put(run("b"), half);
    expect(cache.size).toBe(2);
    cache.get("a");
    cache.put(run("c"), 0);
    expect([cache.get("a"), cache.get("b"), cache.get("c")].map((each) => each?.state.run_id)).toEqual([
      "a",
      undefined,
      "c",
    ]);
  });

  test("callers that wait for an end: one too many is answered at once", async () => {
    const waiters = new Waiters();
    const waiting = Array.from({ length: WAITERS_MAX }, () => waiters.wait("run", 60_000));
    await waiters.wait("run", 60_000);
    waiters.ended("run");
    await Promise.all(waiting);
    const next = waiters.wait("run", 60_000);
    waiters.ended("run");
    await next;
  });

  test("rows of the log that D1 has not seen: above the bound no run is taken", async () => {
    const projector = (lastId: number) =>
      new Projector({
        database: {} as D1Database,
        runs: { lastId } as RunLog,
        positions: { number: () => 7 } as unknown as Positions,
        logger: {} as Logger,
        rowsOf: () => null,
      });
    expect(projector(7 + PROJECTION_BACKLOG_MAX).isOverloaded).toBe(false);
    expect(projector(7 + PROJECTION_BACKLOG_MAX + 1).isOverloaded).toBe(true);

    const { stub, address } = shard(92);
    await stub.start(TENANT, await startRequest(address, inlineRun));
    await stub.wake();
    await runInDurableObject(stub, (_, { storage: { sql } }) => {
      const through = sql.exec("SELECT value FROM meta WHERE key = 'projected_through'").one().value;
      const id = Number(through) + PROJECTION_BACKLOG_MAX + 1;
      sql.exec("INSERT INTO event (id, run_id, first_seq, last_seq, events) VALUES (?, 'gone', 1, 1, '[]')", id);
    });
    await evictDurableObject(stub);
    const request = await startRequest(address, inlineRun);
    expect(await stub.start(TENANT, request)).toEqual({ outcome: "overloaded" });
    expect(await stub.startMany(TENANT, [request])).toEqual([{ outcome: "overloaded" }]);
    await stub.wake();
    expect(await stub.start(TENANT, request)).toMatchObject({ outcome: "started" });
  });

  test("shards: as many as a run id has digits for, now, before and ever", () => {
    for (const name of ["COORDINATOR_SHARDS", "COORDINATOR_SHARDS_PREVIOUS", "COORDINATOR_SHARDS_EVER"]) {
      const settings = (count: number) => settingsOf({ [name]: String(count) } as unknown as Env);
      expect(Object.values(settings(SHARDS_MAX))).toContain(SHARDS_MAX);
      expect(Object.values(settings(1))).toContain(1);
      for (const count of [SHARDS_MAX + 1, 0, 1.5]) expect(() => settings(count)).toThrow(name);
    }
  });
});
