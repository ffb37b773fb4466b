/**
 * Points of runs, nodes and HTTP requests, derived from the event log: the same events always give the same points, so
 * what was not written can be written later. Reads events and decides nothing about runs.
 */
import type { RunEvent } from "#engine/events.ts";
import type { LlmMetrics, TaskMetrics } from "#engine/metrics.ts";
import type { RunState } from "#engine/state.ts";
import { utf8Length } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import { httpFacts } from "./http-facts.ts";
import type { Point } from "./point.ts";
import type { Fields, PointOrigin } from "./points.ts";
import { makePoint } from "./points.ts";
import { traceIdOf } from "./traces/ids.ts";

/** What a node is; null when the run's graph has it no more. */
export interface NodeDescription {
  type: string;
  url: string | null;
  method: string | null;
}

/** By a node's path. Items of a map stand under the map's id; they are measured as what the map does. */
export function describeNode(nodes: CompiledGraph["nodes"], path: string): NodeDescription | null {
  const whole = nodes.get(path);
  const node = whole ?? nodes.get(/^[^[/]+/.exec(path)?.[0] ?? "")?.item ?? null;
  if (node === null) return null;
  const { url, method } = (node.definition.config ?? {}) as { url?: unknown; method?: unknown };
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return { type: node.type.type, url: text(url), method: text(method) };
}

export type Attempt = Extract<
  RunEvent,
  { type: "node.completed" | "node.failed" | "node.retrying" | "node.cancelled" }
>;

/** Points of some events of a run, in their order; `state` is the run's at or after them. */
export function pointsOf(
  events: readonly RunEvent[],
  state: RunState,
  describe: (path: string) => NodeDescription | null,
  origin: PointOrigin,
): Point[] {
  const points: Point[] = [];
  const started = new Map<string, number>();
  const ofRun = fieldsOf(state, origin);
  for (const event of events) {
    switch (event.type) {
      case "node.started":
      case "node.waiting":
        started.set(event.node, event.at);
        break;
      case "node.completed":
      case "node.failed":
      case "node.retrying":
      case "node.cancelled":
        points.push(...attemptPoints(event, started.get(event.node) ?? null, state, describe, ofRun));
        break;
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
        points.push(runPoint(event, state, ofRun));
        break;
    }
  }
  return points;
}

/** What all points of a run have in common, made once: an id of a trace is a hash. */
function fieldsOf(state: RunState, { env, version }: PointOrigin): Fields {
  const { tenant, workflow, run_id } = state;
  return { tenant, env, version, workflow, run_id, trace_id: traceIdOf(run_id) };
}

function attemptPoints(
  event: Attempt,
  startedAt: number | null,
  state: RunState,
  describe: (path: string) => NodeDescription | null,
  ofRun: Fields,
): Point[] {
  const node = describe(event.node);
  const metrics = "metrics" in event ? (event.metrics ?? null) : null;
  const times = timesOf(event, metrics, startedAt, state);
  const error = "error" in event ? (event.error ?? null) : null;
  const fields: Fields = {
    ...ofRun,
    outcome: outcomeOf(event),
    error_type: error?.code,
    node_id: event.node,
    ...times,
    attempt: event.attempt,
    bytes_in: metrics?.bytes_in ?? 0,
    bytes_out: metrics?.bytes_out ?? outputBytes(event),
  };
  const points = [
    makePoint("weir_node", event.at, `${state.tenant}|${state.workflow ?? ""}`, {
      ...fields,
      node_type: node?.type,
      worker_kind: metrics?.worker ?? (node?.type === "hitl" ? "hitl-worker" : "coordinator"),
      result_bytes: outputBytes(event),
      ...usageOf(metrics?.llm),
      patches: patchesBy(event, state),
    }),
  ];
  if (node?.type === "http" && metrics !== null) points.push(httpPoint(event, fields, node));
  return points;
}

function outcomeOf(event: Attempt): string {
  if (event.type !== "node.retrying") return event.type.slice("node.".length);
  return event.postponed === true ? "postponed" : "failed";
}

/** From what the worker measured; for what the coordinator executed itself, from the events. */
export function timesOf(
  event: Attempt,
  metrics: TaskMetrics | null,
  startedAt: number | null,
  state: RunState,
): { total_ms: number; queue_wait_ms: number; execution_ms: number } {
  const node = state.nodes.get(event.node);
  const isSame = node?.visit === event.visit && node.attempt === event.attempt;
  const start = metrics?.start_time ?? startedAt ?? (isSame ? node.started_at : null) ?? event.at;
  const sent = metrics?.sent_at ?? (isSame ? node.queued_at : null) ?? start;
  const end = metrics?.end_time ?? event.at;
  return {
    total_ms: Math.max(0, end - Math.min(sent, start)),
    queue_wait_ms: Math.max(0, start - sent),
    execution_ms: Math.max(0, end - start),
  };
}

/** What an agent's model calls came to; nobody knows the cost of some, which is then 0 here and null in D1. */
function usageOf(llm: LlmMetrics | undefined): Fields {
  if (llm === undefined) return {};
  return {
    cache_hit: llm.cache_hit,
    tool_calls: llm.tool_calls.length,
    input_tokens: llm.input_tokens,
    output_tokens: llm.output_tokens,
    cost_usd: llm.cost_usd,
  };
}

/** Patches of the run that hold and that an agent asked for, counted where it completed. */
function patchesBy(event: Attempt, { patches }: RunState): number {
  if (event.type !== "node.completed") return 0;
  return patches.filter(({ node, status }) => node === event.node && status === "applied").length;
}

function outputBytes(event: Attempt): number {
  if (event.type !== "node.completed") return 0;
  const { output } = event;
  return "value" in output ? utf8Length(JSON.stringify(output.value)) : output.stored_bytes;
}

function httpPoint(event: Attempt, fields: Fields, node: NodeDescription): Point {
  const { method, host, status } = httpFacts(event, node);
  return makePoint("weir_http", event.at, host, {
    ...fields,
    method,
    host,
    code_class: status !== null ? codeClass(status) : event.type === "node.completed" ? "" : "error",
    status: status ?? 0,
  });
}

export function codeClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}

