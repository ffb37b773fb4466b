/** What a tenant's model calls used and cost, by run, node, workflow and time. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { sumCalls } from "#store/llm-calls.ts";
import { WORKFLOW_NAME_LENGTH_MAX } from "../limits.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const name = z.string().min(1).max(WORKFLOW_NAME_LENGTH_MAX).optional();
const time = z.iso.datetime({ offset: true }).optional();

const sum = z
  .object({
    calls: z.number(),
    input_tokens: z.number(),
    cached_tokens: z.number(),
    cache_write_tokens: z.number(),
    output_tokens: z.number(),
    reasoning_tokens: z.number(),
    cost_usd: z.number().openapi({ description: "of the calls whose cost is known" }),
    unpriced_calls: z.number(),
  })
  .openapi("Usage");

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/usage`,
  tags: ["money"],
  summary: "Sums over the tenant's model calls, two seconds old at most",
  request: { query: z.strictObject({ run_id: name, node: name, workflow: name, from: time, to: time }) },
  responses: { 200: json(sum, "the sums") },
});

export const usageRoutes = new OpenAPIHono<AppEnv>().openapi(get, async (context) => {
  const { run_id: runId, node, workflow, from, to } = context.req.valid("query");
  const sums = await sumCalls(context.get("services").database, context.get("principal").tenant, {
    ...(runId === undefined ? {} : { runId }),
    ...(node === undefined ? {} : { node }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
  });
  return context.json(sums, 200);
});
