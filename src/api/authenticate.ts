/** Default deny: every route but the open ones needs a key, and each route names the scope that the key must have. */
import type { MiddlewareHandler } from "hono";
import { UNKNOWN_KEY_TTL_MS, UNKNOWN_KEYS_MAX } from "#access/known-keys.ts";
import type { Scope } from "#access/scopes.ts";
import { ApiError } from "#kernel/errors.ts";
import { APPROVE_PATH } from "./approve-path.ts";
import { SERVICE_NAMES } from "./health.ts";
import type { AppEnv } from "./services.ts";
import { redeemTicket, ticketOf } from "./socket-ticket.ts";

const OPEN_PATHS: ReadonlySet<string> = new Set([
  "/health",
  "/openapi.json",
  "/docs",
  "/schemas/workflow.json",
  ...SERVICE_NAMES.map((name) => `/health/${name}`),
]);

export const authenticate: MiddlewareHandler<AppEnv> = async (context, next) => {
  const { path } = context.req;
  const { keyring } = context.get("services");
  // A signed link is a key of its own; what it is signed with comes from the operator's.
  const isLink = path.startsWith(APPROVE_PATH);
  const isOpen = OPEN_PATHS.has(path);
  if (!isOpen && !keyring.isReady) {
    throw new ApiError("unavailable", "no operator key is set up: set the secret WEIR_OPERATOR_KEY");
  }
  const ticket = ticketOf(context);
  if (ticket !== null) {
    const principal = await redeemTicket(context, ticket);
    if (principal === null) {
      throw new ApiError("unauthenticated", "this ticket is none, has expired or has served: ask for another");
    }
    context.set("principal", principal);
  } else if (!isOpen && !isLink) {
    const match = /^Bearer +(\S+) *$/i.exec(context.req.header("Authorization") ?? "");
    const recognition = match?.[1] === undefined ? null : await keyring.recognise(match[1]);
    if (recognition?.outcome === "busy") {
      // Not a 5xx: it is bad keys that have used up what may be looked for.
      throw new ApiError("rate_limited", "too many unknown keys were sent; this one cannot be looked for yet", {
        details: {
          limit_type: "unknown_keys",
          limit: UNKNOWN_KEYS_MAX,
          window_s: UNKNOWN_KEY_TTL_MS / 1_000,
          tier: null,
        },
        headers: { "Retry-After": String(Math.ceil(recognition.retryAfterMs / 1_000)) },
      });
    }
    if (recognition?.outcome !== "recognised") {
      throw new ApiError("unauthenticated", 'send your key as "Authorization: Bearer weir_…"', {
        headers: { "WWW-Authenticate": "Bearer" },
      });
    }
    context.set("principal", recognition.principal);
  }
  await next();
};

export function requireScope(scope: Scope): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    if (!context.get("principal").scopes.has(scope)) {
      throw new ApiError("forbidden", `this key lacks the scope "${scope}"`);
    }
    await next();
  };
}
