/** What was measured of a node run, in the API's words: times as RFC 3339, durations between them. */
import { rfc3339 } from "#kernel/clock.ts";
import { utf8Length } from "#kernel/json.ts";
import type { StoredValue } from "./events.ts";
import type { CallMetrics, LlmMetrics, SystemFacts, TaskMetrics } from "./metrics.ts";
import type { NodeState } from "./state.ts";

export interface NodeMetricsView extends Partial<LlmMetrics> {
  sent_at: string;
  start_time: string;
  end_time: string;
  queue_time_ms: number;
  execution_time_ms: number;
  total_duration_ms: number;
  attempt: number;
  worker: string;
  bytes_in: number;
  bytes_out: number;
  memory_start_mb: null;
  memory_peak_mb: null;
  memory_end_mb: null;
  cpu_percent: null;
  thread_count: null;
  resource_note: string;
  result_cache_hit?: true;
  calls?: CallView[];
  calls_omitted?: number;
  system: SystemFacts;
}

/** A call of an agent's attempt, with its time as RFC 3339. */
export type CallView = CallMetrics extends infer Each ? Omit<Each, "at"> & { at: string } : never;

const RESOURCE_NOTE = "memory, CPU and threads of one job cannot be read inside a Worker";

export function metricsOf(node: NodeState, system: SystemFacts): NodeMetricsView | null {
  if (node.started_at === null) return null;
  const measured: TaskMetrics = node.metrics ?? {
    worker: node.approval === null ? "coordinator" : "hitl-worker",
    sent_at: node.queued_at ?? node.started_at,
    start_time: node.started_at,
    end_time: node.ended_at ?? node.started_at,
    bytes_in: 0,
    bytes_out: node.output === null ? 0 : bytesOf(node.output),
    system,
  };
  return measuredView(measured, node.attempt);
}

/** Measurements in the API's words: times as RFC 3339, durations between them. */
export function measuredView(measured: TaskMetrics, attempt: number): NodeMetricsView {
  return {
    sent_at: rfc3339(measured.sent_at),
    start_time: rfc3339(measured.start_time),
    end_time: rfc3339(measured.end_time),
    queue_time_ms: Math.max(0, measured.start_time - measured.sent_at),
    execution_time_ms: Math.max(0, measured.end_time - measured.start_time),
    total_duration_ms: Math.max(0, measured.end_time - measured.sent_at),
    attempt,
    worker: measured.worker,
    bytes_in: measured.bytes_in,
    bytes_out: measured.bytes_out,
    memory_start_mb: null,
    memory_peak_mb: null,
    memory_end_mb: null,
    cpu_percent: null,
    thread_count: null,
    resource_note: RESOURCE_NOTE,
    ...measured.llm,
    ...(measured.result_cache_hit === true ? { result_cache_hit: true as const } : {}),
    ...(measured.calls === undefined ? {} : { calls: measured.calls.map(callView) }),
    ...(measured.calls_omitted === undefined ? {} : { calls_omitted: measured.calls_omitted }),
    system: measured.system,
  };
}

function callView({ at, ...call }: CallMetrics): CallView {
  return { ...call, at: rfc3339(at) };
}

function bytesOf(output: StoredValue): number {
  return "stored_bytes" in output ? output.stored_bytes : utf8Length(JSON.stringify(output.value));
}
