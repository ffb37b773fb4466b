/**
 * The state of a run: what folding its events gives (invariant 10). Plain data and maps, bounded by the size of the
 * graph and not by the length of the history; large values stay outside, under (run, path, visit).
 */
import type { NodeError } from "#kernel/errors.ts";
import type { JsonObject } from "#kernel/json.ts";
import type {
  DecisionName,
  OnTimeout,
  ParentOf,
  PatchProposed,
  ReplayOf,
  RunError,
  StoredValue,
  Timer,
  Wait,
} from "./events.ts";
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
export type DueKind = "dispatch" | "execution" | "retry" | Timer;

export interface VoteState {
  key: string;
  decision: DecisionName;
  comments: string | null;
  link?: string;
  at: number;
}

export interface ApprovalState {
  approval_id: string;
  message: string;
  approvers: string[];
  quorum: number;
  on_timeout: OnTimeout;
  requested_at: number;
  expires_at: number;
  escalate_to: string | null;
  escalation: "pending" | "sent" | "failed" | null;
  votes: VoteState[];
  decision: DecisionName | null;
  expired: boolean;
  decided_at: number | null;
}

/** Where a map stands. Results of its items are kept here, the items' own states only while they run. */
export interface ItemsState {
  /** Items started so far, ended so far, and failed among those. */
  started: number;
  ended: number;
  failed: number;
  /** Bytes of the results, so that a list too large to keep is known before it is whole. */
  bytes: number;
  results: (StoredValue | { error: NodeError } | null)[];
}

export interface SignalState {
  /** The number of the event that it came with. */
  seq: number;
  name: string;
  payload: StoredValue;
}

export const PATCH_STATUSES = ["proposed", "applied", "rejected", "reverted"] as const;

export interface PatchState
  extends Pick<PatchProposed, "patch" | "source" | "by" | "node" | "description" | "operations" | "summary"> {
  status: (typeof PATCH_STATUSES)[number];
  reason: string | null;
  proposed_at: number;
  decided_at: number | null;
  decided_by: string | null;
}

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
  /** This pass was begun by its loop's way back: the loop node's output is the input. */
  again: boolean;
  worker: WorkerName | null;
  /** Times the current attempt was sent, and platform faults of this visit. */
  sends: number;
  faults: number;
  /** Attempts of this visit that found no room to begin: they use up none. */
  postponements: number;
  due: { kind: DueKind; at: number } | null;
  /** Number of the event that began this visit: what ended later is not there for its templates. */
  began_seq: number;
  /** Number of the event that ended it. */
  ended_seq: number;
  queued_at: number | null;
  started_at: number | null;
  ended_at: number | null;
  /** Of the latest visit that completed; still there while the next one is pending. */
  output: StoredValue | null;
  /** The output of the visit before the current one. */
  previous: { output: StoredValue; visit: number; ended_seq: number } | null;
  error: NodeError | null;
  metrics: TaskMetrics | null;
  /** What a waiting node waits for, or waited for last. */
  wait: Wait | null;
  approval: ApprovalState | null;
  items: ItemsState | null;
  /** Takes the place of members of the config for one visit: of a replay. */
  override: JsonObject | null;
}

/** Tokens and money of all attempts; the cost is null once a part of it is not known. */
export interface RunUsage {
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
}

export const NO_USAGE: RunUsage = { input_tokens: 0, cached_tokens: 0, output_tokens: 0, cost_usd: 0 };

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
  /** What its agents have used. */
  usage: RunUsage;
  /** Bytes of values kept beside the log. */
  stored_bytes: number;
  /** Set by the first unhandled failure: nothing new starts, and the run fails when what runs has ended. */
  failing: RunError | null;
  /** Failures that no edge took, by path: a run that was reopened for one of them still fails by the others. */
  unhandled: Map<string, RunError>;
  parent: ParentOf | null;
  depth: number;
  replay_of: ReplayOf | null;
  /** Runs that replay this one. */
  replays: string[];
  /** Passes that loops have begun, by loop node; absent in the first. */
  passes: Map<string, number>;
  /** Signals that no node has taken yet. */
  signals: SignalState[];
  /** Approvals of visits that are over, the latest last. */
  past_approvals: { node: string; approval: ApprovalState }[];
  patches: PatchState[];
  /** Numbers of the patches that hold, in the order they were applied. */
  applied: number[];
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
    again: false,
    worker: null,
    sends: 0,
    faults: 0,
    postponements: 0,
    due: null,
    began_seq: 0,
    ended_seq: 0,
    queued_at: null,
    started_at: null,
    ended_at: null,
    output: null,
    previous: null,
    error: null,
    metrics: null,
    wait: null,
    approval: null,
    items: null,
    override: null,
  };
}

export function isTerminal(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/**
 * When the run next needs to be looked at though nothing arrives; null when never. A paused run begins no retry, and
 * escalates no approval.
 */
export function nextDueAt(state: RunState): number | null {
  let next: number | null = null;
  for (const path of state.active) {
    const { due, approval } = state.nodes.get(path) ?? { due: null, approval: null };
    if (due === null || (state.status === "paused" && due.kind === "retry")) continue;
    const isHeld = state.status === "paused" && due.kind === "escalation";
    const at = isHeld ? (approval?.expires_at ?? due.at) : due.at;
    if (next === null || at < next) next = at;
  }
  return next;
}

const MAPS = ["nodes", "edges", "unhandled", "passes"] as const;

/** The state as JSON text, for snapshots; `parseState` reads it back. */
export function serialiseState(state: RunState): string {
  const maps = Object.fromEntries(MAPS.map((name) => [name, [...state[name]]]));
  return JSON.stringify({ ...state, ...maps, active: [...state.active] });
}

export function parseState(text: string): RunState {
  const stored = JSON.parse(text) as Omit<RunState, (typeof MAPS)[number] | "active"> & {
    nodes: [string, NodeState][];
    edges: [string, "taken" | "dead"][];
    unhandled?: [string, RunError][];
    passes?: [string, number][];
    active: string[];
  };
  return {
    // A snapshot of an earlier version may lack what was added since.
    ...{
      parent: null,
      depth: 0,
      replay_of: null,
      replays: [],
      signals: [],
      past_approvals: [],
      patches: [],
      applied: [],
    },
    ...stored,
    nodes: new Map(stored.nodes.map(([path, node]) => [path, { ...newNodeState(), ...node }])),
    edges: new Map(stored.edges),
    unhandled: new Map(stored.unhandled),
    passes: new Map(stored.passes),
    active: new Set(stored.active),
  };
}
