/**
 * Passes an object's socket on to a client, message by message. Handed through as it is, its Close frame would arrive at
 * once but the connection would end only when the object goes to sleep, ten seconds later (seen with workerd 1.20261023).
 */

import { CHECK_INTERVAL_MS } from "#access/key-watch.ts";
import { quietly } from "./quietly.ts";

/** Codes that an endpoint may not send itself (RFC 6455, 7.4.1): they say that no code came. */
const UNSENDABLE: ReadonlySet<number> = new Set([1005, 1006, 1015]);
const GOING_AWAY = 1001;

/** The key that the socket was opened with is none any more. */
export const CLOSE_REVOKED = 4001;

/** The client's end; closed once `isAllowed` says no. */
export function relaySocket(upstream: WebSocket, isAllowed: () => Promise<boolean>): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  server.addEventListener("message", ({ data }) => quietly(() => upstream.send(data)));
  upstream.addEventListener("message", ({ data }) => quietly(() => server.send(data)));
  const watch = setInterval(() => void closeUnless(isAllowed, server), CHECK_INTERVAL_MS);
  passEndsOn(upstream, server, () => clearInterval(watch));
  server.accept();
  upstream.accept();
  return client;
}

/** When one end closes, so does the other; `end` is called once or more. */
export function passEndsOn(upstream: WebSocket, server: WebSocket, end: () => void): void {
  for (const [from, to] of [
    [upstream, server],
    [server, upstream],
  ] as const) {
    from.addEventListener("close", ({ code, reason }) => {
      end();
      quietly(() => (UNSENDABLE.has(code) ? to.close(GOING_AWAY, "connect again") : to.close(code, reason)));
    });
    from.addEventListener("error", () => {
      end();
      quietly(() => to.close(GOING_AWAY, "connect again"));
    });
  }
}

export async function closeUnless(isAllowed: () => Promise<boolean>, server: WebSocket): Promise<void> {
  if (await isAllowed()) return;
  quietly(() => server.close(CLOSE_REVOKED, "the key is none any more"));
}
