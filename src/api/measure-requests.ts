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
    points.record([requestPoint(context, startMs, Date.now())], (work) => context.executionCtx.waitUntil(work));
  } catch (error) {
    // A request is never answered otherwise because it could not be measured.
    logger.warn("a request could not be measured", { path: context.req.path, error });
  }
};

function requestPoint(context: Context<AppEnv>, startMs: number, endMs: number) {
  const { req, res } = context;
  const principal = context.get("principal") as Principal | undefined;
  const { origin } = context.get("services").points;
  const pattern = matchedRoutes(context).findLast(({ path }) => !path.endsWith("*"))?.path;
  const route = pattern === undefined ? NO_ROUTE : `${req.method} ${pattern}`;
  const code = res.status;
  return makePoint("weir_api", startMs, route, {
    tenant: principal?.tenant,
    env: origin.env,
    version: origin.version,
    outcome: code >= 400 ? "error" : "ok",
    error_type: code >= 400 ? String(code) : "",
    trace_id: parseTraceparent(res.headers.get("traceparent") ?? "")?.traceId,
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
