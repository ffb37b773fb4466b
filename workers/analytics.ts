/** Where points are handed to, and which backend answers queries: the local twin, the platform's SQL API, or none. */
import { fail, ok } from "#kernel/errors.ts";
import type { AnalyticsRpc } from "#store/analytics/protocol.ts";
import type { SqlBackend } from "#telemetry/analytics/backend.ts";
import { type ApiFetch, cloudflareBackend } from "#telemetry/analytics/cloudflare.ts";
import type { NumberedPoint } from "#telemetry/point.ts";
import { sliceOf } from "#telemetry/point-text.ts";
import { POINTS_PER_INVOCATION_MAX, type PointOrigin } from "#telemetry/points.ts";
import { version } from "../package.json";
import { type Env, settingsOf } from "./env.ts";

/** The one object that keeps all points of a laptop. */
export const LOCAL_ANALYTICS = "local";

/** Where points of `source` are handed to; null with telemetry off. In production each source has an object of its own. */
export function analyticsTarget(env: Env, source: string): AnalyticsRpc | null {
  const { WEIR_ANALYTICS: mode, WEIR_TELEMETRY: telemetry } = settingsOf(env);
  if (telemetry === "off") return null;
  return env.ANALYTICS.getByName(mode === "local" ? LOCAL_ANALYTICS : `points-${source}`);
}

/** Hands points over, a call a slice: each is an invocation of its own, and the platform counts points by invocation. */
export async function writePoints(
  target: AnalyticsRpc | null,
  source: string,
  points: readonly NumberedPoint[],
): Promise<void> {
  if (target === null) return;
  for (let from = 0; from < points.length; from += POINTS_PER_INVOCATION_MAX) {
    const slice = sliceOf(points.slice(from, from + POINTS_PER_INVOCATION_MAX));
    if (slice !== null) await target.write(source, slice);
  }
}

export function pointOrigin(env: Env): PointOrigin {
  return { env: settingsOf(env).WEIR_LOCAL === "" ? "production" : "local", version };
}

/** Null: this deployment has nowhere to ask. */
export function analyticsOf(env: Env, fetch: ApiFetch): SqlBackend | null {
  const { WEIR_ANALYTICS, CLOUDFLARE_ACCOUNT_ID: accountId, CLOUDFLARE_API_TOKEN: token } = settingsOf(env);
  if (WEIR_ANALYTICS === "local") {
    return {
      async run({ tenant, written }) {
        const reply = await env.ANALYTICS.getByName(LOCAL_ANALYTICS).query(tenant, written);
        return reply.ok ? ok(reply.text) : fail(reply.problem);
      },
    };
  }
  return accountId === "" || token === "" ? null : cloudflareBackend({ accountId, token, fetch });
}
