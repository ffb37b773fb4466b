/** Remembered outputs on real D1: what is found again, by whom, until when. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { describe, expect, test } from "vitest";
import { CACHED_OUTPUT_BYTES_MAX, cacheKey, ResultCache } from "#store/result-cache.ts";
import { timeToLive } from "../../workers/consumers/http.ts";
import { runOf, shard, startRequest, TENANT } from "./support.ts";

const cache = new ResultCache(drizzle(env.DB));
const subject = (more: object = {}) => ({
  tenant: "a",
  worker: "agent-runner" as const,
  config: { task: "x", tools: [] },
  input: { n: 1 },
  ...more,
});
const made = (output: unknown, ttlMs = 1_000) => ({
  worker: "agent-runner" as const,
  runId: "run_1",
  node: "think",
  output: output as string,
  ttlMs,
});

describe("result cache", () => {
  test("a key follows from tenant, worker, config and input, and from nothing else", async () => {
    const key = await cacheKey(subject());
    expect(await cacheKey({ ...subject(), config: { tools: [], task: "x" } })).toBe(key);
    for (const other of [{ tenant: "b" }, { worker: "http-worker" }, { config: { task: "y" } }, { input: { n: 2 } }]) {
      expect(await cacheKey(subject(other) as never)).not.toBe(key);
    }
  });

  test("an output is found until it expires, by its tenant alone, and hits are counted", async () => {
    await cache.keep("a", "k1", made({ text: "hi" }), 1_000);
    expect(await cache.find("a", "k1", 1_999)).toEqual({ text: "hi" });
    expect(await cache.find("a", "k1", 2_000)).toBeUndefined();
    expect(await cache.find("b", "k1", 1_000)).toBeUndefined();
    expect(await cache.list("a", "", 10, 1_500)).toEqual([
      expect.objectContaining({ key: "k1", hits: 1, runId: "run_1", node: "think", expiresAt: 2_000 }),
    ]);
    expect(await cache.list("a", "", 10, 2_000)).toEqual([]);
    expect(await cache.remove("b", "k1")).toBe(false);
    expect(await cache.remove("a", "k1")).toBe(true);
    expect(await cache.remove("a", "k1")).toBe(false);
  });

  test("outputs of any JSON are kept, those that are too large are not", async () => {
    for (const output of [null, false, 0, "", [], { a: [1] }]) {
      await cache.keep("a", "k2", made(output), 0);
      expect(await cache.find("a", "k2", 1)).toEqual(output);
    }
    await cache.keep("a", "k3", made("x".repeat(CACHED_OUTPUT_BYTES_MAX - 2)), 0);
    expect(await cache.find("a", "k3", 1)).toHaveLength(CACHED_OUTPUT_BYTES_MAX - 2);
    await cache.keep("a", "k4", made("x".repeat(CACHED_OUTPUT_BYTES_MAX - 1)), 0);
    expect(await cache.find("a", "k4", 1)).toBeUndefined();
  });

  test("what has expired is taken away", async () => {
    await cache.keep("a", "k5", made(1), 0);
    await cache.forgetExpired(1_000);
    const { count } =
      (await env.DB.prepare("SELECT count(*) AS count FROM cached_results WHERE key = 'k5'").first()) ?? {};
    expect(count).toBe(0);
  });
});

describe("http nodes that ask for it", () => {
  async function call(shardNumber: number) {
    const { stub, address } = shard(shardNumber);
    const config = { url: "https://api.example.com/cached", cache: { ttl_ms: 60_000 } };
    const document = { nodes: [{ id: "call", type: "http", config }] };
    const { run_id: runId } = runOf(
      await stub.start(TENANT, await startRequest(address, document, { wait_ms: 10_000 })),
    );
    return (await stub.details(TENANT, runId))?.node_executions.call;
  }

  test("are answered from what was remembered, and say so in their metrics", async () => {
    const first = await call(24);
    const second = await call(25);
    expect(first).toMatchObject({ status: "completed", output: { body: { path: "/cached" } } });
    expect(first?.metrics).not.toHaveProperty("result_cache_hit");
    expect(second).toMatchObject({ status: "completed", output: first?.output, metrics: { result_cache_hit: true } });
  });

  test("are remembered where they only read, and no secret opened the door", () => {
    const cached = { cache: { ttl_ms: 5 } };
    expect(timeToLive(cached)).toBe(5);
    expect(timeToLive({ ...cached, method: "HEAD", secrets: [] })).toBe(5);
    expect(timeToLive({ ...cached, method: "POST" })).toBeNull();
    expect(timeToLive({ ...cached, secrets: ["KEY"] })).toBeNull();
    expect(timeToLive({ method: "GET" })).toBeNull();
  });
});
