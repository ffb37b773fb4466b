/** One point for each request: its route as a pattern, never its path, so that no id gets into an index. */
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { isOperator, type Principal } from "#access/scopes.ts";
import { makePoint } from "#telemetry/points.ts";
import { parseTraceparent } from "#telemetry/traces/traceparent.ts";
import type { AppEnv } from "./services.ts";

/** What takes no route. */
const NO_ROUTE = "none";

export const measureRequests: MiddlewareHandler<AppEnv> = async (context, next) => {
  const startMs = Date.now();
  await next();
  const { points, logger } = context.get("services");
  try {
    const endMs = Date.now();
    points.record([requestPoint(context, startMs, endMs)], (work) => context.executionCtx.waitUntil(work));
    logRequest(context, endMs - startMs);
  } catch (error) {
    // A request is never answered otherwise because it could not be measured.
    logger.warn("a request could not be measured", { request_id: context.get("requestId"), error });
  }
};

/** The route, never the path: paths hold signed links. */
function logRequest(context: Context<AppEnv>, durationMs: number): void {
  const { logger } = context.get("services");
  const { status } = context.res;
  const log = status >= 500 ? logger.warn : logger.debug;
  log("request", {
    request_id: context.get("requestId"),
    trace_id: traceOf(context),
    tenant: (context.get("principal") as Principal | undefined)?.tenant,
    route: routeOf(context),
    status,
    duration_ms: durationMs,
  });
}

function routeOf(context: Context<AppEnv>): string {
  const pattern = matchedRoutes(context).findLast(({ path }) => !path.endsWith("*"))?.path;
  return pattern === undefined ? NO_ROUTE : `${context.req.method} ${pattern}`;
}

function traceOf({ res }: Context<AppEnv>): string | undefined {
  return parseTraceparent(res.headers.get("traceparent") ?? "")?.traceId;
}

function requestPoint(context: Context<AppEnv>, startMs: number, endMs: number) {
  const { req, res } = context;
  const principal = context.get("principal") as Principal | undefined;
  const { origin } = context.get("services").points;
  const route = routeOf(context);
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
    code_class: `${Math.floor(code / 100)}xx`,
    code: String(code),
    auth_kind: principal === undefined ? "none" : isOperator(principal) ? "operator" : "key",
    limit_outcome: code === 429 ? "limited" : "allowed",
  });
}
