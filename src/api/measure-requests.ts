/** Measures each request, as a point and in metrics: its route as a pattern, never its path, so that no id gets into an index. */
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { isOperator, type Principal } from "#access/scopes.ts";
import { authFailures, httpDuration, httpRequests } from "#telemetry/catalogue/traffic-metrics.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { makePoint } from "#telemetry/points.ts";
import { codeClass } from "#telemetry/run-points.ts";
import { parseTraceparent } from "#telemetry/traces/traceparent.ts";
import { PROCESS_PATH } from "./routes/metrics.ts";
import type { AppEnv } from "./services.ts";

/** What takes no route. */
const NO_ROUTE = "none";

export const measureRequests: MiddlewareHandler<AppEnv> = async (context, next) => {
  const startMs = Date.now();
  await next();
  // What the local runtime tells of itself every few seconds is nobody's request.
  if (context.req.path === PROCESS_PATH) return;
  const { points, metrics, logger } = context.get("services");
  try {
    const endMs = Date.now();
    const pattern = patternOf(context);
    points.record([requestPoint(context, pattern, startMs, endMs)], (work) => context.executionCtx.waitUntil(work));
    countRequest(context, pattern ?? NO_ROUTE, endMs - startMs, metrics);
    logRequest(context, pattern, endMs - startMs);
  } catch (error) {
    // A request is never answered otherwise because it could not be measured.
    logger.warn("a request could not be measured", { request_id: context.get("requestId"), error });
  }
};

/** The route, never the path: paths hold signed links. */
function logRequest(context: Context<AppEnv>, pattern: string | undefined, durationMs: number): void {
  const { logger } = context.get("services");
  const { status } = context.res;
  const log = status >= 500 ? logger.warn : logger.debug;
  log("request", {
    request_id: context.get("requestId"),
    trace_id: traceOf(context),
    tenant: (context.get("principal") as Principal | undefined)?.tenant,
    route: routeOf(context, pattern),
    status,
    duration_ms: durationMs,
  });
}

function routeOf({ req }: Context<AppEnv>, pattern: string | undefined): string {
  return pattern === undefined ? NO_ROUTE : `${req.method} ${pattern}`;
}

function traceOf({ res }: Context<AppEnv>): string | undefined {
  return parseTraceparent(res.headers.get("traceparent") ?? "")?.traceId;
}

function patternOf(context: Context<AppEnv>): string | undefined {
  return matchedRoutes(context).findLast(({ path }) => !path.endsWith("*"))?.path;
}

function countRequest(context: Context<AppEnv>, route: string, tookMs: number, recorder: MetricRecorder): void {
  const { req, res } = context;
  recorder.count(httpRequests, [req.method, route, codeClass(res.status)]);
  recorder.observe(httpDuration, [route], tookMs / 1_000);
  if (res.status === 401) {
    recorder.count(authFailures, [req.header("Authorization") === undefined ? "missing_key" : "unknown_key"]);
  } else if (res.status === 403) recorder.count(authFailures, ["missing_scope"]);
}

function requestPoint(context: Context<AppEnv>, pattern: string | undefined, startMs: number, endMs: number) {
  const { req, res } = context;
  const principal = context.get("principal") as Principal | undefined;
  const { origin } = context.get("services").points;
  const route = routeOf(context, pattern);
  const code = res.status;
  return makePoint("weir_api", startMs, route, {
    tenant: principal?.tenant,
    env: origin.env,
    version: origin.version,
    outcome: code >= 400 ? "error" : "ok",
    error_type: code >= 400 ? String(code) : "",
    trace_id: traceOf(context),
    colo: (req.raw as { cf?: { colo?: string } }).cf?.colo,
    total_ms: endMs - startMs,
    execution_ms: endMs - startMs,
    attempt: 1,
    bytes_in: Number(req.header("Content-Length") ?? 0),
    bytes_out: Number(res.headers.get("Content-Length") ?? 0),
    method: req.method,
    route,
    code_class: codeClass(code),
    code: String(code),
    auth_kind: principal === undefined ? "none" : isOperator(principal) ? "operator" : "key",
    limit_outcome: code === 429 ? "limited" : "allowed",
  });
}
