/**
 * All decisions about a run: `plan(state, input, context)` gives the events that happen and the effects they ask
 * for. Pure but for one thing: the state it is handed becomes the state it returns, so a caller that must keep the
 * old one copies it first. If it throws, the handed state is spoilt and must be loaded again.
 */
import { invariant, nodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { createState } from "./apply.ts";
import type { RunEvent, RunQueued } from "./events.ts";
import { EXECUTION_GRACE_MS, FAULTS_MAX } from "./limits.ts";
import type { SystemFacts } from "./metrics.ts";
import { renderTask } from "./render-task.ts";
import { INPUTS_PATH, Scope } from "./scope.ts";
import { isTerminal, type NodeState, type RunState } from "./state.ts";
import type { TaskAddress, TaskResult, TaskStart } from "./task.ts";
import { type Effect, type EngineContext, Transition } from "./transition.ts";

export interface RunRequest {
  run_id: string;
  tenant: string;
  workflow: string | null;
  artifact_id: string;
  inputs: Json;
  labels: Record<string, string>;
  priority: number;
  trigger: string;
}

export interface StartContext extends EngineContext {
  system: SystemFacts;
}

export type PlanInput =
  /** A transition was cut by the bound of rule 8; go on. */
  | { type: "continue" }
  | { type: "task_started"; start: TaskStart }
  | { type: "task_ended"; result: TaskResult }
  /** Something may be due by now. */
  | { type: "tick" }
  /** Tasks were committed that no queue may have taken: they are handed over (again). */
  | { type: "tasks_unsent" }
  /** The runtime lost its queues and workers: what was handed to them must be handed over again. */
  | { type: "queues_lost" }
  | { type: "cancel"; reason?: string };

/** What became of the input: taken up, known already, too late to matter, or not taken up by a fault of ours. */
export type Outcome = "accepted" | "duplicate" | "too_late" | "failed";

export interface Plan {
  state: RunState;
  events: RunEvent[];
  effects: Effect[];
  outcome: Outcome;
}

/** Begins a run and carries it as far as it goes without waiting for anything. */
export function planStart(request: RunRequest, context: StartContext): Plan {
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
  for (const entry of context.graph.entries) transition.visit(entry);
  transition.settle();
  return planOf(transition, "accepted");
}

export function plan(state: RunState, input: PlanInput, context: EngineContext): Plan {
  const transition = new Transition(state, context);
  const outcome = decide(transition, input, context);
  return planOf(transition, outcome);
}

function decide(transition: Transition, input: PlanInput, context: EngineContext): Outcome {
  switch (input.type) {
    case "task_started":
      return taskStarted(transition, input.start, context);
    case "task_ended":
      return taskEnded(transition, input.result);
    case "cancel":
      return cancel(transition, input.reason);
    default:
  }
  if (isTerminal(transition.state.status)) return "too_late";
  if (input.type === "tick") tick(transition, context.nowMs);
  else if (input.type !== "continue") resendTasks(transition, input.type === "queues_lost");
  // Whatever set this off, a transition that was cut before a crash goes on from here.
  transition.visitAll();
  transition.settle();
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
  const { outcome, metrics, path } = result;
  if (outcome.ok) transition.complete(path, outcome.output, { metrics });
  else transition.failAttempt(path, outcome.error, metrics);
  transition.settle();
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
  const compiled = context.graph.nodes.get(address.path);
  invariant(compiled !== undefined, `node ${address.path} is in the graph`);
  const scope = new Scope(state, context.graph, context.readStored);
  const task = renderTask(state, compiled, scope, { visit: address.visit, attempt: address.attempt });
  // It was rendered when it was queued, from the same state.
  invariant(task.ok, `the config of ${address.path} can be rendered again`);
  return task.value.config;
}

function tick(transition: Transition, nowMs: number): void {
  for (const path of [...transition.state.active]) {
    const node = transition.nodeState(path);
    // An earlier one of this loop may have failed the run and cancelled this.
    if (node.due === null || node.due.at > nowMs || !transition.state.active.has(path)) continue;
    switch (node.due.kind) {
      case "retry":
        transition.queueAttempt(path, node.visit, node.attempt + 1, { sends: 1, faults: node.faults });
        break;
      case "dispatch":
        if (node.sends > FAULTS_MAX) {
          const message = `sent ${node.sends} times and nothing was heard of it`;
          transition.failAttempt(path, nodeError("worker_lost", message));
        } else transition.resend(path, false);
        break;
      case "execution":
        transition.failAttempt(path, nodeError("timeout", "the worker did not report back in time"));
        break;
    }
  }
}

/** `executing`: whoever was executing a task is gone too, which is a fault of the platform and not of the attempt. */
function resendTasks(transition: Transition, executing: boolean): void {
  for (const path of [...transition.state.active]) {
    const node = transition.nodeState(path);
    if (!transition.state.active.has(path)) continue;
    if (node.due?.kind === "dispatch") transition.resend(path, false);
    else if (node.due?.kind === "execution" && executing) {
      // Rule 6: a run that is failing starts nothing, not even again.
      if (transition.state.failing === null) transition.resend(path, true);
      else transition.cancelNode(path);
    }
  }
}

function cancel(transition: Transition, reason: string | undefined): Outcome {
  if (isTerminal(transition.state.status)) return "too_late";
  for (const path of [...transition.state.active]) transition.cancelNode(path);
  transition.emit({ type: "run.cancelled", ...(reason === undefined ? {} : { reason }) });
  return "accepted";
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
  return { state: transition.state, events: transition.events, effects: transition.effects, outcome };
}
