/** `/metrics` for Prometheus. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { FORMATS, formatFor } from "#telemetry/exposition/format.ts";
import { protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

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

export const metricsRoutes = new OpenAPIHono<AppEnv>().openapi(scrapeMetrics, async (context) => {
  const { scrape } = context.get("services");
  if (scrape === null) throw new ApiError("unavailable", "telemetry is off: WEIR_TELEMETRY");
  const format = formatFor(context.req.header("Accept") ?? "");
  const text = await scrape.text(format, Date.now());
  return context.body(text, 200, { "Content-Type": FORMATS[format], Vary: "Accept" }) as never;
});
