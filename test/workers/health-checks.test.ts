/** Health from what the parts say: shards that are silent, queues that stand still, approvals that were missed. */
import { env as bindings } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ShardReport } from "#store/shard-survey.ts";
import { databaseOf } from "../../workers/database.ts";
import type { Env } from "../../workers/env.ts";
import {
  checksOf,
  describeQueue,
  describeShards,
  LATE_EXPIRY_MS,
  OLD_MESSAGE_MS,
  SHARDS_CHECKED_MAX,
} from "../../workers/health-checks.ts";
import { servicesOf } from "../../workers/services.ts";

const env = bindings as unknown as Env;

const up = (shard: string) => ({ status: "ok", latency_ms: 1, shard }) as ShardReport;
const down = (shard: string): ShardReport => ({ status: "down", latency_ms: 800, shard });

describe("health", () => {
  test("of the coordinator: some silent shards are named, and only all of them are down", () => {
    expect(describeShards([up("xx-0"), up("xx-1")])).toBeNull();
    expect(describeShards([up("xx-0"), down("xx-1"), down("xx-2")])).toBe("no answer from xx-1, xx-2");
    expect(() => describeShards([down("xx-0")])).toThrow("xx-0");
    expect(SHARDS_CHECKED_MAX).toBeGreaterThan(1);
  });

  test("of a queue: its oldest message may wait for a minute; an empty queue has none", () => {
    const nowMs = Date.now();
    const queue = (ageMs: number, backlogCount = 1) =>
      describeQueue({ backlogCount, backlogBytes: 1, oldestMessageTimestamp: new Date(nowMs - ageMs) }, nowMs);
    expect(queue(OLD_MESSAGE_MS)).toBeNull();
    expect(queue(OLD_MESSAGE_MS + 1_000)).toBe("the oldest message has waited 61 s");
    expect(queue(OLD_MESSAGE_MS + 1_000, 0)).toBeNull();
  });

  test("of approvals: one that was due two minutes ago and is pending has been missed", async () => {
    const { d1, shards, fanouts, agents } = servicesOf(env);
    const check = checksOf({ env, d1, shards, fanouts, models: agents.models })["hitl-worker"]?.check;
    const add = (id: string, expiresAt: number, status: string) =>
      databaseOf(env)
        .database.prepare(
          `INSERT INTO approvals (approval_id, tenant, run_id, node_id, seq, status, message, created_at, expires_at,
             approvers, decisions, quorum, on_timeout) VALUES (?, 'default', 'r', 'n', 1, ?, 'm', 0, ?, '[]', '[]', 1, 'reject')`,
        )
        .bind(id, status, expiresAt)
        .run();
    await add("late-decided", Date.now() - LATE_EXPIRY_MS - 1_000, "approved");
    await add("not-late", Date.now() - LATE_EXPIRY_MS + 30_000, "pending");
    expect(await check?.()).toBeNull();
    await add("late", Date.now() - LATE_EXPIRY_MS - 1_000, "pending");
    expect(await check?.()).toBe("1 approvals are past their time and still pending");
  });

  test("of everything in a new installation is well", async () => {
    const { d1, shards, fanouts, agents } = servicesOf(env);
    const checks = checksOf({ env, d1, shards, fanouts, models: agents.models });
    for (const name of ["d1", "coordinator", "queues", "http-worker", "agent-runner", "fanout", "analytics"]) {
      expect([name, await checks[name]?.check()]).toEqual([name, null]);
    }
  });
});
