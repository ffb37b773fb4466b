/** A run as people see it: what the state amounts to, in the API's words. Reads; never decides. */
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import type { ReplayOf, RunError, StoredValue } from "./events.ts";
import { OUTPUT_INLINE_BYTES } from "./limits.ts";
import { metricsOf, type NodeMetricsView } from "./metrics-view.ts";
import { type ReadStored, Scope } from "./scope.ts";
import {
  isTerminal,
  NODE_STATUSES,
  type NodeState,
  type NodeStatus,
  type RunState,
  type RunStatus,
  type RunUsage,
} from "./state.ts";

export interface RunView {
  run_id: string;
  status: RunStatus;
  generation: number;
  waiting_for?: { node: string; kind: string; until: string | null }[];
  workflow: string | null;
  artifact_id: string;
  patch_seq: number;
  trigger: string;
  labels: Record<string, string>;
  priority: number;
  inputs: Json;
  outputs?: JsonObject;
  /** Outputs left out here because all together would be too large: their bytes by node id. */
  outputs_omitted?: Record<string, number>;
  error?: RunError;
  submitted_at: string;
  started_at: string | null;
  ended_at: string | null;
  duration_ms: number | null;
  active_tokens: number;
  /** The run and node that started it, when a run did. */
  parent?: { run_id: string; node: string };
  /** The run that it replays, and how. */
  replay_of?: ReplayOf;
  /** Runs that replay it. */
  replays?: string[];
  usage: RunUsage;
  node_counts: Record<NodeStatus, number>;
}

export interface NodeExecution {
  type: string;
  status: NodeStatus;
  iteration: number;
  visit: number;
  attempt: number;
  input: Json;
  output: Json;
  /** Set when the output is left out here because of its size. */
  output_bytes?: number;
  error?: NodeError;
  /** The run that a workflow node started. */
  child_run_id?: string;
  /** How far a map has come. */
  items?: { total: number; started: number; ended: number; failed: number };
  started_at: string | null;
  completed_at: string | null;
  metrics: NodeMetricsView | null;
}

/** `waiting` refines `running`: nothing executes and at least one node waits for something. */
export function visibleStatus(state: RunState): RunStatus {
  if (state.status !== "running" || state.active.size === 0) return state.status;
  for (const path of state.active) if (state.nodes.get(path)?.status !== "waiting") return "running";
  return "waiting";
}

export function runView(state: RunState, graph: CompiledGraph, readStored: ReadStored): RunView {
  const scope = new Scope(state, graph, readStored);
  const status = visibleStatus(state);
  const waiting = [...state.active].flatMap((path) => waitOf(path, state.nodes.get(path)));
  return {
    run_id: state.run_id,
    status,
    generation: state.generation,
    ...(status === "waiting" ? { waiting_for: waiting } : {}),
    workflow: state.workflow,
    artifact_id: state.artifact_id,
    patch_seq: state.patch_seq,
    trigger: state.trigger,
    labels: state.labels,
    priority: state.priority,
    inputs: scope.inputs,
    ...(state.status === "completed" ? outputsOf(state, graph, scope) : {}),
    ...(state.error === null ? {} : { error: state.error }),
    submitted_at: rfc3339(state.submitted_at),
    started_at: rfc3339OrNull(state.started_at),
    ended_at: rfc3339OrNull(state.ended_at),
    duration_ms: state.ended_at === null ? null : state.ended_at - state.submitted_at,
    ...(state.parent === null ? {} : { parent: { run_id: state.parent.run_id, node: state.parent.path } }),
    ...(state.replay_of === null ? {} : { replay_of: state.replay_of }),
    ...(state.replays.length === 0 ? {} : { replays: state.replays }),
    active_tokens: isTerminal(state.status) ? 0 : state.active.size,
    usage: state.usage,
    node_counts: countNodes(state, graph),
  };
}

/**
 * Values of one answer together. An answer crosses from the object to the Worker, where 32 MiB are the bound; text
 * beyond Latin takes twice its length there.
 */
export const VIEW_BYTES_MAX = 12 * 1_048_576;

