/** What an attempt did outside, as spans below it: calls of models, tools, requests. */
import type { CallMetrics, ModelCallMetrics, RequestMetrics, TaskMetrics, ToolCallMetrics } from "#engine/metrics.ts";
import { httpFacts } from "../http-facts.ts";
import type { NodeDescription } from "../run-points.ts";
import type { NodeEvent } from "./attempt-span.ts";
import { type AttemptAddress, callSpanId } from "./ids.ts";
import { type Attributes, attributesOf, type Span } from "./span.ts";

/** Spans of the calls that an agent's attempt lists, in their order; a tool's requests stand below the tool. */
export function callSpans({ calls = [] }: TaskMetrics, parent: Span, address: AttemptAddress): Span[] {
  return calls.map((call, index) => {
    const above = call.kind === "request" ? callSpanId(address, call.of) : parent.spanId;
    const { attributes, ...words } = wordsOf(call);
    return {
      ...below(parent, callSpanId(address, index), above),
      ...words,
      attributes: { ...attributes, ...runOf(parent) },
      startMs: call.at,
      endMs: call.at + call.duration_ms,
      error: call.error ?? null,
    };
  });
}

/** Codes of requests that were refused before they were made. */
const NOT_SENT: ReadonlySet<string> = new Set(["url_refused", "secret_missing", "payload_too_large", "worker_lost"]);

/** The request of an http node's attempt; null when none was made. */
export function requestSpan(
  event: NodeEvent,
  metrics: TaskMetrics,
  node: NodeDescription,
  parent: Span,
  address: AttemptAddress,
): Span | null {
  const error = "error" in event ? event.error : undefined;
  if (metrics.result_cache_hit === true || (error !== undefined && NOT_SENT.has(error.code))) return null;
  const { method, host, status } = httpFacts(event, node);
  return {
    ...below(parent, callSpanId(address, 0), parent.spanId),
    name: method,
    kind: "client",
    attributes: {
      ...requestAttributes({ method, host, status, error: error?.code, ...bytesOf(metrics) }),
      ...runOf(parent),
    },
    startMs: metrics.start_time,
    endMs: Math.max(metrics.start_time, metrics.end_time),
    error: error?.code ?? null,
  };
}

type Below = Pick<Span, "traceId" | "spanId" | "parentSpanId" | "events" | "droppedEvents" | "links">;

function below(parent: Span, spanId: string, parentSpanId: string): Below {
  return { traceId: parent.traceId, spanId, parentSpanId, events: [], droppedEvents: 0, links: [] };
}

/** What finds a span's run. */
function runOf({ attributes }: Span): Attributes {
  return attributesOf({
    "weir.run.id": attributes["weir.run.id"],
    "weir.run.generation": attributes["weir.run.generation"],
  });
}

function bytesOf({ bytes_in, bytes_out }: TaskMetrics) {
  return { bytes_in, bytes_out };
}

function wordsOf(call: CallMetrics): Pick<Span, "name" | "kind" | "attributes"> {
  switch (call.kind) {
    case "model":
      return { name: `chat ${call.model}`, kind: "client", attributes: modelAttributes(call) };
    case "tool":
      return { name: `execute_tool ${call.tool}`, kind: "internal", attributes: toolAttributes(call) };
    case "request":
      return { name: call.method, kind: "client", attributes: requestAttributes(call) };
  }
}

function modelAttributes(call: ModelCallMetrics): Attributes {
  return attributesOf({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": call.provider,
    "gen_ai.request.model": call.model,
    "gen_ai.response.model": call.answered_model,
    "gen_ai.response.finish_reasons": call.finish_reason === null ? null : [call.finish_reason],
    "gen_ai.usage.input_tokens": call.input_tokens,
    "gen_ai.usage.output_tokens": call.output_tokens,
    "gen_ai.usage.cache_read.input_tokens": call.cached_tokens,
    "gen_ai.usage.cache_creation.input_tokens": call.cache_write_tokens,
    "gen_ai.usage.reasoning.output_tokens": call.reasoning_tokens,
    "http.response.status_code": call.http_status,
    "weir.cost_usd": call.cost_usd,
    "weir.time_to_first_token_ms": call.time_to_first_token_ms,
    "error.type": call.error,
  });
}

function toolAttributes(call: ToolCallMetrics): Attributes {
  return attributesOf({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": call.tool,
    "gen_ai.tool.call.id": call.call_id,
    "gen_ai.tool.type": "function",
    "weir.bytes_in": call.bytes_in,
    "weir.bytes_out": call.bytes_out,
    "error.type": call.error,
  });
}

type Exchange = Pick<RequestMetrics, "method" | "host" | "status" | "bytes_in" | "bytes_out"> & {
  error?: string | undefined;
};

function requestAttributes({ method, host, status, error, bytes_in, bytes_out }: Exchange): Attributes {
  return attributesOf({
    "http.request.method": method,
    "server.address": host === "" ? null : host,
    "http.response.status_code": status,
    "weir.bytes_in": bytes_in,
    "weir.bytes_out": bytes_out,
    "error.type": error,
  });
}
