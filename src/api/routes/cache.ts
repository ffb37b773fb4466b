/** Remembered outputs of the tenant's nodes: which there are, and taking one away. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import { CACHE_KEY, type CachedResult } from "#store/result-cache.ts";
import { pageAfter, pageOf } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const item = z
  .object({
    key: z.string(),
    worker: z.string(),
    run_id: z.string().openapi({ description: "the run that it was made in" }),
    node: z.string(),
    bytes: z.number(),
    hits: z.number(),
    created_at: z.string(),
    expires_at: z.string(),
  })
  .openapi("CachedResult");

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/cache`,
  tags: ["cache"],
  summary: "Outputs that nodes with `cache` are given again, by key",
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: json(z.object({ items: z.array(item), next_cursor: z.string().nullable() }), "a page of them") },
});

const remove = protectedRoute("write", {
  method: "delete",
  path: `${BASE_PATH}/cache/{key}`,
  tags: ["cache"],
  summary: "Forget an output: the next node of its kind makes it anew",
  request: { params: z.object({ key: z.string() }) },
  responses: { 204: { description: "forgotten" } },
});

export const cacheRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const { resultCache } = context.get("services");
    const { tenant } = context.get("principal");
    const results = await resultCache.list(tenant, pageAfter(cursor, CACHE_KEY), limit + 1, Date.now());
    const { page, nextCursor } = pageOf(
      results.map((result) => ({ ...result, id: result.key })),
      limit,
    );
    return context.json({ items: page.map(itemOf), next_cursor: nextCursor }, 200);
  })
  .openapi(remove, async (context) => {
    const { key } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const isGone = CACHE_KEY.test(key) && (await context.get("services").resultCache.remove(tenant, key));
    if (!isGone) throw new ApiError("not_found", `nothing is remembered under "${key.slice(0, 100)}"`);
    return context.body(null, 204);
  });

function itemOf(result: CachedResult): z.infer<typeof item> {
  return {
    key: result.key,
    worker: result.worker,
    run_id: result.runId,
    node: result.node,
    bytes: result.bytes,
    hits: result.hits,
    created_at: rfc3339(result.createdAt),
    expires_at: rfc3339(result.expiresAt),
  };
}
