/** Figures for the dashboard and the command line: a summary of the last hours, and series over time. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isOperator } from "#access/scopes.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { businessFigures } from "#store/business-figures.ts";
import {
  seriesOf,
  TIME_SERIES,
  TIME_SERIES_NAMES,
  TIME_SERIES_POINTS_MAX,
  timeSeriesSql,
} from "#telemetry/analytics/time-series.ts";
import { parseStep, parseWindow, STEPS, type TimeWindow } from "#telemetry/analytics/time-window.ts";
import { patchFigure, requestFigures } from "../point-figures.ts";
import { BASE_PATH, invalid, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { rowsFor } from "../tenant-sql.ts";
import { type UseFigures, useFigures } from "../use-figures.ts";

const rate = z.number().nullable();

const routeFigures = z.object({
  requests: z.number(),
  per_second: z.number(),
  error_rate: rate.openapi({ description: "share of 5xx" }),
  mean_ms: rate,
  p50_ms: rate,
  p95_ms: rate,
  p99_ms: rate,
});

const red = routeFigures.extend({ routes: z.array(routeFigures.extend({ route: z.string() })) });

const use = z.object({
  backlog: z.record(z.string(), z.object({ messages: z.number(), bytes: z.number(), oldest_age_s: z.number() })),
  storage: z.object({ largest_shard_bytes: z.number() }),
  database: z.object({
    size_bytes: rate,
    size_limit_bytes: rate,
    used_ratio: rate,
    queries: z.number(),
    errors: z.number(),
    mean_ms: rate,
  }),
  concurrency: z.object({
    workers: z.record(z.string(), z.object({ in_flight: z.number(), limit: z.number() })),
    runs: z.record(z.string(), z.number()),
    sockets: z.number(),
  }),
});

const business = z.object({
  submitted: z.number(),
  completed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  active: z.number().openapi({ description: "runs that have not ended, whenever they were submitted" }),
  success_rate: rate.openapi({ description: "of those that completed or failed" }),
  avg_duration_ms: rate,
  patches: rate.openapi({ description: "of runs that ended; null where nobody keeps points" }),
  approvals: z.number(),
  approval_rate: rate.openapi({ description: "of those that were decided" }),
  agent_runs: z.number(),
  tokens: z.number(),
  cost_usd: z.number(),
});

const summary = z
  .object({
    window_s: z.number().int(),
    as_of: z.string(),
    red: red
      .nullable()
      .openapi({ description: "requests: all of them for an operator; null where nobody keeps points" }),
    use: use.nullable().openapi({ description: "the installation, for operators alone; null while a Meter is silent" }),
    business: business.openapi({ description: "runs of the tenant that were submitted in the window" }),
  })
  .openapi("MetricsSummary");

const windowQuery = z.string().max(20).default("1h").openapi({ description: "15m, 6h, 7d; at most 90d" });

const readSummary = protectedRoute(
  "read",
  {
    method: "get",
    path: `${BASE_PATH}/metrics/summary`,
    tags: ["metrics"],
    summary: "Requests, resources and runs of the last minutes, hours or days",
    request: { query: z.strictObject({ window: windowQuery }) },
    responses: { 200: json(summary, "the summary") },
  },
  ["unavailable"],
);

const timeSeries = z
  .object({
    metric: z.enum(TIME_SERIES_NAMES),
    title: z.string(),
    unit: z.string(),
    by: z.string().nullable(),
    window_s: z.number().int(),
    step_s: z.number().int(),
    as_of: z.string(),
    series: z.array(
      z.object({
        label: z.string().nullable().openapi({ description: "value of the column that it was split by" }),
        points: z.array(z.object({ at: z.string(), value: z.number().nullable() })),
      }),
    ),
    omitted: z.number().int().openapi({ description: "series with less in them that are not shown" }),
  })
  .openapi("TimeSeries");

const readTimeSeries = protectedRoute(
  "read",
  {
    method: "get",
    path: `${BASE_PATH}/metrics/timeseries`,
    tags: ["metrics"],
    summary: "A figure over time, split by a column where asked for",
    request: {
      query: z.strictObject({
        metric: z.enum(TIME_SERIES_NAMES),
        window: windowQuery,
        step: z.string().max(20).optional().openapi({ description: "10s, 1m, 5m, 1h …; by itself from the window" }),
        by: z.string().max(64).optional().openapi({ description: "a column that the figure may be split by" }),
      }),
    },
    responses: { 200: json(timeSeries, "the series, with a point for each step") },
  },
  ["unavailable"],
);

export const metricsSummaryRoutes = new OpenAPIHono<AppEnv>()
  .openapi(readSummary, async (context) => {
    const { database, analytics } = context.get("services");
    const { tenant } = context.get("principal");
    const window = windowOf(context.req.valid("query").window);
    const nowMs = Date.now();
    const [requests, installation, runs, patches] = await Promise.all([
      analytics === null ? null : requestFigures(context, window),
      installationFigures(context, nowMs),
      businessFigures(database, tenant, nowMs - window.seconds * 1_000),
      analytics === null ? null : patchFigure(context, tenant, window),
    ]);
    const body = { window_s: window.seconds, as_of: rfc3339(nowMs), red: requests, use: installation };
    return context.json({ ...body, business: { ...runs, patches } }, 200);
  })
  .openapi(readTimeSeries, async (context) => {
    const { metric, window: text, step, by = null } = context.req.valid("query");
    const window = withStep(windowOf(text), step);
    const { title, unit, by: columns } = TIME_SERIES[metric];
    if (by !== null && !(columns as readonly string[]).includes(by)) {
      throw invalid("/by", `${metric} may be split by ${columns.join(", ")}`);
    }
    const nowMs = Date.now();
    const rows = await rowsFor<Parameters<typeof seriesOf>[1][number]>(context, timeSeriesSql(metric, by, window));
    const { seconds: window_s, stepSeconds: step_s } = window;
    const head = { metric, title, unit, by, window_s, step_s, as_of: rfc3339(nowMs) };
    return context.json({ ...head, ...seriesOf(metric, rows, window, nowMs) }, 200);
  });

function windowOf(text: string): TimeWindow {
  const window = parseWindow(text);
  if (window === null) throw invalid("/window", "is written 15m, 6h or 7d, and is 90d at most");
  return window;
}

function withStep(window: TimeWindow, text: string | undefined): TimeWindow {
  if (text === undefined) return window;
  const stepSeconds = parseStep(text);
  if (stepSeconds === null) throw invalid("/step", `is one of ${STEPS.map(stepText).join(", ")}`);
  if (window.seconds / stepSeconds > TIME_SERIES_POINTS_MAX) {
    const least = STEPS.find((each) => window.seconds / each <= TIME_SERIES_POINTS_MAX) ?? 86_400;
    throw invalid("/step", `a window of ${window.seconds} s has a step of ${stepText(least)} at least`);
  }
  return { ...window, stepSeconds };
}

function stepText(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400}d`;
  if (seconds % 3_600 === 0) return `${seconds / 3_600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

async function installationFigures(context: Context<AppEnv>, nowMs: number): Promise<UseFigures | null> {
  const { scrape, logger } = context.get("services");
  if (scrape === null || !isOperator(context.get("principal"))) return null;
  try {
    return useFigures(await scrape.families(nowMs));
  } catch (error) {
    logger.warn("the summary goes without the installation's figures", { error });
    return null;
  }
}
