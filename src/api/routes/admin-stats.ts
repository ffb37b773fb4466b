/** What the installation holds and who is connected to it, for the operator: asked of every part, in bounded time. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { rfc3339 } from "#kernel/clock.ts";
import { FANOUT_ANSWER_MS, FANOUTS_ASKED_MAX, type FanoutReport, surveyFanouts } from "#store/feed-survey.ts";
import { SHARD_ANSWER_MS, type ShardReport, surveyShards } from "#store/shard-survey.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const count = z.int();
const names = z.array(z.string());

const stats = z
  .object({
    as_of: z.string(),
    connections: z.object({
      streams: count.openapi({ description: "open streams of runs, subscriptions included" }),
      feeds: count.openapi({ description: "open feeds, by WebSocket and server-sent events" }),
    }),
    shards: z.object({
      total: count,
      silent: names.openapi({ description: "gave no answer: what they hold is not counted here" }),
      live_runs: count,
      unprojected: count,
      unsent: count,
      database_bytes: count,
    }),
    fanouts: z.object({
      listening: count.openapi({ description: "tenants whose feed shards tell now" }),
      silent: names,
      not_asked: count.openapi({ description: `tenants above the ${FANOUTS_ASKED_MAX} that are asked` }),
      frames: count,
      database_bytes: count,
    }),
    caches: z.object({
      runs: count.openapi({ description: "runs that shards hold in memory" }),
      keys: count.openapi({ description: "API keys that this isolate remembers" }),
    }),
  })
  .openapi("Stats");

const get = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/admin/stats`,
  tags: ["admin"],
  summary: `Connections, shards, runs held and caches; answers within ${(SHARD_ANSWER_MS + FANOUT_ANSWER_MS) / 1_000} s a round of shards and feeds`,
  responses: { 200: json(stats, "sums over all parts that answered, and the names of those that did not") },
});

export const adminStatsRoutes = new OpenAPIHono<AppEnv>().openapi(get, async (context) => {
  const { fanouts, keyring, shards } = context.get("services");
  const shardReports = await surveyShards(shards);
  const isThere = (report: ShardReport) => report.status === "ok";
  const held = shardReports.filter(isThere);
  const tenants = [...new Set(held.flatMap(({ feeds }) => feeds))].sort();
  const fanoutReports = await surveyFanouts(fanouts, tenants);
  const telling = fanoutReports.filter((report) => report.status === "ok");
  return context.json(
    {
      as_of: rfc3339(Date.now()),
      connections: { streams: sum(held, "viewers"), feeds: sum(telling, "sockets") },
      shards: {
        total: shardReports.length,
        silent: shardReports.flatMap(({ status, shard }) => (status === "down" ? [shard] : [])),
        live_runs: sum(held, "live_runs"),
        unprojected: sum(held, "unprojected"),
        unsent: sum(held, "unsent"),
        database_bytes: sum(held, "database_bytes"),
      },
      fanouts: {
        listening: tenants.length,
        silent: fanoutReports.flatMap(({ status, tenant }) => (status === "down" ? [tenant] : [])),
        not_asked: tenants.length - fanoutReports.length,
        frames: sum(telling, "frames"),
        database_bytes: sum(telling, "database_bytes"),
      },
      caches: { runs: sum(held, "cached_runs"), keys: keyring.known },
    },
    200,
  );
});

type Answered<Report> = Extract<Report, { status: "ok" }>;

function sum<Report extends Answered<ShardReport> | Answered<FanoutReport>, Name extends keyof Report>(
  reports: readonly Report[],
  name: Name & (Report[Name] extends number ? Name : never),
): number {
  return reports.reduce((total, report) => total + Number(report[name]), 0);
}
