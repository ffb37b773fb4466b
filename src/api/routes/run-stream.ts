/** A run's log as it grows: server-sent events, or one event a frame for those who ask to upgrade. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { lastIdOf, type StreamFormat } from "#store/shard/stream.ts";
import { noSuchRun } from "../ask-run.ts";
import { EVENT_STREAM_HEADERS, eventStream } from "../event-stream.ts";
import { openRunLog, socketOf } from "../open-run-log.ts";
import { requireKnownOrigin } from "../origin.ts";
import { relaySocket } from "../relay-socket.ts";
import { BASE_PATH, protectedRoute } from "../route.ts";
import type { AppEnv, Services } from "../services.ts";
import { ticketQuery } from "../socket-ticket.ts";

const position = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const stream = protectedRoute(
  "read",
  {
    method: "get",
    path: `${BASE_PATH}/runs/{id}/stream`,
    tags: ["runs"],
    summary: "The run's log from a position on, and then as it grows, until the run has ended",
    description: [
      "Without an upgrade: server-sent events, `id` is the event's `seq` and `data` the event as in `/events`. A comment",
      "comes every 15 s. The stream ends after the terminal event, and after 14 minutes at the latest; `Last-Event-ID`",
      "(or `after`) goes on where it ended.",
      "",
      'With `Upgrade: websocket`: one such event a frame; what has no `seq` is no event. `{"type":"ping"}` is answered by',
      '`{"type":"pong"}`. Code 1000 closes after the terminal event. A viewer that does not keep up is closed with 4008',
      'and a reason that ends in `after=<seq>`: connect again from there. Say `{"ack": <seq>}` now and then for what you',
      "have read, and you are slowed down instead.",
      "",
      "While a model writes, viewers who are up to date are told what it writes, several times a second: `type` `agent.text`,",
      "with `node`, `visit`, `attempt`, `turn`, `offset` and `text`, and no `seq`; as server-sent events these are named",
      "`agent.text`. They are kept nowhere; `offset`, in UTF-16 units, shows what was missed.",
    ].join("\n"),
    request: {
      params: z.object({ id: z.string() }),
      query: z.strictObject({ after: position.default(0), ...ticketQuery }),
      headers: z.object({ "last-event-id": position.optional() }),
    },
    responses: {
      101: { description: "a WebSocket with one event a frame" },
      200: { description: "the events", content: { "text/event-stream": { schema: z.string() } } },
      204: { description: "to an `EventSource` that connects again although the run has ended: nothing can follow" },
    },
  },
  ["not_found"],
);

export const runStreamRoutes = new OpenAPIHono<AppEnv>().openapi(stream, async (context) => {
  const { id } = context.req.valid("param");
  const lastEventId = context.req.valid("header")["last-event-id"];
  // A client that connects again repeats its address and says by the header how far it came.
  const after = lastEventId ?? context.req.valid("query").after;
  const principal = context.get("principal");
  const { tenant } = principal;
  const services = context.get("services");
  const isUpgrade = context.req.header("Upgrade")?.toLowerCase() === "websocket";
  const format: StreamFormat = isUpgrade ? "events" : "sse";
  if (isUpgrade) requireKnownOrigin(context);

  const isOver = lastEventId !== undefined && !isUpgrade && (await hasNothingAfter(services, tenant, id, after));
  if (isOver) return context.body(null, 204);

  const log = await openRunLog(services, { tenant, runId: id, after, format });
  if (log === null) throw noSuchRun(id);
  const isAllowed = () => services.keyWatch.isLive(principal);
  if (isUpgrade) {
    const webSocket = "socket" in log ? relaySocket(log.socket, isAllowed) : socketOf(log.texts);
    return new Response(null, { status: 101, webSocket, headers: { "X-Request-Id": context.get("requestId") } });
  }
  if ("socket" in log) {
    return context.body(eventStream(log.socket, { after, pieceOf, isAllowed }), 200, EVENT_STREAM_HEADERS);
  }
  if (log.isEmpty && lastEventId !== undefined) return context.body(null, 204);
  return context.body(log.texts.join(""), 200, EVENT_STREAM_HEADERS);
});

/** Messages of a shard in the format `sse` are ready-made. */
function pieceOf(message: string): { text: string; through: number | null } | null {
  if (message.startsWith("id: ")) return { text: message, through: lastIdOf(message) };
  return message.startsWith("event: ") ? { text: message, through: null } : null;
}

/** Whether the run has ended and its log goes no further. */
async function hasNothingAfter({ shards }: Services, tenant: string, id: string, after: number): Promise<boolean> {
  const address = shards.addressOf(id);
  const page = address === null ? null : await shards.call(address, (shard) => shard.events(tenant, id, after, 1));
  return page?.terminal === true && page.items.length === 0;
}