/** Rule 7: the outputs of the completed terminal nodes, by node id. */
function outputsOf(
  state: RunState,
  graph: CompiledGraph,
  scope: Scope,
): { outputs: JsonObject; outputs_omitted?: Record<string, number> } {
  const outputs: JsonObject = {};
  const omitted: Record<string, number> = {};
  let bytes = 0;
  for (const id of graph.terminals) {
    const node = state.nodes.get(id);
    if (node?.status !== "completed") continue;
    const size = bytesOf(node);
    if (bytes + size > VIEW_BYTES_MAX) omitted[id] = size;
    else {
      bytes += size;
      outputs[id] = scope.output(id);
    }
  }
  return Object.keys(omitted).length === 0 ? { outputs } : { outputs, outputs_omitted: omitted };
}

/** Bytes of a node's output; the bound of those in the log stands for each of them. */
function bytesOf(node: NodeState | undefined): number {
  return node === undefined || node.output === null ? 0 : sizeOf(node.output);
}

function sizeOf(value: StoredValue): number {
  return "stored_bytes" in value ? value.stored_bytes : OUTPUT_INLINE_BYTES;
}

function waitOf(path: string, node: NodeState | undefined): { node: string; kind: string; until: string | null }[] {
  if (node === undefined || node.status !== "waiting") return [];
  const { due, wait, approval } = node;
  if (due?.kind === "retry" || wait === null) return [{ node: path, kind: "retry", until: rfc3339OrNull(due?.at) }];
  const until = wait.kind === "approval" ? approval?.expires_at : due?.kind === "child_look" ? null : due?.at;
  return [{ node: path, kind: wait.kind, until: rfc3339OrNull(until) }];
}

function countNodes(state: RunState, graph: CompiledGraph): Record<NodeStatus, number> {
  const counts = Object.fromEntries(NODE_STATUSES.map((status) => [status, 0])) as Record<NodeStatus, number>;
  for (const id of graph.nodes.keys()) counts[state.nodes.get(id)?.status ?? "pending"] += 1;
  return counts;
}

/** Values above this are left out of the details of a run; what does not fit into an answer neither. */
export const DETAIL_VALUE_BYTES_MAX = 524_288;

/** Every node of the graph with its latest visit. */
export function nodeExecutions(
  state: RunState,
  graph: CompiledGraph,
  readStored: ReadStored,
): Record<string, NodeExecution> {
  const scope = new Scope(state, graph, readStored);
  const executions: Record<string, NodeExecution> = {};
  let bytes = 0;
  const fits = (size: number): boolean => {
    if (size > DETAIL_VALUE_BYTES_MAX || bytes + size > VIEW_BYTES_MAX) return false;
    bytes += size;
    return true;
  };
  for (const [id, compiled] of graph.nodes) {
    const run = state.nodes.get(id);
    const size = bytesOf(run);
    const isShown = fits(size);
    const inputSize =
      compiled.incoming.length === 0
        ? sizeOf(state.inputs)
        : compiled.incoming.reduce((sum, edge) => sum + bytesOf(state.nodes.get(edge.from)), 0);
    const inputIsShown = run !== undefined && run.visit > 0 && fits(inputSize);
    executions[id] = {
      type: compiled.type.type,
      status: run?.status ?? "pending",
      iteration: run?.iteration ?? 0,
      visit: run?.visit ?? 0,
      attempt: run?.attempt ?? 0,
      input: inputIsShown ? scope.input(compiled) : null,
      output: isShown ? scope.output(id) : null,
      ...(isShown ? {} : { output_bytes: size }),
      ...(run === undefined || run.error === null ? {} : { error: run.error }),
      ...waitedFor(run),
      started_at: rfc3339OrNull(run?.metrics?.start_time ?? run?.started_at),
      completed_at: rfc3339OrNull(run?.ended_at),
      metrics: run === undefined ? null : metricsOf(run, state.system),
    };
  }
  return executions;
}

function waitedFor(node: NodeState | undefined): Pick<NodeExecution, "child_run_id" | "items"> {
  if (node?.wait?.kind === "child") return { child_run_id: node.wait.run_id };
  if (node?.wait?.kind !== "items" || node.items === null) return {};
  const { started, ended, failed } = node.items;
  return { items: { total: node.wait.total, started, ended, failed } };
}
