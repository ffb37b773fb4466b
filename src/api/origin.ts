/** Who may open sockets from a page: WebSockets know no same-origin policy, so that the server has to look (RFC 6455, 10.2). */
import type { Context } from "hono";
import { ApiError } from "#kernel/errors.ts";
import type { AppEnv } from "./services.ts";

/** Refuses pages of other origins; programs send none. */
export function requireKnownOrigin(context: Context<AppEnv>): void {
  const origin = context.req.header("Origin");
  if (origin === undefined) return;
  if (origin === new URL(context.req.url).origin || context.get("services").allowedOrigins.has(origin)) return;
  throw new ApiError(
    "forbidden",
    `pages of ${origin.slice(0, 200)} may not open sockets here: name it in WEIR_ALLOWED_ORIGINS`,
  );
}
