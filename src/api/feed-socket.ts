/**
 * A client's socket of the tenant's feed: passes the fanout's frames on, takes in what the client says, and brings the
 * logs of runs that it subscribes to on the same socket.
 */
import { z } from "zod";
import { CHECK_INTERVAL_MS } from "#access/key-watch.ts";
import { CLOSE_SLOW, cursorOf } from "#store/fanout/feed.ts";
import { STREAM_HEARTBEAT_MS } from "./limits.ts";
import { quietly } from "./quietly.ts";
import { closeUnless, passEndsOn } from "./relay-socket.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What a client may say in one message, in UTF-16 units. */
export const MESSAGE_UNITS_MAX = 1_000;

const HEARTBEAT = '{"type":"heartbeat"}';
const HINT = 'say {"subscribe": {"run_id", "after"}}, {"unsubscribe": {"run_id"}}, {"ack": …} or {"type": "ping"}';

const runId = z.string().max(100);
const position = z.int().min(0);
const message = z.union([
  z.strictObject({ subscribe: z.strictObject({ run_id: runId, after: position.default(0) }) }),
  z.strictObject({ unsubscribe: z.strictObject({ run_id: runId }) }),
  z.strictObject({ ack: z.union([z.string().max(50), z.strictObject({ run_id: runId, seq: position })]) }),
  z.strictObject({ type: z.literal("ping") }),
]);

export interface FeedSocketParts {
  /** A socket that tells a run's log after an event; null: there is no such run. */
  openRun(runId: string, after: number): Promise<WebSocket | null>;
  /** Whether the key that it was opened with is still one. */
  isAllowed(): Promise<boolean>;
}

/** The client's end. */
export function feedSocket(upstream: WebSocket, { openRun, isAllowed }: FeedSocketParts): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  const send = (text: string) => quietly(() => server.send(text));
  let place = "";
  const subscriptions = new Subscriptions({
    open: openRun,
    send,
    tooMuch: () => quietly(() => server.close(CLOSE_SLOW, `too far behind: resume after=${place}`)),
  });
  const heartbeat = setInterval(() => send(HEARTBEAT), STREAM_HEARTBEAT_MS);
  const watch = setInterval(() => void closeUnless(isAllowed, server), CHECK_INTERVAL_MS);

  upstream.addEventListener("message", ({ data }) => {
    if (typeof data !== "string") return;
    place = cursorOf(data) ?? place;
    send(data);
  });
  server.addEventListener("message", ({ data }) => {
    const said = read(data);
    if (said === null) return send(JSON.stringify({ type: "error", code: "invalid", message: HINT }));
    if ("subscribe" in said) void subscriptions.add(said.subscribe.run_id, said.subscribe.after);
    else if ("unsubscribe" in said) subscriptions.remove(said.unsubscribe.run_id);
    else if ("ack" in said && typeof said.ack !== "string") subscriptions.acknowledge(said.ack.run_id, said.ack.seq);
    else quietly(() => upstream.send(JSON.stringify(said)));
  });
  passEndsOn(upstream, server, () => {
    clearInterval(heartbeat);
    clearInterval(watch);
    subscriptions.end();
  });
  server.accept();
  upstream.accept();
  return client;
}

function read(data: unknown): z.infer<typeof message> | null {
  if (typeof data !== "string" || data.length > MESSAGE_UNITS_MAX) return null;
  try {
    return message.safeParse(JSON.parse(data)).data ?? null;
  } catch {
    return null;
  }
}
