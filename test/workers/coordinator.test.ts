/** The coordinator on real workerd: starts, tenants, grouping, poison, projection, retries by alarm, lost objects. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { UPSERT_RUNS } from "#store/projection.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import { eventually, httpRun, inlineRun, runOf, type Stub, shard, startRequest, TENANT } from "./support.ts";

async function rowsOf(stub: Stub, query: string, ...bindings: unknown[]): Promise<Record<string, SqlStorageValue>[]> {
  return runInDurableObject(stub, (_, state) => state.storage.sql.exec(query, ...bindings).toArray());
}

async function ended(stub: CoordinatorRpc, runId: string) {
  return eventually(async () => {
    const run = await stub.run(TENANT, runId);
    return run?.ended_at == null ? null : run;
  });
}

describe("coordinator: start", () => {
  test("a run of inline nodes has ended when the call is answered", async () => {
    const { stub, address } = shard(0);
    const reply = await stub.start(TENANT, await startRequest(address, inlineRun, { inputs: { n: 1 } }));
    expect(runOf(reply)).toMatchObject({ status: "completed", outputs: { a: { n: 1 } } });
  });

  test("a shard that has never seen the artifact asks for the definition, and then keeps it", async () => {
    const { stub, address } = shard(1);
    const { definition, ...bare } = await startRequest(address, inlineRun);
    expect(await stub.start(TENANT, bare)).toEqual({ outcome: "definition_needed" });
    expect(await stub.run(TENANT, bare.run_id)).toBeNull();
    expect((await stub.start(TENANT, { ...bare, ...(definition ? { definition } : {}) })).outcome).toBe("started");
    await evictDurableObject(stub);
    const { definition: _, ...next } = await startRequest(address, inlineRun);
    expect((await stub.start(TENANT, next)).outcome).toBe("started");
  });

  test("one key and body start one run, however many calls and whatever the order", async () => {
    const { stub, address } = shard(2);
    const idempotency = { key: "order", body_hash: "h" };
    const requests = await Promise.all(
      Array.from({ length: 20 }, () => startRequest(address, inlineRun, { idempotency })),
    );
    const replies = await Promise.all(requests.map((request) => stub.start(TENANT, request)));
    expect(new Set(replies.map((reply) => runOf(reply).run_id)).size).toBe(1);
    expect(replies.filter((reply) => reply.outcome === "started")).toHaveLength(1);
    await evictDurableObject(stub);
    const other = await startRequest(address, inlineRun, { idempotency: { key: "order", body_hash: "other" } });
    expect(await stub.start(TENANT, other)).toEqual({ outcome: "key_conflict" });
    expect((await stub.start("elsewhere", other)).outcome).toBe("started");
  });

  test("another tenant's run is an absent one in every call", async () => {
    const { stub, address } = shard(3);
    const { run_id: id } = runOf(await stub.start(TENANT, await startRequest(address, inlineRun)));
    expect(await stub.run("elsewhere", id)).toBeNull();
    expect(await stub.details("elsewhere", id)).toBeNull();
    expect(await stub.events("elsewhere", id, 0, 10)).toBeNull();
    expect(await stub.waitForEnd("elsewhere", id, 0)).toBeNull();
    expect(await stub.command("elsewhere", id, { type: "cancel" })).toBeNull();
  });

  test("a task's start, config and result under another tenant reach nothing", async () => {
    const { stub, address } = shard(11);
    const { run_id } = runOf(await stub.start(TENANT, await startRequest(address, httpRun("/slow/2000"))));
    const task = { run_id, path: "call", visit: 1, attempt: 1 };
    const times = { sent_at: 0, start_time: 0, end_time: 0 };
    const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
    const result = { ...task, outcome: { ok: true as const, output: { body: "forged" } }, metrics };
    const start = { ...task, worker: "http-worker" as const };
    expect(await stub.taskConfig("elsewhere", task)).toBeNull();
    expect(await stub.tasksStarted([{ ...start, tenant: "elsewhere" }])).toEqual(["too_late"]);
    expect(await stub.tasksEnded([{ ...result, tenant: "elsewhere" }])).toEqual(["too_late"]);
    expect(await stub.taskConfig(TENANT, task)).toMatchObject({ method: "POST" });
    expect(await stub.tasksEnded([{ ...result, tenant: TENANT }])).toEqual(["accepted"]);
  });
});

describe("coordinator: repeated calls", () => {
  test("a start whose answer was lost is the same run when it is called again", async () => {
    const { stub, address } = shard(12);
    const request = await startRequest(address, inlineRun);
    const first = await stub.start(TENANT, request);
    await evictDurableObject(stub);
    expect(await stub.start(TENANT, request)).toEqual(first);
    const rows = await rowsOf(stub, "SELECT count(*) AS n FROM event WHERE run_id = ?", request.run_id);
    expect(rows).toEqual([{ n: 1 }]);
  });
});

describe("coordinator: commits", () => {
  test("each transition is one row of the log, and rows of a run do not overlap", async () => {
    const { stub, address } = shard(4);
    const requests = await Promise.all(Array.from({ length: 30 }, () => startRequest(address, httpRun())));
    const ids = (await Promise.all(requests.map((request) => stub.start(TENANT, request)))).map(
      (reply) => runOf(reply).run_id,
    );
    await Promise.all(ids.map((id) => ended(stub, id)));
    for (const id of ids) {
      const rows = await rowsOf(stub, "SELECT first_seq, last_seq FROM event WHERE run_id = ? ORDER BY id", id);
      expect(rows).toHaveLength(2);
      expect(rows[1]?.first_seq).toBe(Number(rows[0]?.last_seq) + 1);
    }
  });

  test("a run whose log cannot be read fails alone: its neighbours in the same call go on (invariant 12)", async () => {
    const { stub, address } = shard(5);
    const waits = httpRun("/slow/2000");
    const good = runOf(await stub.start(TENANT, await startRequest(address, waits))).run_id;
    const bad = runOf(await stub.start(TENANT, await startRequest(address, waits))).run_id;
    await rowsOf(stub, "UPDATE event SET events = 'rubbish' WHERE run_id = ?", bad);
    await evictDurableObject(stub);
    const times = { sent_at: 0, start_time: 0, end_time: 0 };
    const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
    const result = (run_id: string) => ({
      tenant: TENANT,
      run_id,
      path: "call",
      visit: 1,
      attempt: 1,
      outcome: { ok: true as const, output: { body: "done" } },
      metrics,
    });
    const outcomes = await stub.tasksEnded([result(bad), result(good), result("run_nowhere")]);
    expect(outcomes).toEqual(["failed", "accepted", "too_late"]);
    expect(await stub.run(TENANT, good)).toMatchObject({ status: "completed", outputs: { after: "done" } });
    // Nor does it keep them from D1, nor the alarm from looking at others.
    await rowsOf(stub, "UPDATE run SET due_at = 1 WHERE run_id = ?", bad);
    await stub.wake();
    expect((await stub.stats()).unprojected).toBe(0);
    expect(Number((await rowsOf(stub, "SELECT due_at FROM run WHERE run_id = ?", bad))[0]?.due_at)).toBeGreaterThan(1);
  });

  test("what was answered survives the loss of the object, byte for byte", async () => {
    const { stub, address } = shard(6);
    const inputs = { text: "ö\u{1f600}".repeat(200_000) };
    const { run_id: id } = runOf(await stub.start(TENANT, await startRequest(address, inlineRun, { inputs })));
    const before = await stub.details(TENANT, id);
    await evictDurableObject(stub);
    expect(await stub.details(TENANT, id)).toEqual(before);
    expect((await stub.run(TENANT, id))?.outputs).toEqual({ a: inputs });
  });
});

describe("coordinator: projection to D1", () => {
  const rowOf = (id: string) => env.DB.prepare("SELECT * FROM runs WHERE run_id = ?").bind(id).first();

  test("a run is in D1 within two seconds, with its small outputs", async () => {
    const { stub, address } = shard(7);
    const { run_id: id } = runOf(
      await stub.start(TENANT, await startRequest(address, inlineRun, { inputs: { n: 7 } })),
    );
    const row = await eventually(() => rowOf(id), 2_000);
    expect(row).toMatchObject({ tenant: TENANT, status: "completed", outputs: '{"a":{"n":7}}' });
  });

  test("an older state never overwrites a newer one, and repeating changes nothing", async () => {
    const row = { run_id: "run_guard", tenant: TENANT, seq: 5, status: "completed", generation: 1, artifact_id: "x" };
    const full = { ...row, trigger: "t", labels: "{}", priority: 3, submitted_at: 1 };
    const write = (value: object) =>
      env.DB.prepare(UPSERT_RUNS)
        .bind(JSON.stringify([value]))
        .run();
    await write(full);
    await write({ ...full, seq: 4, status: "running" });
    await write(full);
    expect(await rowOf("run_guard")).toMatchObject({ seq: 5, status: "completed" });
    await write({ ...full, seq: 7, status: "cancelled", tenant: "elsewhere" });
    expect(await rowOf("run_guard")).toMatchObject({ seq: 5, status: "completed", tenant: TENANT });
    await write({ ...full, seq: 6, status: "failed" });
    expect(await rowOf("run_guard")).toMatchObject({ seq: 6, status: "failed" });
  });

  test("while D1 refuses, runs go on; what was missed is carried over afterwards, each run once", async () => {
    const { stub, address } = shard(8);
    await env.DB.exec("ALTER TABLE runs RENAME TO runs_away");
    const requests = await Promise.all(Array.from({ length: 10 }, () => startRequest(address, inlineRun)));
    const replies = await Promise.all(requests.map((request) => stub.start(TENANT, request)));
    await stub.wake();
    expect((await stub.stats()).unprojected).toBe(10);
    await env.DB.exec("ALTER TABLE runs_away RENAME TO runs");
    // By itself, once the pause after the failure is over.
    await eventually(async () => ((await stub.stats()).unprojected === 0 ? true : null));
    for (const reply of replies) expect(await rowOf(runOf(reply).run_id)).toMatchObject({ status: "completed" });
  });
});

describe("coordinator: retries by alarm", () => {
  test("a failed attempt is made again by the alarm under the same idempotency key, then fails the run", async () => {
    const { stub, address } = shard(9);
    const retry = { max_attempts: 3, backoff_ms: 50, jitter: false };
    const request = await startRequest(address, httpRun("/status/503", { retry }));
    const { run_id: id } = runOf(await stub.start(TENANT, request));
    const run = await ended(stub, id);
    expect(run).toMatchObject({ status: "failed", error: { code: "http_status", node: "call" } });
    const page = await stub.events(TENANT, id, 0, 100);
    const attempts = page?.items.filter((event) => event.type === "node.queued").map((event) => event.attempt);
    expect(attempts).toEqual([1, 2, 3]);
  });
});

describe("coordinator: alarms under load", () => {
  test("a retry comes at its time while starts come all the time and D1 is slow", async () => {
    const { stub, address } = shard(13);
    await runInDurableObject(stub, (instance) => {
      const { env: bindings } = instance as unknown as { env: { DB: D1Database } };
      const batch = bindings.DB.batch.bind(bindings.DB);
      bindings.DB.batch = async <T>(statements: D1PreparedStatement[]) => {
        await scheduler.wait(100);
        return batch<T>(statements);
      };
    });
    const retry = { max_attempts: 2, backoff_ms: 1_000, jitter: false };
    const { run_id: id } = runOf(
      await stub.start(TENANT, await startRequest(address, httpRun("/status/503", { retry }))),
    );
    const waiting = await eventually(async () => {
      const run = await stub.run(TENANT, id);
      return run?.status === "waiting" ? run : null;
    });
    const retryAt = Date.parse(waiting.waiting_for?.[0]?.until ?? "");
    const until = Date.now() + 3_000;
    while (Date.now() < until) {
      await stub.start(TENANT, await startRequest(address, inlineRun));
      await scheduler.wait(5);
    }
    const page = await stub.events(TENANT, id, 0, 100);
    const again = page?.items.findLast((event) => event.type === "node.queued");
    // A steady stream must not keep the alarm, and so the retry, waiting for as long as it lasts.
    expect(again?.attempt).toBe(2);
    expect(Date.parse(again?.at ?? "") - retryAt).toBeGreaterThanOrEqual(0);
    expect(Date.parse(again?.at ?? "") - retryAt).toBeLessThan(1_000);
  }, 15_000);
});

describe("coordinator: lost objects", () => {
  test("tasks that were committed but not taken by the queue are sent by the next life of the object", async () => {
    const { stub, address } = shard(10);
    const request = await startRequest(address, httpRun());
    await runInDurableObject(stub, async (instance, state) => {
      // The queue refuses everything while this life lasts.
      const { env: bindings } = instance as unknown as { env: { WEIR_HTTP: { sendBatch: unknown } } };
      const sendBatch = bindings.WEIR_HTTP.sendBatch;
      bindings.WEIR_HTTP.sendBatch = () => Promise.reject(new Error("no room"));
      await (instance as unknown as CoordinatorRpc).start(TENANT, request);
      await state.storage.sync();
      bindings.WEIR_HTTP.sendBatch = sendBatch;
    });
    expect((await stub.stats()).unsent).toBe(1);
    await evictDurableObject(stub);
    await stub.wake();
    expect(await ended(stub, request.run_id)).toMatchObject({ status: "completed" });
  });
});
