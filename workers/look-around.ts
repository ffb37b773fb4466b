/** Gauges that nobody counts: they are looked at when `/metrics` is asked for. What does not answer is left out. */
import type { Health } from "#api/health.ts";
import { DATABASE_BYTES_MAX } from "#store/database-survey.ts";
import type { LookedAt } from "#store/meter/merge.ts";
import type { Metric } from "#telemetry/catalogue/metric.ts";
import * as platform from "#telemetry/catalogue/platform-metrics.ts";
import * as traffic from "#telemetry/catalogue/traffic-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import { version } from "../package.json";
import type { Env } from "./env.ts";
import { oldestAgeMs, queuesOf } from "./queues.ts";

export async function lookAround(env: Env, health: Health, logger: Logger): Promise<LookedAt[]> {
  const looks: Record<string, () => Promise<LookedAt[]>> = {
    database: () => lookAtDatabase(env.DB),
    components: () => lookAtComponents(health),
    ...Object.fromEntries(Object.entries(queuesOf(env)).map(([name, queue]) => [name, () => lookAtQueue(name, queue)])),
  };
  const seen = await Promise.all(
    Object.entries(looks).map(([what, look]) =>
      look().catch((error: unknown): LookedAt[] => {
        logger.warn("a gauge could not be looked at", { what, error });
        return [];
      }),
    ),
  );
  return [
    gauge(traffic.buildInfo, [version], 1),
    gauge(platform.d1SizeLimit, [], DATABASE_BYTES_MAX),
    gauge(platform.alertsFiring, ["critical"], 0),
    gauge(platform.alertsFiring, ["warning"], 0),
    ...seen.flat(),
  ];
}

function gauge<Labels extends readonly string[]>({ name }: Metric<Labels>, labels: string[], value: number): LookedAt {
  return { metric: name, labels, value };
}

async function lookAtDatabase(database: D1Database): Promise<LookedAt[]> {
  const { results, meta } = await database
    .prepare("SELECT count(*) AS depth FROM dead_letters WHERE redriven_at IS NULL")
    .all<{ depth: number }>();
  return [gauge(traffic.deadLetterDepth, [], results[0]?.depth ?? 0), gauge(platform.d1Size, [], meta.size_after)];
}

async function lookAtQueue(name: string, queue: Pick<Queue, "metrics">): Promise<LookedAt[]> {
  const metrics = await queue.metrics();
  return [
    gauge(traffic.queueBacklog, [name], metrics.backlogCount),
    gauge(traffic.queueBacklogBytes, [name], metrics.backlogBytes),
    gauge(traffic.queueOldest, [name], oldestAgeMs(metrics, Date.now()) / 1_000),
  ];
}

async function lookAtComponents(health: Health): Promise<LookedAt[]> {
  const { components } = await health.readiness(Date.now());
  return Object.entries(components).flatMap(([name, { status }]) =>
    status === "disabled" ? [] : [gauge(traffic.componentUp, [name], status === "down" ? 0 : 1)],
  );
}
