/** The coordinator shards, for the operator: how each is, and a restart of one. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { parseShardName, shardName } from "#kernel/ids.ts";
import { SHARD_ANSWER_MS, surveyShards } from "#store/shard-survey.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const shard = z
  .object({
    shard: z.string(),
    status: z.enum(["ok", "down"]),
    latency_ms: z.number(),
    live_runs: z.number().optional(),
    cached_runs: z.number().optional(),
    unprojected: z.number().optional().openapi({ description: "rows of its log that D1 has not seen" }),
    unsent: z.number().optional().openapi({ description: "tasks that wait for their queue to take them" }),
    viewers: z.number().optional().openapi({ description: "open streams of its runs" }),
    feeds: z.array(z.string()).optional().openapi({ description: "tenants to whose feeds somebody listens" }),
    database_bytes: z.number().optional(),
  })
  .openapi("Shard");

const list = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/admin/shards`,
  tags: ["admin"],
  summary: `Every shard and what it holds; one that is silent for ${SHARD_ANSWER_MS / 1000} s is \`down\``,
  responses: { 200: json(z.object({ items: z.array(shard) }), "all of them, in order") },
});

const restart = protectedRoute("operator", {
  method: "post",
  path: `${BASE_PATH}/admin/shards/{id}/restart`,
  tags: ["admin"],
  summary: "Restart a shard: it forgets what is in memory and goes on from its storage; no run is lost",
  request: { params: z.object({ id: z.string() }) },
  responses: { 202: json(z.object({ shard: z.string(), status: z.literal("restarting") }), "it restarts now") },
});

export const adminShardRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    return context.json({ items: await surveyShards(context.get("services").shards) }, 200);
  })
  .openapi(restart, async (context) => {
    const { id } = context.req.valid("param");
    const { shards } = context.get("services");
    const asked = parseShardName(id);
    const address = shards.all().find((one) => asked !== null && shardName(one) === shardName(asked));
    if (address === undefined) {
      throw new ApiError(
        "not_found",
        `there is no shard "${id.slice(0, 100)}"; GET ${BASE_PATH}/admin/shards lists them`,
      );
    }
    await shards.call(address, (stub) => stub.restart());
    return context.json({ shard: shardName(address), status: "restarting" as const }, 202);
  });
