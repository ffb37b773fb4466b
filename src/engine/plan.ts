/**
 * All decisions about a run: `plan(state, input, context)` gives the events that happen and the effects they ask
 * for. Pure but for one thing: the state it is handed becomes the state it returns, so a caller that must keep the
 * old one copies it first. If it throws, the handed state is spoilt and must be loaded again.
 */
import { invariant } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";
import { takeAgentPatches } from "./agent-patches.ts";
import { createState } from "./apply.ts";
import { childOutcome } from "./child-outcome.ts";
import { type Decided, DONE, type Refusal, type RunCommand } from "./commands/command.ts";
import { decide as decideApproval } from "./commands/decide.ts";
import { cancel, pause, resume } from "./commands/flow.ts";
import { decidePatch, patch, revertPatch } from "./commands/patch.ts";
import { replayNode } from "./commands/replay-node.ts";
import { signal } from "./commands/signal.ts";
import { complete, failAttempt } from "./ending.ts";
import type { ParentOf, ReplayOf, RunEvent, RunQueued } from "./events.ts";
import { EXECUTION_GRACE_MS, PATCHES_PER_RESULT_MAX, WARNING_LENGTH_MAX, WARNINGS_PER_RESULT_MAX } from "./limits.ts";
import type { SystemFacts } from "./metrics.ts";
import { type PriorResults, takeOver } from "./prior-results.ts";
import { renderTask } from "./render-task.ts";
import { INPUTS_PATH } from "./scope.ts";
import { isTerminal, type NodeState, type RunState } from "./state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "./task.ts";
import { childrenLeftBehind, resendTasks, tick } from "./time.ts";
import { type Effect, type EngineContext, Transition } from "./transition.ts";
import { type ChildEnd, takeChildEnd } from "./waiting/child.ts";
import { settle } from "./walk.ts";

export interface RunRequest {
  run_id: string;
  tenant: string;
  workflow: string | null;
  artifact_id: string;
  inputs: Json;
  labels: Record<string, string>;
  priority: number;
  trigger: string;
  parent?: ParentOf;
  depth?: number;
  replay_of?: ReplayOf;
  traceparent?: string;
}

export interface StartContext extends EngineContext {
  system: SystemFacts;
}

export type PlanInput =
  /** A transition was cut by the bound of rule 8; go on. */
  | { type: "continue" }
  | { type: "task_started"; start: TaskStart }
  | { type: "task_ended"; result: TaskResult }
  | ({ type: "child_ended" } & ChildEnd)
  /** Something may be due by now. */
  | { type: "tick" }
  /** Tasks were committed that no queue may have taken: they are handed over (again). */
  | { type: "tasks_unsent" }
  /** The runtime lost its queues and workers: what was handed to them must be handed over again. */
  | { type: "queues_lost" }
  | RunCommand;

/** What became of the input: taken up, known already, too late to matter, refused, or not taken up by a fault of ours. */
export type Outcome = "accepted" | "duplicate" | "too_late" | "refused" | "failed";

export interface Plan {
  state: RunState;
  events: RunEvent[];
  effects: Effect[];
  outcome: Outcome;
  /** The graph that the run has now, when a patch has changed it. */
  graph?: CompiledGraph;
  /** What a command gives back. */
  value?: Json;
  /** Why a command was refused. */
  refusal?: Refusal;
}

/** Begins a run and carries it as far as it goes without waiting for anything; `prior`: results that it need not find. */
export function planStart(request: RunRequest, context: StartContext, prior?: PriorResults): Plan {
  const { inputs, ...rest } = request;
  const queued: RunQueued = { type: "run.queued", seq: 1, at: context.nowMs, ...rest, inputs: { value: null } };
  const transition = new Transition(createState(queued), context);
  const stored = transition.values.keep(INPUTS_PATH, 0, inputs);
  invariant(stored.ok, "inputs are bounded by the size of a request");
  queued.inputs = stored.value.stored;
  transition.state.inputs = stored.value.stored;
  if ("stored_bytes" in stored.value.stored) transition.state.stored_bytes = stored.value.stored.stored_bytes;
  transition.effects.push(...stored.value.effects);
  transition.events.push(queued);
  transition.emit({ type: "run.started", system: context.system });
  if (prior !== undefined) takeOver(transition, prior);
  for (const entry of context.graph.entries) transition.visit(entry);
  settle(transition);
  return planOf(transition, "accepted");
}

export function plan(state: RunState, input: PlanInput, context: EngineContext): Plan {
  const transition = new Transition(state, context);
  const decided = take(transition, input, context);
  const changed = transition.graph === context.graph ? {} : { graph: transition.graph };
  if (typeof decided === "string") return { ...planOf(transition, decided), ...changed };
  if (!decided.ok) return { ...planOf(transition, "refused"), refusal: decided.error };
  // What a command has set free starts in the same transition.
  if (!isTerminal(state.status)) {
    transition.visitAll();
    settle(transition);
  }
  return { ...planOf(transition, "accepted"), value: decided.value, ...changed };
}

function take(transition: Transition, input: PlanInput, context: EngineContext): Outcome | Decided {
  switch (input.type) {
    case "task_started":
      return taskStarted(transition, input.start, context);
    case "task_ended":
      return taskEnded(transition, input.result);
    case "child_ended":
      return childEnded(transition, input);
    case "continue":
    case "tick":
    case "tasks_unsent":
    case "queues_lost":
      return goOn(transition, input.type);
    default:
      return command(transition, input);
  }
}

