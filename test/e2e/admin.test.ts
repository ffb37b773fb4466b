/** What the operator asks of the installation: database, statements, configuration, shards; and who may not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { openSocket } from "../support/stream-reader.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const CANARY = "canary-8f21d6";

let weir: WeirProcess;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir({
    env: {
      WEIR_SECRET_PAYMENTS: CANARY,
      OPENAI_API_KEY: `sk-${CANARY}`,
      OPENAI_BASE_URL: `http://user:${CANARY}@127.0.0.1:1/v1`,
    },
  });
});

afterAll(async () => {
  await weir.stop();
});

const slow = { nodes: [{ id: "wait", type: "delay", config: { duration_ms: 400 } }] };

describe("the database", () => {
  test("has a size, a limit, and a row for each run that was made", async () => {
    const before = (await api.get("/admin/database")).body;
    expect(before.size_bytes).toBeGreaterThan(10_000);
    expect(before.used_ratio).toBeCloseTo(before.size_bytes / before.size_limit_bytes, 10);
    const rows = (body: typeof before) => body.tables.find(({ name }: { name: string }) => name === "runs")?.rows;
    await api.run(slow);
    await expect
      .poll(async () => rows((await api.get("/admin/database")).body), { timeout: 5_000 })
      .toBe(rows(before) + 1);
    expect(before.tables.map(({ name }: { name: string }) => name)).not.toContain("d1_migrations");
  });

  test("tells which statements took most time", async () => {
    const { body } = await api.get("/admin/slow-queries?limit=200");
    expect(body).toMatchObject({ scope: "isolate", since: expect.stringMatching(/^\d{4}-/) });
    const totals = body.items.map(({ total_ms }: { total_ms: number }) => total_ms);
    expect(totals).toEqual([...totals].sort((one, other) => other - one));
    const upsert = body.items.find(({ statement }: { statement: string }) => statement.startsWith("INSERT INTO runs"));
    expect(upsert.calls).toBeGreaterThan(0);
    expect(upsert.rows_written).toBeGreaterThan(0);
    expect((await api.get("/admin/slow-queries?limit=1")).body.items).toHaveLength(1);
    expectError(await api.get("/admin/slow-queries?limit=0"), 422, "invalid");
    expectError(await api.get("/admin/slow-queries?limit=201"), 422, "invalid");
  });
});

test("the configuration is shown as it is understood, without a secret", async () => {
  const { body } = await api.get("/admin/config");
  expect(body).toMatchObject({
    runtime: "local",
    variables: { COORDINATOR_SHARDS: expect.any(Number), LOG_LEVEL: expect.any(String) },
    secrets: {
      WEIR_OPERATOR_KEY: "set",
      OPENAI_API_KEY: "set",
      CLOUDFLARE_API_TOKEN: "not set",
      WEIR_SECRET_PAYMENTS: "set",
    },
    bindings: { DB: "d1 database", COORDINATOR: "durable object", WEIR_HTTP: "queue", AE_RUN: "analytics dataset" },
  });
  const text = JSON.stringify(body);
  expect(text).not.toContain(CANARY);
  expect(text).not.toContain(weir.key);
});

describe("shards", () => {
  test("are listed with what they hold", async () => {
    const runId = await api.start(slow);
    const { items } = (await api.get("/admin/shards")).body;
    for (const shard of items) {
      expect(shard).toMatchObject({ status: "ok", latency_ms: expect.any(Number), database_bytes: expect.any(Number) });
    }
    const live = items.reduce((sum: number, { live_runs }: { live_runs: number }) => sum + live_runs, 0);
    expect(live).toBeGreaterThan(0);
    await api.end(runId);
  });

  test("restart with runs under way, and lose none of them", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => api.start(slow)));
    const { items } = (await api.get("/admin/shards")).body;
    for (const { shard } of items) {
      const answer = await api.post(`/admin/shards/${shard}/restart`);
      expect(answer).toMatchObject({ status: 202, body: { shard, status: "restarting" } });
    }
    for (const id of ids) expect(await api.end(id)).toMatchObject({ status: "completed" });
    const held = (await api.get("/admin/shards")).body.items;
    expect(Math.max(...held.map(({ cached_runs }: { cached_runs: number }) => cached_runs))).toBeGreaterThan(0);
    for (const { shard } of items) await api.post(`/admin/shards/${shard}/restart`);
    // A new life has nothing in memory.
    const cached = async () =>
      (await api.get("/admin/shards")).body.items.map(({ cached_runs }: { cached_runs: number }) => cached_runs);
    await expect.poll(cached, { timeout: 5_000 }).toEqual(items.map(() => 0));
    const after = (await api.get("/admin/shards")).body.items;
    expect(after.map(({ status }: { status: string }) => status)).toEqual(items.map(() => "ok"));
  });

  test("that are not there cannot be restarted", async () => {
    for (const id of ["nowhere", "xx-99999", "%00"]) {
      expectError(await api.post(`/admin/shards/${id}/restart`), 404, "not_found");
    }
  });
});

test("only the operator may ask", async () => {
  const { body: key } = await api.post("/keys", {
    name: "all of a tenant",
    scopes: ["read", "run", "write", "approve", "admin"],
  });
  const headers = { authorization: `Bearer ${key.key}` };
  for (const path of ["database", "slow-queries", "config", "shards"]) {
    expectError(await api.get(`/admin/${path}`, headers), 403, "forbidden");
    expectError(await api.get(`/admin/${path}`, { authorization: "" }), 401, "unauthenticated");
  }
  expectError(await api.post("/admin/shards/xx-0/restart", {}, headers), 403, "forbidden");
});

test("the statistics count runs, streams and feeds that are open now, and name who tells them", async () => {
  const quiet = (await api.get("/admin/stats")).body;
  expect(quiet).toMatchObject({ connections: { streams: 0, feeds: 0 }, fanouts: { listening: 0, silent: [] } });
  const id = await api.start({ nodes: [{ id: "wait", type: "delay", config: { duration_ms: 60_000 } }] });
  const sockets = [`/api/v1/runs/${id}/stream`, "/api/v1/ws"].map((path) => openSocket(weir, path));
  await expect
    .poll(async () => (await api.get("/admin/stats")).body, { timeout: 5_000 })
    .toMatchObject({
      as_of: expect.stringMatching(/Z$/),
      connections: { streams: 1, feeds: 1 },
      shards: { total: 2, silent: [], live_runs: quiet.shards.live_runs + 1, database_bytes: expect.any(Number) },
      fanouts: { listening: 1, silent: [], not_asked: 0 },
      caches: { runs: expect.any(Number), keys: expect.any(Number) },
    });
  for (const socket of sockets) socket.close();
  await expect
    .poll(async () => (await api.get("/admin/stats")).body.connections, { timeout: 5_000 })
    .toEqual({ streams: 0, feeds: 0 });
  const { body } = await api.post("/keys", { name: "no operator", scopes: ["read", "admin"] });
  expectError(await api.get("/admin/stats", { authorization: `Bearer ${body.key}` }), 403, "forbidden");
});
