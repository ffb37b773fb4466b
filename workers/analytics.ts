/** Which backend answers queries: the local twin, the platform's SQL API, or none. */
import { fail, ok } from "#kernel/errors.ts";
import type { SqlBackend } from "#telemetry/analytics/backend.ts";
import { type ApiFetch, cloudflareBackend } from "#telemetry/analytics/cloudflare.ts";
import { type Env, settingsOf } from "./env.ts";

/** The one object that keeps all points of a laptop. */
export const LOCAL_ANALYTICS = "local";

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