function runPoint(
  event: Extract<RunEvent, { type: "run.completed" | "run.failed" | "run.cancelled" }>,
  state: RunState,
  ofRun: Fields,
): Point {
  const ended = event.type.slice("run.".length);
  const all = [...state.nodes.values()];
  const nodes = all.filter((node) => node.visit > 0 && node.status !== "skipped");
  const count = (status: string) => all.filter((node) => node.status === status).length;
  const waited = (state.started_at ?? event.at) - state.submitted_at;
  const total = event.at - state.submitted_at;
  return makePoint("weir_run", event.at, `${state.tenant}|${state.workflow ?? ""}`, {
    ...ofRun,
    outcome: ended,
    error_type: event.type === "run.failed" ? event.error.code : "",
    total_ms: Math.max(0, total),
    queue_wait_ms: Math.max(0, waited),
    execution_ms: Math.max(0, total - waited),
    attempt: state.generation,
    trigger: state.trigger,
    state: ended,
    patched: state.applied.length > 0,
    workflow_version: state.artifact_id,
    nodes: nodes.length,
    nodes_completed: count("completed"),
    nodes_failed: count("failed"),
    nodes_skipped: count("skipped"),
    patches: state.applied.length,
    hitl_wait_ms: waitedForPeople(state, event.at),
    input_tokens: state.usage.input_tokens,
    output_tokens: state.usage.output_tokens,
    cost_usd: state.usage.cost_usd,
    retries: nodes.reduce((sum, node) => sum + Math.max(0, node.attempt - 1 - node.postponements), 0),
    events: event.seq,
    stored_bytes: state.stored_bytes,
  });
}

function waitedForPeople(state: RunState, endedAt: number): number {
  const approvals = [...state.past_approvals, ...state.nodes.values()].flatMap(({ approval }) => approval ?? []);
  return approvals.reduce(
    (sum, { requested_at, decided_at }) => sum + Math.max(0, (decided_at ?? endedAt) - requested_at),
    0,
  );
}
