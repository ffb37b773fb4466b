/** Runs of every kind for the tests of traces: the stored logs, and one with everything that an agent's attempt lists. */
import { readdirSync, readFileSync } from "node:fs";
import type { RunEvent } from "#engine/events.ts";
import type { CallMetrics, TaskMetrics } from "#engine/metrics.ts";
import type { NodeDescription } from "#telemetry/run-points.ts";
import { spansOf } from "#telemetry/traces/run-spans.ts";
import type { Span } from "#telemetry/traces/span.ts";

const FOLDER = new URL("../../stored-logs/logs/", import.meta.url);

/** Logs of real runs of the engine, by name. */
export function storedLogs(): Map<string, RunEvent[]> {
  const names = readdirSync(FOLDER).sort();
  return new Map(
    names.map((name) => [
      name,
      (JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as { events: RunEvent[] }).events,
    ]),
  );
}

const BASE = { duration_ms: 100, bytes_in: 10, bytes_out: 5 };

export const CALLS: CallMetrics[] = [
  {
    kind: "model",
    at: 1_010,
    duration_ms: 400,
    provider: "openai",
    model: "gpt-5-mini",
    answered_model: "gpt-5-mini-2026",
    input_tokens: 100,
    cached_tokens: 64,
    cache_write_tokens: 0,
    output_tokens: 20,
    reasoning_tokens: 5,
    cost_usd: 0.000041,
    finish_reason: "tool_calls",
    time_to_first_token_ms: 90,
    http_status: 200,
  },
  { kind: "tool", at: 1_410, tool: "execute_pipeline", call_id: "call_1", ...BASE },
  { kind: "request", of: 1, at: 1_420, method: "GET", host: "example.com", status: 200, ...BASE },
  { kind: "tool", at: 1_411, tool: "search_tools", call_id: "call_2", error: "tool_error", ...BASE },
  { kind: "request", of: 1, at: 1_430, method: "POST", host: "example.com", status: null, error: "network", ...BASE },
];

export function metrics(more: Partial<TaskMetrics> = {}): TaskMetrics {
  const times = { sent_at: 1_000, start_time: 1_005, end_time: 2_000 };
  return { worker: "agent-runner", ...times, bytes_in: 1, bytes_out: 2, system: {}, ...more };
}

export const LLM = {
  tokens_used: 120,
  input_tokens: 100,
  cached_tokens: 64,
  cache_write_tokens: 0,
  output_tokens: 20,
  reasoning_tokens: 5,
  cache_hit: true,
  llm_model: "gpt-5-mini-2026",
  llm_calls: 1,
  tool_calls: ["execute_pipeline", "search_tools"],
  time_to_first_token_ms: 90,
  cost_usd: 0.000041,
  price_version: "1",
};

/** The first event of a run. */
export function queued(more: Partial<Extract<RunEvent, { type: "run.queued" }>> = {}): RunEvent {
  return {
    type: "run.queued",
    seq: 1,
    at: 1_000,
    tenant: "acme",
    run_id: "run_xx00001HF0000000000000000000000",
    workflow: "think",
    artifact_id: "sha256:x",
    inputs: { value: { secret: "CANARY" } },
    labels: {},
    priority: 3,
    trigger: "api",
    ...more,
  };
}

/** Numbers events in order. */
export function log(...events: (Omit<RunEvent, "seq"> | RunEvent)[]): RunEvent[] {
  return events.map((event, index) => ({ ...event, seq: index + 1 }) as RunEvent);
}

const NODES: Record<string, NodeDescription> = {
  think: { type: "agent", url: null, method: null },
  call: { type: "http", url: "https://api.example.com/v1", method: "PUT" },
};

export const describeTest = (path: string): NodeDescription | null => NODES[path] ?? null;

export function agentLog(): RunEvent[] {
  const node = { node: "think", visit: 1, iteration: 0, attempt: 1 };
  return log(
    queued({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }),
    { type: "run.started", at: 1_000, system: {} },
    { type: "node.queued", at: 1_000, ...node, due_at: 9_000, sends: 1, faults: 0 },
    { type: "node.started", at: 1_006, ...node, worker: "agent-runner" },
    {
      type: "node.completed",
      at: 2_001,
      ...node,
      output: { value: "CANARY" },
      metrics: metrics({ llm: LLM, calls: CALLS }),
    },
    { type: "run.completed", at: 2_001 },
  );
}

/** The spans of all of them. */
export function everySpan(): Span[] {
  return [agentLog(), ...storedLogs().values()].flatMap((events) => spansOf(events, describeTest));
}
