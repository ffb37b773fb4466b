/**
 * What the events of a run count as: each event is counted once, from what it says itself. Durations may ask the run's
 * state; what a run is, and what a node of it is, comes from outside. Decides nothing about runs.
 */
import type { RunEvent } from "#engine/events.ts";
import type { CallMetrics, TaskMetrics } from "#engine/metrics.ts";
import type { RunState } from "#engine/state.ts";
import { NO_ERROR, NO_WORKFLOW, POSTPONED, UNKNOWN_NODE_TYPE } from "#telemetry/catalogue/label-values.ts";
import * as metrics from "#telemetry/catalogue/run-metrics.ts";
import { httpFacts } from "#telemetry/http-facts.ts";
import { type Attempt, codeClass, type NodeDescription, timesOf } from "#telemetry/run-points.ts";
import type { Tally } from "./tally.ts";

/** A run as its events are counted. State null: it cannot be read, and what only it knows is left out. */
export interface Measured {
  runId: string;
  state: RunState | null;
  describe(path: string): NodeDescription | null;
}

export function countEvents(events: readonly RunEvent[], run: Measured, tally: Tally): void {
  const row: Row = { started: new Map(), queued: new Map(), requested: new Map() };
  for (const event of events) count(event, run, row, tally);
}

/** What earlier events of the same transition said. */
interface Row {
  started: Map<string, number>;
  queued: Map<string, number>;
  requested: Map<string, number>;
}

function count(event: RunEvent, run: Measured, row: Row, tally: Tally): void {
  const { state } = run;
  const workflow = state?.workflow ?? NO_WORKFLOW;
  if ("metrics" in event && event.metrics?.calls !== undefined) countTools(event.metrics.calls, tally);
  switch (event.type) {
    case "run.queued":
      tally.count(metrics.runsStarted, [event.workflow ?? NO_WORKFLOW, event.trigger]);
      break;
    case "run.started":
      if (state !== null) tally.observe(metrics.runStartLatency, [], seconds(event.at - state.submitted_at));
      break;
    case "run.reopened":
      tally.count(metrics.runsReopened, [workflow]);
      break;
    case "run.completed":
    case "run.failed":
    case "run.cancelled": {
      const ended = event.type.slice("run.".length);
      tally.count(metrics.runsEnded, [workflow, ended, event.type === "run.failed" ? event.error.code : NO_ERROR]);
      if (state !== null) {
        const took = seconds(event.at - state.submitted_at);
        tally.observe(metrics.runDuration, [workflow, ended], took, { runId: run.runId, at: event.at });
      }
      break;
    }
    case "node.queued":
      row.queued.set(event.node, event.at);
      break;
    case "node.started":
    case "node.waiting":
      row.started.set(event.node, event.at);
      break;
    case "node.skipped":
      tally.count(metrics.nodesEnded, [run.describe(event.node)?.type ?? UNKNOWN_NODE_TYPE, "skipped", NO_ERROR]);
      break;
    case "node.completed":
    case "node.failed":
    case "node.retrying":
    case "node.cancelled":
      countAttempt(event, run, row, tally);
      break;
    case "approval.requested":
      row.requested.set(event.approval_id, event.at);
      tally.count(metrics.hitlRequests, []);
      break;
    case "approval.decided":
    case "approval.expired": {
      const decided = event.type === "approval.decided" ? DECIDED[event.decision] : "expired";
      tally.count(metrics.hitlDecisions, [decided]);
      const from = row.requested.get(event.approval_id) ?? requestedAt(state, event.approval_id);
      if (from !== null) tally.observe(metrics.hitlWait, [], seconds(event.at - from));
      break;
    }
    case "patch.proposed":
      if ("value" in event.operations && Array.isArray(event.operations.value)) {
        tally.observe(metrics.patchOperations, [], event.operations.value.length);
      }
      break;
    case "patch.applied":
      tally.count(metrics.patches, ["applied", "none"]);
      break;
    case "patch.reverted":
      tally.count(metrics.patches, ["reverted", "none"]);
      break;
    case "patch.rejected":
      // A policy refuses in the name of the agent that proposed; a person decides in their own.
      tally.count(metrics.patches, ["rejected", isProposer(state, event) ? "policy" : "decision"]);
      break;
  }
}