function command(transition: Transition, input: RunCommand): Decided {
  switch (input.type) {
    case "cancel":
      return cancel(transition, input.reason);
    case "pause":
      return pause(transition, input.reason);
    case "resume":
      return resume(transition);
    case "signal":
      return signal(transition, input);
    case "decide":
      return decideApproval(transition, input);
    case "patch":
      return patch(transition, input);
    case "revert_patch":
      return revertPatch(transition, input);
    case "decide_patch":
      return decidePatch(transition, input);
    case "replay_node":
      return replayNode(transition, input);
    case "replayed_as": {
      const { by, run_id, mode, from } = input;
      transition.emit({ type: "replay.requested", by, run_id, mode, ...(from === null ? {} : { node: from }) });
      return DONE;
    }
  }
}

function goOn(transition: Transition, type: "continue" | "tick" | "tasks_unsent" | "queues_lost"): Outcome {
  if (isTerminal(transition.state.status)) {
    childrenLeftBehind(transition);
    return "too_late";
  }
  if (type === "tick") tick(transition);
  else if (type !== "continue") resendTasks(transition, type === "queues_lost");
  // Whatever set this off, a transition that was cut before a crash goes on from here.
  transition.visitAll();
  settle(transition);
  return "accepted";
}

/** A worker says that it holds the task. `too_late`: it should drop it. */
function taskStarted(transition: Transition, start: TaskStart, context: EngineContext): Outcome {
  const node = currentAttempt(transition, start);
  if (node === null) return "too_late";
  // Announced twice: the message was delivered twice. The first result will win (invariant 4).
  if (node.status === "running") return "duplicate";
  if (node.status !== "queued") return "too_late";
  const { timeoutMs } = transition.node(start.path);
  transition.emit({
    type: "node.started",
    ...identity(start, node),
    worker: start.worker,
    due_at: context.nowMs + timeoutMs + EXECUTION_GRACE_MS,
  });
  return "accepted";
}

/** The first result of the current attempt wins; every other changes nothing (invariant 4). */
function taskEnded(transition: Transition, result: TaskResult): Outcome {
  const node = currentAttempt(transition, result);
  if (node === null) return "duplicate";
  if (node.status === "cancelled") return recordLate(transition, result, node);
  if (node.status !== "queued" && node.status !== "running") return "duplicate";
  if (node.status === "queued") {
    transition.emit({ type: "node.started", ...identity(result, node), worker: result.metrics.worker });
  }
  const { outcome, metrics, path, warnings = [] } = result;
  for (const message of warnings.slice(0, WARNINGS_PER_RESULT_MAX)) {
    const text = message.slice(0, WARNING_LENGTH_MAX);
    transition.emit({ type: "warning", code: "budget_warning", message: text, node: path });
  }
  if (outcome.ok && outcome.patches !== undefined) {
    takeAgentPatches(transition, path, outcome.patches.slice(0, PATCHES_PER_RESULT_MAX));
  }
  if (outcome.ok) complete(transition, path, outcome.output, { metrics });
  else failAttempt(transition, path, outcome.error, metrics);
  settle(transition);
  return "accepted";
}

function childEnded(transition: Transition, end: ChildEnd): Outcome {
  if (!takeChildEnd(transition, end)) return "duplicate";
  settle(transition);
  return "accepted";
}

/** What was under way when its node was cancelled did happen: it is recorded once and leads nowhere. */
function recordLate(transition: Transition, result: TaskResult, node: NodeState): Outcome {
  if (node.metrics !== null) return "duplicate";
  transition.emit({
    type: "warning",
    code: "late_result",
    message: `the result of "${result.path}" came after it was cancelled (${result.outcome.ok ? "completed" : result.outcome.error.code})`,
    node: result.path,
    metrics: result.metrics,
  });
  return "too_late";
}

/**
 * The config of a task whose message was too small to carry it; null when nobody waits for the task any more.
 */
export function planTaskConfig(state: RunState, address: TaskAddress, context: EngineContext): JsonObject | null {
  const node = state.nodes.get(address.path);
  if (node === undefined || node.visit !== address.visit || node.attempt !== address.attempt) return null;
  if (node.status !== "queued" && node.status !== "running") return null;
  const transition = new Transition(state, context);
  const compiled = transition.node(address.path);
  const task = renderTask(state, compiled, transition.scope, { visit: address.visit, attempt: address.attempt });
  // It was rendered when it was queued, from the same state.
  invariant(task.ok, `the config of ${address.path} can be rendered again`);
  return task.value.config;
}

/** The node's state when `address` names its current attempt. */
function currentAttempt(transition: Transition, address: TaskAddress): NodeState | null {
  const node = transition.state.nodes.get(address.path);
  if (node === undefined || node.visit !== address.visit || node.attempt !== address.attempt) return null;
  return node;
}

function identity(address: TaskAddress, node: NodeState) {
  return { node: address.path, visit: address.visit, iteration: node.iteration, attempt: address.attempt };
}

function planOf(transition: Transition, outcome: Outcome): Plan {
  const { state, events, effects, graph, scope } = transition;
  const hasEnded = isTerminal(state.status) && events.some((event) => ENDS.has(event.type));
  if (hasEnded && state.parent !== null) {
    const told = childOutcome(state, graph, scope);
    effects.push({ type: "tell_parent", parent: state.parent, child: state.run_id, outcome: told });
  }
  return { state, events, effects, outcome };
}

const ENDS: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.cancelled"]);
