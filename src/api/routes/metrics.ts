/** `/metrics` for Prometheus. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import * as platform from "#telemetry/catalogue/platform-metrics.ts";
import { FORMATS, formatFor } from "#telemetry/exposition/format.ts";
import { problemsOf } from "#workflow/problems.ts";
import { requireScope } from "../authenticate.ts";
import { protectedRoute, refuse } from "../route.ts";
import type { AppEnv } from "../services.ts";

/** Whose figures those of the local runtime are. */
const PROCESS_SOURCE = "process";

const scrapeMetrics = protectedRoute(
  "metrics",
  {
    method: "get",
    path: "/metrics",
    tags: ["metrics"],
    summary: "All metrics of the installation, for Prometheus; at most five seconds old",
    description:
      "Text 0.0.4, or OpenMetrics 1.0 with exemplars when `Accept` prefers it. Answers 503 when a Meter does not: never " +
      "a sum of some.",
    responses: {
      200: {
        description: "the metrics",
        content: {
          "text/plain": { schema: z.string() },
          "application/openmetrics-text": { schema: z.string() },
        },
      },
    },
  },
  ["unavailable"],
);

/** What the local runtime reads of its process, every few seconds. */
const processFigures = z.strictObject({
  resident_memory_bytes: z.number().min(0),
  cpu_seconds: z.number().min(0),
  threads: z.number().int().min(0),
  start_time_seconds: z.number().min(0),
  restarts: z.number().int().min(0),
});

export const PROCESS_PATH = "/internal/process";

export const metricsRoutes = new OpenAPIHono<AppEnv>();

/** Not part of the API: it is there on a laptop alone, for `npm start`. */
metricsRoutes.post(PROCESS_PATH, requireScope("operator"), async (context) => {
  const { metrics, isLocal } = context.get("services");
  if (!isLocal) throw new ApiError("not_found", `there is no route ${PROCESS_PATH}`);
  const parsed = processFigures.safeParse(await context.req.json());
  if (!parsed.success) refuse(problemsOf(parsed.error));
  const figures = parsed.data;
  metrics.set(platform.processMemory, [], figures.resident_memory_bytes, PROCESS_SOURCE);
  metrics.set(platform.processCpu, [], figures.cpu_seconds, PROCESS_SOURCE);
  metrics.set(platform.processThreads, [], figures.threads, PROCESS_SOURCE);
  metrics.set(platform.processStart, [], figures.start_time_seconds, PROCESS_SOURCE);
  metrics.set(platform.processRestarts, [], figures.restarts, PROCESS_SOURCE);
  return context.body(null, 204);
});

metricsRoutes.openapi(scrapeMetrics, async (context) => {
  const { scrape } = context.get("services");
  if (scrape === null) throw new ApiError("unavailable", "telemetry is off: WEIR_TELEMETRY");
  const format = formatFor(context.req.header("Accept") ?? "");
  const text = await scrape.text(format, Date.now());
  return context.body(text, 200, { "Content-Type": FORMATS[format], Vary: "Accept" }) as never;
});
