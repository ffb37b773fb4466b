/** Liveness without any work, and readiness with the parts that Weir stands on. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { COMPONENT_STATUSES, SERVICE_NAMES, SERVICES } from "../health.ts";
import { errorResponses, json, protectedRoute } from "../route.ts";
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

const service = z
  .object({
    service: z.enum(SERVICE_NAMES),
    status: z.enum(COMPONENT_STATUSES),
    workers: z.number().optional().openapi({ description: "of agent-runner: how many tasks a batch works on at once" }),
    running: z.boolean().optional(),
  })
  .openapi("ServiceHealth");

const serviceAnswer = {
  "application/json": { schema: service },
  "text/plain": { schema: z.string().openapi({ description: "OK, or the status; by `Accept: text/plain`" }) },
};

const getService = createRoute({
  method: "get",
  path: "/health/{service}",
  tags: ["health"],
  summary: `Status of one service: ${SERVICE_NAMES.join(", ")}`,
  request: { params: z.object({ service: z.string() }) },
  responses: {
    200: { description: "it answers, perhaps not well", content: serviceAnswer },
    503: { description: "it does not answer", content: serviceAnswer },
    ...errorResponses(["not_found", "unauthenticated", "internal"]),
  },
});

const getAgentRunnerMetrics = protectedRoute("read", {
  method: "get",
  path: "/health/agent-runner/metrics",
  tags: ["health"],
  summary: "The agent runner in figures",
  responses: {
    200: json(z.object({ workers: z.number(), status: z.string() }).openapi("AgentRunner"), "as it is now"),
  },
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
  })
  .openapi(getService, async (context) => {
    const { service: asked } = context.req.valid("param");
    const name = SERVICE_NAMES.find((known) => known === asked);
    if (name === undefined) throw new ApiError("not_found", `there is no service "${asked.slice(0, 100)}"`);
    const component = SERVICES[name];
    const health = component === null ? null : await context.get("services").health.readiness(Date.now());
    const status = component === null ? "ok" : (health?.components[component]?.status ?? "down");
    const code = status === "down" ? 503 : 200;
    if (/^text\/plain\b/.test(context.req.header("Accept") ?? "")) {
      return context.text(status === "ok" ? "OK" : status, code);
    }
    const { agentWorkers: workers } = context.get("services");
    const more = name === "agent-runner" ? { workers, running: status !== "down" } : {};
    return context.json({ service: name, status, ...more }, code);
  })
  .openapi(getAgentRunnerMetrics, async (context) => {
    const { health, agentWorkers: workers } = context.get("services");
    const { components } = await health.readiness(Date.now());
    const isRunning = components["agent-runner"]?.status !== "down";
    return context.json({ workers, status: isRunning ? "running" : "stopped" }, 200);
  });
