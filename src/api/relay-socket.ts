/**
 * Passes a shard's socket on to a client, message by message. Handed through as it is, its Close frame would arrive at
 * once but the connection would end only when the object goes to sleep, ten seconds later (seen with workerd 1.20261023).
 */

/** Codes that an endpoint may not send itself (RFC 6455, 7.4.1): they say that no code came. */
const UNSENDABLE: ReadonlySet<number> = new Set([1005, 1006, 1015]);
const GOING_AWAY = 1001;

/** The client's end. */
export function relaySocket(upstream: WebSocket): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  connect(upstream, server);
  connect(server, upstream);
  server.accept();
  upstream.accept();
  return client;
}

function connect(from: WebSocket, to: WebSocket): void {
  from.addEventListener("message", ({ data }) => quietly(() => to.send(data)));
  from.addEventListener("close", ({ code, reason }) =>
    quietly(() => (UNSENDABLE.has(code) ? to.close(GOING_AWAY, "connect again") : to.close(code, reason))),
  );
  from.addEventListener("error", () => quietly(() => to.close(GOING_AWAY, "connect again")));
}

/** The other end may be gone already; its own end tells so. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing is left to tell it to.
  }
}
