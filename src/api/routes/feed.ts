/** The tenant's feed over a WebSocket: runs as they change; and the tickets that let a page open one. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { TICKET_LIFETIME_MS } from "#access/socket-tickets.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import { cursorOf, FEED_CURSOR, NO_CURSOR } from "#store/fanout/feed.ts";
import { EVENT_STREAM_HEADERS, eventStream } from "../event-stream.ts";
import { feedSocket } from "../feed-socket.ts";
import { openRunLog, socketOf } from "../open-run-log.ts";
import { requireKnownOrigin } from "../origin.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { SOCKET_PATH, ticketQuery } from "../socket-ticket.ts";

const cursor = z.string().regex(FEED_CURSOR, "must be the cursor of a frame");

const listen = protectedRoute(
  "read",
  {
    method: "get",
    path: SOCKET_PATH,
    tags: ["live"],
    summary: "A WebSocket of the tenant: runs as they change, and the logs of runs on request",
    description: [
      'Each frame is a JSON object. `{"type":"runs","cursor","runs":[…]}`: runs that changed, as in `GET /runs`, each with',
      "`after`: the news are its events numbered above `after` up to `seq`. A run that changes often is told as it stands;",
      "the `after` of an item is the `seq` of the item before. `ready` comes once nothing can be missed: read the list then,",
      "and let the higher `seq` win. After a cut, connect with `?after=<cursor>`: what came since is told, each once. When",
      "that is not kept any more (10 minutes), `reset` says so: read the list again. `heartbeat` comes every 15 s.",
      "",
      '`{"subscribe":{"run_id","after"}}` brings the events of a run, each a frame with `run_id` and `seq`, up to',
      '`{"type":"ended"}`; `{"unsubscribe":{"run_id"}}` ends that. `{"ack":"<cursor>"}` and `{"ack":{"run_id","seq"}}` say',
      "what was read: who says so is slowed down when it does not keep up, others are closed (4008, the reason ends in",
      '`after=<cursor>`) after 1 MB. `{"type":"ping"}` is answered by `{"type":"pong"}`.',
    ].join("\n"),
    request: {
      query: z.strictObject({ after: cursor.optional(), ...ticketQuery }),
    },
    responses: { 101: { description: "a WebSocket" } },
  },
  ["bad_request"],
);

const events = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/feed`,
  tags: ["live"],
  summary: "The same frames as server-sent events: runs of the tenant as they change",
  description: [
    "`id` is the cursor of the frame, `event` its type (`runs`, `ready`, `reset`) and `data` the frame as on `/ws`. A",
    "comment comes every 15 s. The stream ends after 14 minutes; `Last-Event-ID` (or `after`) goes on where it ended. A",
    "client that does not keep up is slowed down.",
  ].join("\n"),
  request: {
    query: z.strictObject({ after: cursor.optional(), ...ticketQuery }),
    headers: z.object({ "last-event-id": cursor.optional() }),
  },
  responses: { 200: { description: "the frames", content: { "text/event-stream": { schema: z.string() } } } },
});

const issue = protectedRoute("read", {
  method: "post",
  path: `${BASE_PATH}/ws-tickets`,
  tags: ["live"],
  summary: `A ticket for one socket, for ${TICKET_LIFETIME_MS / 1_000} s: pages put it into the address as \`ticket\``,
  responses: {
    201: json(z.object({ ticket: z.string(), expires_at: z.string() }).openapi("SocketTicket"), "the ticket"),
  },
});

export const feedRoutes = new OpenAPIHono<AppEnv>()
  .openapi(listen, async (context) => {
    if (context.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new ApiError("bad_request", "this is a WebSocket: send Upgrade: websocket");
    }
    requireKnownOrigin(context);
    const services = context.get("services");
    const principal = context.get("principal");
    const { tenant } = principal;
    const upstream = await services.fanouts.listen({ tenant, after: context.req.valid("query").after ?? null });
    const webSocket = feedSocket(upstream, {
      isAllowed: () => services.keyWatch.isLive(principal),
      openRun: async (runId, after) => {
        const log = await openRunLog(services, { tenant, runId, after, format: "events" });
        if (log === null) return null;
        return "socket" in log ? log.socket : socketOf(log.texts);
      },
    });
    return new Response(null, { status: 101, webSocket, headers: { "X-Request-Id": context.get("requestId") } });
  })
  .openapi(events, async (context) => {
    requireKnownOrigin(context);
    const { fanouts, keyWatch } = context.get("services");
    const principal = context.get("principal");
    // A client that connects again repeats its address and says by the header how far it came.
    const after = context.req.valid("header")["last-event-id"] ?? context.req.valid("query").after ?? null;
    const socket = await fanouts.listen({ tenant: principal.tenant, after });
    const isAllowed = () => keyWatch.isLive(principal);
    const stream = eventStream(socket, { after: after ?? NO_CURSOR, pieceOf, isAllowed });
    return context.body(stream, 200, EVENT_STREAM_HEADERS);
  })
  .openapi(issue, async (context) => {
    const { tickets } = context.get("services");
    const { ticket, expiresAt } = await tickets.issue(context.get("principal"), Date.now());
    context.header("Cache-Control", "no-store");
    return context.json({ ticket, expires_at: rfc3339(expiresAt) }, 201);
  });

/** A frame is one line of JSON. */
function pieceOf(frame: string): { text: string; through: string } | null {
  const through = cursorOf(frame);
  if (through === null) return null;
  const [, type] = /^\{"type":"([a-z]+)"/.exec(frame) ?? [];
  return { text: `id: ${through}\nevent: ${type}\ndata: ${frame}\n\n`, through };
}
