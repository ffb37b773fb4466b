/**
 * The state of a run: what folding its events gives (invariant 10). Plain data and maps, bounded by the size of the
 * graph and not by the length of the history; large values stay outside, under (run, path, visit).
 */
import type { NodeError } from "#kernel/errors.ts";
import type { RunError, StoredValue } from "./events.ts";
import type { SystemFacts, TaskMetrics, WorkerName } from "./metrics.ts";

export const RUN_STATUSES = ["queued", "running", "waiting", "paused", "completed", "failed", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const NODE_STATUSES = [
  "pending",
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "skipped",
  "cancelled",
] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

/** What a node's due time is for. */
export type DueKind = "dispatch" | "execution" | "retry";

export interface NodeState {
  status: NodeStatus;
  /** Runs of this node in this run; identity of a node run is (run, path, visit). */
  visit: number;
  iteration: number;
  attempt: number;
  /** Incoming edges resolved and taken so far, for this visit. */
  resolved: number;
  taken: number;
  /** The predecessor whose edge started an `any` join. */
  via: string | null;
  worker: WorkerName | null;
  /** Times the current attempt was sent, and platform faults of this visit. */
  sends: number;
  faults: number;
  due: { kind: DueKind; at: number } | null;
  /** Number of the event that began this visit: what ended later is not there for its templates. */
  began_seq: number;
  /** Number of the event that ended it. */
  ended_seq: number;
  queued_at: number | null;
  started_at: number | null;
  ended_at: number | null;
  output: StoredValue | null;
  error: NodeError | null;
  metrics: TaskMetrics | null;
}

export interface RunState {
  run_id: string;
  tenant: string;
  workflow: string | null;
  artifact_id: string;
  generation: number;
  patch_seq: number;
  status: RunStatus;
  /** Number of the last event. */
  seq: number;
  inputs: StoredValue;
  labels: Record<string, string>;
  priority: number;
  trigger: string;
  submitted_at: number;
  started_at: number | null;
  ended_at: number | null;
  error: RunError | null;
  /** Where the run was begun: what the coordinator itself executes is measured with it. */
  system: SystemFacts;
  /** Bytes of values kept beside the log. */
  stored_bytes: number;
  /** Set by the first unhandled failure: nothing new starts, and the run fails when what runs has ended. */
  failing: RunError | null;
  nodes: Map<string, NodeState>;
  /** Resolved edges by key. */
  edges: Map<string, "taken" | "dead">;
  /** Paths of nodes that are queued, running or waiting. */
  active: Set<string>;
}

export function newNodeState(): NodeState {
  return {
    status: "pending",
    visit: 0,
    iteration: 0,
    attempt: 0,
    resolved: 0,
    taken: 0,
    via: null,
    worker: null,
    sends: 0,
    faults: 0,
    due: null,
    began_seq: 0,
    ended_seq: 0,
    queued_at: null,
    started_at: null,
    ended_at: null,
    output: null,
    error: null,
    metrics: null,
  };
}

export function isTerminal(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** When the run next needs to be looked at though nothing arrives; null when never. */
export function nextDueAt(state: RunState): number | null {
  let next: number | null = null;
  for (const path of state.active) {
    const at = state.nodes.get(path)?.due?.at;
    if (at !== undefined && (next === null || at < next)) next = at;
  }
  return next;
}

/** The state as JSON text, for snapshots; `parseState` reads it back. */
export function serialiseState(state: RunState): string {
  return JSON.stringify({
    ...state,
    nodes: [...state.nodes],
    edges: [...state.edges],
    active: [...state.active],
  });
}

export function parseState(text: string): RunState {
  const stored = JSON.parse(text) as Omit<RunState, "nodes" | "edges" | "active"> & {
    nodes: [string, NodeState][];
    edges: [string, "taken" | "dead"][];
    active: string[];
  };
  return {
    ...stored,
    // A snapshot of an earlier version may lack what was added since.
    nodes: new Map(stored.nodes.map(([path, node]) => [path, { ...newNodeState(), ...node }])),
    edges: new Map(stored.edges),
    active: new Set(stored.active),
  };
}
