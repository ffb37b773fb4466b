/**
 * One attempt of a node as a span, in the words of OpenTelemetry's conventions for generative AI where they have some
 * (https://github.com/open-telemetry/semantic-conventions-genai) and under `weir.` where not.
 */
import type { RunEvent, RunQueued } from "#engine/events.ts";
import type { LlmMetrics, TaskMetrics } from "#engine/metrics.ts";
import { nodeOf } from "#engine/path.ts";
import type { NodeDescription } from "../run-points.ts";
import { callSpans, requestSpan } from "./call-spans.ts";
import { attemptSpanId } from "./ids.ts";
import { type Attributes, attributesOf, type Span } from "./span.ts";

export type NodeEvent = Extract<RunEvent, { attempt: number }>;

export interface RunIdentity {
  runId: string;
  traceId: string;
  generation: number;
}

export interface EndedAttempt {
  /** Spans of what it did outside. */
  calls: Span[];
}

export function runAttributes(queued: RunQueued, generation: number): Attributes {
  return attributesOf({
    "gen_ai.operation.name": "invoke_workflow",
    "gen_ai.workflow.name": queued.workflow,
    "weir.run.id": queued.run_id,
    "weir.run.generation": generation,
    "weir.run.trigger": queued.trigger,
    "weir.tenant": queued.tenant,
    "weir.artifact.id": queued.artifact_id,
  });
}

/** An attempt that begins now. */
export function attemptSpan(
  event: NodeEvent,
  node: NodeDescription | null,
  { runId, traceId, generation }: RunIdentity,
  parentSpanId: string,
): Span {
  const { node: path, visit, iteration, attempt, at } = event;
  const id = nodeOf(path);
  const isAgent = node?.type === "agent";
  return {
    traceId,
    spanId: attemptSpanId({ run_id: runId, path, visit, attempt }),
    parentSpanId,
    name: isAgent ? `invoke_agent ${id}` : `${node?.type ?? "node"} ${id}`,
    kind: "internal",
    startMs: at,
    endMs: at,
    attributes: attributesOf({
      ...(isAgent ? { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": id } : {}),
      "weir.run.id": runId,
      "weir.run.generation": generation,
      "weir.node.id": id,
      "weir.node.path": path,
      "weir.node.type": node?.type,
      "weir.node.visit": visit,
      "weir.node.iteration": iteration,
      "weir.node.attempt": attempt,
    }),
    events: [],
    droppedEvents: 0,
    links: [],
    error: null,
  };
}

/** Adds to a span what the event at its end, or one that measured it on the way, tells of it. */
export function endAttempt(span: Span, event: NodeEvent, node: NodeDescription | null, runId: string): EndedAttempt {
  const metrics = "metrics" in event ? event.metrics : undefined;
  const error = "error" in event ? event.error : undefined;
  const postponed = event.type === "node.retrying" && event.postponed === true;
  if (error !== undefined && !postponed) {
    span.error = error.code;
    span.attributes["error.type"] = error.code;
  }
  Object.assign(
    span.attributes,
    attributesOf({
      "weir.node.status": postponed ? "postponed" : statusOf(event),
      "weir.reused_from": "reused_from" in event ? event.reused_from : undefined,
      ...measuredAttributes(metrics),
      ...usageAttributes(metrics?.llm),
    }),
  );
  if (metrics === undefined) return { calls: [] };
  const address = { run_id: runId, path: event.node, visit: event.visit, attempt: event.attempt };
  const request = node?.type === "http" ? requestSpan(event, metrics, node, span, address) : null;
  return { calls: request === null ? callSpans(metrics, span, address) : [request] };
}

function statusOf({ type }: NodeEvent): string {
  return type === "node.retrying" ? "failed" : type.slice("node.".length);
}

function measuredAttributes(metrics: TaskMetrics | undefined) {
  if (metrics === undefined) return {};
  const { sent_at: sent, start_time: start, end_time: end } = metrics;
  return {
    "weir.worker": metrics.worker,
    "weir.queue_wait_ms": Math.max(0, start - sent),
    "weir.execution_ms": Math.max(0, end - start),
    "weir.bytes_in": metrics.bytes_in,
    "weir.bytes_out": metrics.bytes_out,
    "weir.result_cache_hit": metrics.result_cache_hit,
    "weir.calls_omitted": metrics.calls_omitted,
  };
}

function usageAttributes(llm: LlmMetrics | undefined) {
  if (llm === undefined) return {};
  return {
    "gen_ai.response.model": llm.llm_model,
    "gen_ai.usage.input_tokens": llm.input_tokens,
    "gen_ai.usage.output_tokens": llm.output_tokens,
    "gen_ai.usage.cache_read.input_tokens": llm.cached_tokens,
    "gen_ai.usage.cache_creation.input_tokens": llm.cache_write_tokens,
    "weir.llm.calls": llm.llm_calls,
    "weir.cost_usd": llm.cost_usd,
  };
}
