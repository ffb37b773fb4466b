/** How the health of each part is found out. A check answers with a detail when its part works, but not well. */
import { SYSTEM_TENANT } from "#access/tenants.ts";
import type { Models } from "#agent/models.ts";
import { CHECK_TIMEOUT_MS, type Check } from "#api/health.ts";
import { activeShards } from "#store/active-shards.ts";
import type { Fanouts } from "#store/fanouts.ts";
import { askShard, type ShardReport } from "#store/shard-survey.ts";
import type { Shards } from "#store/shards.ts";
import { LOCAL_ANALYTICS } from "./analytics.ts";
import { type Env, settingsOf } from "./env.ts";
import { metersOf } from "./meters.ts";
import { oldestAgeMs, queuesOf } from "./queues.ts";

/** A queue whose oldest message is older than this is not served well. */
export const OLD_MESSAGE_MS = 60_000;

/** D1 answers a statement that reads nothing in a few milliseconds; this slow, everything that needs it is. */
export const SLOW_DATABASE_MS = 500;

/** An approval that is so far past its time has been missed by its alarm. */
export const LATE_EXPIRY_MS = 120_000;

/** Below a check's own time, so that a silent shard is named rather than all of them taken for down. */
const SHARD_ANSWER_MS = CHECK_TIMEOUT_MS - 200;

/** Shards that one check asks; with more active ones, those that it asks are chosen anew each time. */
export const SHARDS_CHECKED_MAX = 16;

export interface CheckedParts {
  env: Env;
  d1: D1Database;
  shards: Shards;
  fanouts: Fanouts;
  models: Models;
}

export function checksOf(parts: CheckedParts): Record<string, { check: Check; essential: boolean }> {
  const { env, d1, fanouts, models } = parts;
  const meters = metersOf(env);
  return {
    d1: { essential: true, check: () => checkDatabase(d1) },
    coordinator: { essential: true, check: () => checkShards(parts) },
    queues: {
      essential: true,
      check: async () => {
        const details = await Promise.all(
          Object.entries(queuesOf(env)).map(async ([name, queue]) => {
            const detail = describeQueue(await queue.metrics(), Date.now());
            return detail === null ? [] : [`${name}: ${detail}`];
          }),
        );
        return details.flat().join("; ") || null;
      },
    },
    analytics: {
      essential: false,
      check: async () => {
        const { WEIR_ANALYTICS: mode } = settingsOf(env);
        if (mode === "local") await env.ANALYTICS.getByName(LOCAL_ANALYTICS).stats();
        return null;
      },
    },
    ...(meters === null ? {} : { meter: { essential: false, check: () => meters.check().then(() => null) } }),
    fanout: {
      essential: false,
      check: async () => {
        await fanouts.call(SYSTEM_TENANT, (fanout) => fanout.stats());
        return null;
      },
    },
    // The workers are consumers in this same script: they live when the script lives and their queues are served.
    "http-worker": {
      essential: false,
      check: async () => describeQueue(await env.WEIR_HTTP.metrics(), Date.now()),
    },
    "agent-runner": {
      essential: false,
      check: async () => describeQueue(await env.WEIR_AGENT.metrics(), Date.now()),
    },
    "hitl-worker": { essential: false, check: () => checkApprovals(d1, Date.now()) },
    // Whether it answers is known by the next call; to ask it only for that would cost each time.
    ...(models.hasProvider ? { llm: { essential: false, check: async () => null } } : {}),
  };
}

async function checkDatabase(d1: D1Database): Promise<string | null> {
  const startedAt = Date.now();
  await d1.prepare("SELECT 1").first();
  const tookMs = Date.now() - startedAt;
  return tookMs > SLOW_DATABASE_MS ? `a statement that reads nothing took ${tookMs} ms` : null;
}

/** Shards that have runs are asked; one that is silent has runs that stand still. */
async function checkShards({ d1, shards }: CheckedParts): Promise<string | null> {
  // Without D1 nobody knows which are active: that is D1's trouble, and told there.
  const active = await activeShards(d1, shards).catch(() => []);
  const asked = active.length === 0 ? shards.all().slice(0, 1) : someOf(active, SHARDS_CHECKED_MAX);
  const reports = await Promise.all(asked.map((address) => askShard(shards, address, SHARD_ANSWER_MS)));
  return describeShards(reports);
}

/** Throws when none of them answers. */
export function describeShards(reports: readonly ShardReport[]): string | null {
  const silent = reports.filter(({ status }) => status === "down").map(({ shard }) => shard);
  if (silent.length === 0) return null;
  if (silent.length === reports.length) throw new Error(`no answer from ${silent.join(", ")}`);
  return `no answer from ${silent.join(", ")}`;
}

export function describeQueue(metrics: QueueMetrics, nowMs: number): string | null {
  const age = oldestAgeMs(metrics, nowMs);
  return age > OLD_MESSAGE_MS ? `the oldest message has waited ${Math.round(age / 1000)} s` : null;
}

async function checkApprovals(d1: D1Database, nowMs: number): Promise<string | null> {
  const late = await d1
    .prepare("SELECT count(*) AS late FROM approvals WHERE status = 'pending' AND expires_at < ?")
    .bind(nowMs - LATE_EXPIRY_MS)
    .first<{ late: number }>();
  const count = late?.late ?? 0;
  return count > 0 ? `${count} approvals are past their time and still pending` : null;
}

function someOf<Item>(items: readonly Item[], count: number): Item[] {
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)].slice(0, count);
}
