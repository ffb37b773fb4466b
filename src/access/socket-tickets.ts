/**
 * Tickets: a page cannot send a header with a WebSocket, so it exchanges its key for a ticket and puts that into the
 * address. It allows reading, for seconds; that it serves once is the tenant's fanout to see to.
 */
import { z } from "zod";
import type { Principal } from "./scopes.ts";
import { newNonce, SignedText } from "./signed-text.ts";

/** From the answer that brings a ticket to the upgrade that takes it in. */
export const TICKET_LIFETIME_MS = 30_000;

export interface SocketTicket {
  principal: Principal;
  nonce: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Changes when the meaning of a ticket does. */
const PURPOSE = "weir socket ticket 1";

const claims = z.tuple([z.string(), z.string(), z.string(), z.int()]);

export class SocketTickets {
  readonly #texts: SignedText;

  /** `operatorKey`: the secret of the installation. */
  constructor(operatorKey: string) {
    this.#texts = new SignedText(operatorKey, PURPOSE);
  }

  /** A ticket for whoever has the key of `principal`. */
  async issue({ tenant, keyId }: Principal, nowMs: number): Promise<{ ticket: string; expiresAt: number }> {
    const expiresAt = nowMs + TICKET_LIFETIME_MS;
    const said: z.infer<typeof claims> = [tenant, keyId, newNonce(), expiresAt];
    return { ticket: await this.#texts.sign(said), expiresAt };
  }

  /** What a ticket says; null when it was not made here or has expired. */
  async open(ticket: string, nowMs: number): Promise<SocketTicket | null> {
    const said = await this.#texts.open(ticket);
    if (said === undefined) return null;
    const [tenant, keyId, nonce, expiresAt] = claims.parse(said);
    if (nowMs >= expiresAt) return null;
    return { principal: { keyId, tenant, scopes: new Set(["read"]) }, nonce, expiresAt };
  }
}
