/** Tickets in addresses: where they are taken, and who comes with one. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Principal } from "#access/scopes.ts";
import { TOKEN_LENGTH_MAX } from "#access/signed-text.ts";
import { BASE_PATH } from "./base-path.ts";
import type { AppEnv } from "./services.ts";

export const SOCKET_PATH = `${BASE_PATH}/ws`;

/** Where tickets are taken: whatever stays open and can be opened by a page. */
const TICKET_PATHS = new RegExp(`^${BASE_PATH}/(ws|feed|runs/[^/]+/stream)$`);

export const ticketQuery = {
  ticket: z
    .string()
    .max(TOKEN_LENGTH_MAX)
    .optional()
    .openapi({ description: "of POST /ws-tickets, instead of a header; serves once" }),
};

/** The ticket of a request that may come with one and has no header; null otherwise. */
export function ticketOf({ req }: Context<AppEnv>): string | null {
  if (req.header("Authorization") !== undefined) return null;
  return TICKET_PATHS.test(req.path) ? (req.query("ticket") ?? null) : null;
}

/** Takes a ticket in; null when it is none, has expired, or has served. */
export async function redeemTicket(context: Context<AppEnv>, text: string): Promise<Principal | null> {
  const { fanouts, tickets } = context.get("services");
  const ticket = await tickets.open(text, Date.now());
  if (ticket === null) return null;
  const { principal, nonce, expiresAt } = ticket;
  const { tenant } = principal;
  return (await fanouts.call(tenant, (fanout) => fanout.redeem(tenant, nonce, expiresAt))) ? principal : null;
}
