/** What a summary takes from points: requests by route, and patches. */
import type { Context } from "hono";
import { mean, N, percentiles, weighed, within } from "#telemetry/analytics/sampled-sql.ts";
import type { TimeWindow } from "#telemetry/analytics/time-window.ts";
import type { AppEnv } from "./services.ts";
import { rowsFor } from "./tenant-sql.ts";

export interface RouteFigures {
  requests: number;
  per_second: number;
  /** Share of 5xx; null without requests, as the times are. */
  error_rate: number | null;
  mean_ms: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
}

export interface RequestFigures extends RouteFigures {
  routes: (RouteFigures & { route: string })[];
}

const COLUMNS =
  `${N} AS requests, sumIf(_sample_interval, code_class = '5xx') AS errors, ` +
  `${mean("total_ms")} AS mean_ms, ${percentiles("total_ms")}`;

const ROUTES_SHOWN_MAX = 100;

interface Row {
  route?: string;
  requests: string;
  errors: string;
  mean_ms: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
}

/** All requests, and those of each route, that the caller may see. */
export async function requestFigures(context: Context<AppEnv>, window: TimeWindow): Promise<RequestFigures> {
  const { seconds } = window;
  const from = `FROM weir_api WHERE ${within(window)}`;
  const [[whole], routes] = await Promise.all([
    rowsFor<Row>(context, `SELECT ${COLUMNS} ${from}`),
    rowsFor<Row>(
      context,
      `SELECT route, ${COLUMNS} ${from} GROUP BY route ORDER BY requests DESC, route LIMIT ${ROUTES_SHOWN_MAX}`,
    ),
  ]);
  const figures = (row: Row | undefined) => {
    const requests = Number(row?.requests ?? 0);
    const known = (value: number | null | undefined) => (requests === 0 ? null : (value ?? null));
    return {
      requests,
      per_second: requests / seconds,
      error_rate: requests === 0 ? null : Number(row?.errors ?? 0) / requests,
      mean_ms: known(row?.mean_ms),
      p50_ms: known(row?.p50_ms),
      p95_ms: known(row?.p95_ms),
      p99_ms: known(row?.p99_ms),
    };
  };
  return { ...figures(whole), routes: routes.map((row) => ({ route: row.route ?? "", ...figures(row) })) };
}

/** Patches that held, of the tenant's runs that ended. */
export async function patchFigure(context: Context<AppEnv>, tenant: string, window: TimeWindow): Promise<number> {
  const [row] = await rowsFor<{ patches: number | null }>(
    context,
    `SELECT ${weighed("patches")} AS patches FROM weir_run WHERE ${within(window)} AND tenant = '${tenant}'`,
  );
  return Number(row?.patches ?? 0);
}
