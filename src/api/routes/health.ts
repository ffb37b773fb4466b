/** Liveness without any work, and readiness with the parts that Weir stands on. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { COMPONENT_STATUSES } from "../health.ts";
import { json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const live = z
  .object({ service: z.literal("orchestrator"), status: z.string(), version: z.string() })
  .openapi("Health");

const component = z.object({
  status: z.enum(COMPONENT_STATUSES),
  latency_ms: z.number(),
  detail: z.string().optional(),
});

const ready = live.extend({ components: z.record(z.string(), component) }).openapi("Readiness");

const getHealth = createRoute({
  method: "get",
  path: "/health",
  tags: ["health"],
  summary: "Liveness: answers without touching anything else",
  responses: { 200: json(live, "the Worker runs") },
});

const getReady = protectedRoute("read", {
  method: "get",
  path: "/health/ready",
  tags: ["health"],
  summary: "Readiness of every part; each is asked for at most a second, answers are reused for five",
  responses: { 200: json(ready, "ready, perhaps degraded"), 503: json(ready, "an essential part is down") },
});

export const healthRoutes = new OpenAPIHono<AppEnv>()
  .openapi(getHealth, (context) =>
    context.json({ service: "orchestrator" as const, status: "ok", version: context.get("services").version }, 200),
  )
  .openapi(getReady, async (context) => {
    const { health, version } = context.get("services");
    const { status, components } = await health.readiness(Date.now());
    const body = { service: "orchestrator" as const, status, version, components };
    return status === "down" ? context.json(body, 503) : context.json(body, 200);
  });
