/**
 * The fold: how each event changes a run's state, and nothing else does. Total and without decisions: what an event
 * means was settled when it was planned, so old logs keep their meaning in later versions (invariant 10).
 */
import { invariant } from "#kernel/errors.ts";
import { edgeTarget } from "#workflow/graph.ts";
import type { RunEvent, RunQueued, StoredValue } from "./events.ts";
import { type NodeState, newNodeState, type RunState } from "./state.ts";

/** The state that a run's first event makes. */
export function createState(event: RunQueued): RunState {
  return {
    run_id: event.run_id,
    tenant: event.tenant,
    workflow: event.workflow,
    artifact_id: event.artifact_id,
    generation: 1,
    patch_seq: 0,
    status: "queued",
    seq: event.seq,
    inputs: event.inputs,
    labels: event.labels,
    priority: event.priority,
    trigger: event.trigger,
    submitted_at: event.at,
    started_at: null,
    ended_at: null,
    error: null,
    stored_bytes: bytesBeside(event.inputs),
    failing: null,
    system: {},
    nodes: new Map(),
    edges: new Map(),
    active: new Set(),
  };
}

/** Folds a whole log, or the rest of one onto a snapshot's state. */
export function fold(events: Iterable<RunEvent>, snapshot?: RunState): RunState {
  let state = snapshot;
  for (const event of events) {
    if (event.type === "run.queued") state = createState(event);
    else {
      invariant(state !== undefined, "a log begins with run.queued");
      apply(state, event);
    }
  }
  invariant(state !== undefined, "a log is not empty");
  return state;
}

/** Changes `state` in place by one event, which must be the next in number (invariant 6). */
export function apply(state: RunState, event: RunEvent): void {
  invariant(event.seq === state.seq + 1, `event ${event.seq} follows ${state.seq}`);
  state.seq = event.seq;
  switch (event.type) {
    case "run.queued":
      invariant(false, "run.queued is the first event");
      break;
    case "run.started":
      state.status = "running";
      state.started_at = event.at;
      state.system = event.system;
      break;
    case "run.completed":
      state.status = "completed";
      state.ended_at = event.at;
      break;
    case "run.failed":
      state.status = "failed";
      state.error = event.error;
      state.ended_at = event.at;
      break;
    case "run.cancelled":
      state.status = "cancelled";
      state.ended_at = event.at;
      break;
    case "edge.resolved":
      resolveEdges(state, event.node, event.taken, "taken");
      resolveEdges(state, event.node, event.dead, "dead");
      break;
    case "warning":
      // A late result's measurements are kept, so that a second delivery of it is known.
      if (event.node !== undefined && event.metrics !== undefined) {
        nodeState(state, event.node).metrics = event.metrics;
      }
      break;
    default:
      applyToNode(state, event);
  }
  if (event.type === "node.failed" && !event.handled && state.failing === null) {
    state.failing = { code: event.error.code, message: event.error.message, node: event.node };
  }
}

type NodeEvent = Extract<RunEvent, { attempt: number }>;

function applyToNode(state: RunState, event: NodeEvent): void {
  const node = nodeState(state, event.node);
  if (event.visit > node.visit) beginVisit(node, event.seq);
  node.visit = event.visit;
  node.iteration = event.iteration;
  node.attempt = event.attempt;
  switch (event.type) {
    case "node.queued":
      node.status = "queued";
      // What is known of an earlier attempt stands in the log.
      node.worker = null;
      node.error = null;
      node.metrics = null;
      node.sends = event.sends;
      node.faults = event.faults;
      node.due = { kind: "dispatch", at: event.due_at };
      node.queued_at ??= event.at;
      node.via = event.via ?? node.via;
      break;
    case "node.started":
      node.status = "running";
      node.worker = event.worker as NodeState["worker"];
      node.due = event.due_at === undefined ? null : { kind: "execution", at: event.due_at };
      node.queued_at ??= event.at;
      node.started_at = event.at;
      node.via = event.via ?? node.via;
      break;
    case "node.retrying":
      node.status = "waiting";
      node.error = event.error;
      node.metrics = event.metrics ?? null;
      node.due = { kind: "retry", at: event.retry_at };
      break;
    case "node.completed":
      end(node, "completed", event);
      node.output = event.output;
      state.stored_bytes += bytesBeside(event.output);
      node.error = event.error ?? null;
      node.metrics = event.metrics ?? null;
      break;
    case "node.failed":
      end(node, "failed", event);
      node.error = event.error;
      node.metrics = event.metrics ?? null;
      break;
    case "node.skipped":
      end(node, "skipped", event);
      break;
    case "node.cancelled":
      end(node, "cancelled", event);
      break;
  }
  if (node.status === "queued" || node.status === "running" || node.status === "waiting") state.active.add(event.node);
  else state.active.delete(event.node);
}

/** What a value takes beside the log of its own; one that was passed through is counted where it was stored. */
function bytesBeside(value: StoredValue): number {
  return "value" in value || value.at !== undefined ? 0 : value.stored_bytes;
}

/** A new visit starts from nothing but its edges, which were resolved before it began. */
function beginVisit(node: NodeState, seq: number): void {
  const { resolved, taken, via } = node;
  Object.assign(node, newNodeState(), { resolved, taken, via, began_seq: seq });
}

function end(node: NodeState, status: NodeState["status"], event: { at: number; seq: number }): void {
  node.status = status;
  node.ended_at = event.at;
  node.ended_seq = event.seq;
  node.due = null;
}

function resolveEdges(state: RunState, from: string, targets: readonly string[], outcome: "taken" | "dead"): void {
  for (const target of targets) {
    const key = `${from}>${target}`;
    state.edges.set(key, outcome);
    const node = nodeState(state, edgeTarget(key));
    node.resolved += 1;
    if (outcome === "taken") {
      node.taken += 1;
      node.via ??= from;
    }
  }
}

function nodeState(state: RunState, path: string): NodeState {
  let node = state.nodes.get(path);
  if (node === undefined) {
    node = newNodeState();
    state.nodes.set(path, node);
  }
  return node;
}
