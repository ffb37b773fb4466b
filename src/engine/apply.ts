/**
 * The fold: how each event changes a run's state, and nothing else does. Total and without decisions: what an event
 * means was settled when it was planned, so old logs keep their meaning in later versions (invariant 10). Nodes are
 * `apply-node.ts`, edges and passes `apply-edges.ts`.
 */
import { invariant } from "#kernel/errors.ts";
import { resetNodes, resetPass, resolveEdges, unresolve } from "./apply-edges.ts";
import { applyToApproval, applyToNode, applyToTimer, bytesBeside, nodeStateOf } from "./apply-node.ts";
import type { RunEvent, RunQueued } from "./events.ts";
import type { LlmMetrics } from "./metrics.ts";
import { NO_USAGE, type PatchState, type RunState } from "./state.ts";

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
    unhandled: new Map(),
    parent: event.parent ?? null,
    depth: event.depth ?? 0,
    replay_of: event.replay_of ?? null,
    replays: [],
    passes: new Map(),
    signals: [],
    past_approvals: [],
    patches: [],
    applied: [],
    usage: NO_USAGE,
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
  if ("metrics" in event && event.metrics?.llm !== undefined) countUsage(state, event.metrics.llm);
  switch (event.type) {
    case "run.queued":
      invariant(false, "run.queued is the first event");
      break;
    case "run.started":
      state.status = "running";
      state.started_at = event.at;
      state.system = event.system;
      break;
    case "run.paused":
      state.status = "paused";
      break;
    case "run.resumed":
      state.status = "running";
      break;
    case "run.completed":
    case "run.failed":
    case "run.cancelled":
      state.status =
        event.type === "run.completed" ? "completed" : event.type === "run.failed" ? "failed" : "cancelled";
      state.error = event.type === "run.failed" ? event.error : null;
      state.ended_at = event.at;
      break;
    case "run.reopened":
      state.status = "running";
      state.generation = event.generation;
      state.ended_at = null;
      state.error = null;
      state.failing = null;
      break;
    case "edge.resolved":
      if (event.reset !== undefined) resetPass(state, event.node, event.pass ?? 0, event.reset, event.taken);
      else {
        resolveEdges(state, event.node, event.taken, "taken");
        resolveEdges(state, event.node, event.dead, "dead");
      }
      break;
    case "timer.set":
    case "timer.fired":
      applyToTimer(state, event);
      break;
    case "approval.requested":
    case "approval.voted":
    case "approval.decided":
    case "approval.expired":
      applyToApproval(state, event);
      break;
    case "signal.received":
      state.stored_bytes += bytesBeside(event.payload);
      if (event.delivered_to.length === 0) {
        state.signals.push({ seq: event.seq, name: event.name, payload: event.payload });
      }
      break;
    case "patch.proposed": {
      const { type: _, seq: __, at, ...proposal } = event;
      const open = { status: "proposed" as const, reason: null, decided_at: null, decided_by: null };
      state.stored_bytes += bytesBeside(event.operations);
      state.patches.push({ ...proposal, ...open, proposed_at: at });
      break;
    }
    case "patch.applied":
      decidePatch(state, event, "applied", null);
      state.applied.push(event.patch);
      state.patch_seq = event.patch;
      break;
    case "patch.rejected":
      decidePatch(state, event, "rejected", event.reason);
      break;
    case "patch.reverted":
      decidePatch(state, event, "reverted", null);
      state.applied = state.applied.filter((patch) => patch !== event.patch);
      state.patch_seq = state.applied.at(-1) ?? 0;
      unresolve(state, event.unresolved);
      break;
    case "replay.requested":
      if (event.run_id !== undefined) state.replays.push(event.run_id);
      if (event.reset === undefined || event.node === undefined) break;
      resetNodes(state, event.reset, event.begun_anew);
      nodeStateOf(state, event.node).override = event.config ?? null;
      break;
    case "warning":
      // A late result's measurements are kept, so that a second delivery of it is known.
      if (event.node !== undefined && event.metrics !== undefined) {
        nodeStateOf(state, event.node).metrics = event.metrics;
      }
      break;
    default:
      applyToNode(state, event);
  }
}

function countUsage(state: RunState, llm: LlmMetrics): void {
  const { input_tokens, cached_tokens, output_tokens, cost_usd } = state.usage;
  state.usage = {
    input_tokens: input_tokens + llm.input_tokens,
    cached_tokens: cached_tokens + llm.cached_tokens,
    output_tokens: output_tokens + llm.output_tokens,
    cost_usd: cost_usd === null || llm.cost_usd === null ? null : cost_usd + llm.cost_usd,
  };
}

function decidePatch(
  state: RunState,
  event: { patch: number; at: number; by: string },
  status: PatchState["status"],
  reason: string | null,
): void {
  const patch = state.patches.find((each) => each.patch === event.patch);
  invariant(patch !== undefined, `patch ${event.patch} was proposed`);
  Object.assign(patch, { status, reason, decided_at: event.at, decided_by: event.by });
}