const DECIDED = { approve: "approved", reject: "rejected" } as const;

function countAttempt(event: Attempt, run: Measured, row: Row, tally: Tally): void {
  const node = run.describe(event.node);
  const type = node?.type ?? UNKNOWN_NODE_TYPE;
  const error = "error" in event ? (event.error ?? null) : null;
  const isPostponed = event.type === "node.retrying" && event.postponed === true;
  if (event.type === "node.retrying") {
    tally.count(metrics.nodeRetries, [type, isPostponed ? POSTPONED : event.error.code]);
  } else {
    const ended = event.type.slice("node.".length);
    tally.count(metrics.nodesEnded, [type, ended, event.type === "node.failed" ? event.error.code : NO_ERROR]);
  }
  const isReused = "reused_from" in event && event.reused_from !== undefined;
  if (isReused || isPostponed || event.type === "node.cancelled") return;
  const measured = event.metrics ?? null;
  if (run.state !== null) countTimes(event, type, measured, run, row, run.state, tally);
  if (node?.type === "http" && measured !== null && measured.result_cache_hit !== true) {
    if (error?.code === "url_refused") tally.count(metrics.ssrfBlocked, [String(error.details?.reason ?? "")]);
    else countRequest(event, node, measured, tally);
  }
}

function countTimes(
  event: Attempt,
  type: string,
  measured: TaskMetrics | null,
  { runId }: Measured,
  row: Row,
  state: RunState,
  tally: Tally,
): void {
  const times = timesOf(event, measured, row.started.get(event.node) ?? null, state);
  const of = { runId, at: event.at };
  tally.observe(metrics.nodeQueueWait, [type], seconds(times.queue_wait_ms));
  tally.observe(metrics.nodeExecution, [type], seconds(times.execution_ms), of);
  tally.observe(metrics.nodeDuration, [type], seconds(times.total_ms), of);
  if (measured === null || measured.result_cache_hit === true) return;
  tally.observe(metrics.orchestrationOverhead, ["commit"], seconds(event.at - measured.end_time));
  const node = state.nodes.get(event.node);
  const isFirst = event.attempt === 1 && node?.visit === event.visit;
  const readyAt = row.queued.get(event.node) ?? (isFirst ? node.queued_at : null);
  if (readyAt !== null && event.attempt === 1) {
    tally.observe(metrics.orchestrationOverhead, ["dispatch"], seconds(measured.sent_at - readyAt));
  }
}

function countRequest(
  event: Attempt,
  node: NodeDescription,
  { start_time, end_time }: TaskMetrics,
  tally: Tally,
): void {
  const { status } = httpFacts(event, node);
  // A completed one was answered, though its answer may be too large to be looked at here.
  const code = status !== null ? codeClass(status) : event.type === "node.completed" ? "2xx" : "error";
  tally.count(metrics.httpClientRequests, [code]);
  tally.observe(metrics.httpClientDuration, [code], seconds(end_time - start_time));
}

function countTools(calls: readonly CallMetrics[], tally: Tally): void {
  for (const call of calls) {
    if (call.kind !== "tool") continue;
    tally.count(metrics.toolCalls, [call.tool, call.error === undefined ? "ok" : "error"]);
    tally.observe(metrics.toolDuration, [call.tool], seconds(call.duration_ms));
  }
}

function isProposer(state: RunState | null, { patch, by }: { patch: number; by: string }): boolean {
  return state?.patches.find((each) => each.patch === patch)?.by === by;
}

function requestedAt(state: RunState | null, approvalId: string): number | null {
  const approvals = state === null ? [] : [...state.nodes.values(), ...state.past_approvals];
  return approvals.find(({ approval }) => approval?.approval_id === approvalId)?.approval?.requested_at ?? null;
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
