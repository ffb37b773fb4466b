/** Metrics of what comes in: requests to the API, queue messages, sockets, health. Counted where they happen. */
import { BATCH_SIZES, FAST_SECONDS } from "./buckets.ts";
import { queue } from "./label-values.ts";
import { closed, counter, gauge, histogram, open, UNLISTED } from "./metric.ts";

const api = { owner: "api", feed: "isolate" } as const;
const consumer = { owner: "queue consumers", feed: "isolate" } as const;
const streams = { owner: "coordinator", feed: "isolate" } as const;
const scrape = { owner: "metrics route", feed: "scrape" } as const;

/** Which component a health check is of; the API's words. */
const component = open("component");

export const httpRequests = counter<["method", "route", "code_class"]>("weir_http_server_requests_total", {
  help: "Requests to the API; the route is its pattern, never a path.",
  labels: [
    closed("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", UNLISTED]),
    open("route"),
    closed("code_class", ["1xx", "2xx", "3xx", "4xx", "5xx"]),
  ],
  zeros: [["GET", "/health", "2xx"]],
  ...api,
});

export const httpDuration = histogram<["route"]>("weir_http_server_request_duration_seconds", {
  help: "How long requests to the API took; streams until they were opened.",
  labels: [open("route")],
  buckets: FAST_SECONDS,
  ...api,
});

export const authFailures = counter<["reason"]>("weir_api_auth_failures_total", {
  help: "Requests that were refused for their key.",
  labels: [closed("reason", ["missing_key", "unknown_key", "missing_scope"])],
  ...api,
});

export const healthChecks = counter<["component", "result"]>("weir_health_checks_total", {
  help: "Checks of components, by what they found.",
  labels: [component, closed("result", ["ok", "degraded", "down", "disabled"])],
  ...api,
});

export const componentUp = gauge<["component"]>("weir_component_up", {
  help: "1 when the component answers, 0 when it does not.",
  labels: [component],
  merge: "last",
  ...scrape,
});

export const buildInfo = gauge<["version"]>("weir_build_info", {
  help: "1, with the version that answers.",
  labels: [open("version")],
  merge: "last",
  ...scrape,
});

export const queueMessages = counter<["queue", "action"]>("weir_queue_messages_total", {
  help: "Messages by what became of their delivery; dlq: they came out of the dead-letter queue.",
  labels: [queue, closed("action", ["ack", "retry", "dlq"])],
  ...consumer,
});

export const queueBatchSize = histogram<["queue"]>("weir_queue_batch_size", {
  help: "Messages of a delivered batch.",
  labels: [queue],
  buckets: BATCH_SIZES,
  ...consumer,
});

export const queueDuplicates = counter<["queue"]>("weir_queue_duplicates_total", {
  help: "Results that their run had already: the message was delivered more than once.",
  labels: [queue],
  ...consumer,
});

export const deadLetters = counter<["queue"]>("weir_dlq_messages_total", {
  help: "Messages that were kept as dead letters, by the queue they were taken from.",
  labels: [queue],
  ...consumer,
});

export const deadLetterDepth = gauge("weir_dlq_depth", {
  help: "Dead letters that nobody has sent again.",
  merge: "last",
  ...scrape,
});

export const queueBacklog = gauge<["queue"]>("weir_queue_backlog_messages", {
  help: "Messages that wait in a queue.",
  labels: [queue],
  merge: "last",
  ...scrape,
});

export const queueBacklogBytes = gauge<["queue"]>("weir_queue_backlog_bytes", {
  help: "Bytes of the messages that wait in a queue.",
  labels: [queue],
  merge: "last",
  ...scrape,
});

export const queueOldest = gauge<["queue"]>("weir_queue_oldest_message_age_seconds", {
  help: "How long the oldest message of a queue has waited.",
  labels: [queue],
  merge: "last",
  ...scrape,
});

export const sockets = gauge("weir_ws_connections", {
  help: "WebSockets and event streams that are open.",
  ...streams,
});

export const socketMessages = counter<["direction"]>("weir_ws_messages_total", {
  help: "Messages over sockets: in from clients, out to them.",
  labels: [closed("direction", ["in", "out"])],
  ...streams,
});

export const socketLag = histogram("weir_ws_event_lag_seconds", {
  help: "From when an event was committed to when it was written to a socket.",
  buckets: FAST_SECONDS,
  ...streams,
});

export const socketsClosed = counter<["reason"]>("weir_ws_disconnects_total", {
  help: "Sockets that were closed: ended, with their run; left, by the client; slow, too far behind; error.",
  labels: [closed("reason", ["ended", "left", "slow", "error"])],
  ...streams,
});
