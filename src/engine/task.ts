/**
 * Tasks: one attempt of a task node, handed to a worker through a queue, and what comes back. `task_id` names the
 * attempt, `idempotencyKey` the visit: the same for every attempt of it, so that an effect asked for twice is known.
 */
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { DISPATCH_DEADLINE_MS, DISPATCH_DOUBLINGS_MAX } from "./limits.ts";
import type { TaskMetrics, WorkerName } from "./metrics.ts";

export interface TaskAddress {
  run_id: string;
  path: string;
  visit: number;
  attempt: number;
}

export interface Task extends TaskAddress {
  task_id: string;
  tenant: string;
  queue: "http" | "agent";
  workflow: string | null;
  /** The node's config with its templates rendered. */
  config: JsonObject;
  timeout_ms: number;
}

/** A change of its own run that an agent asks for; a failed attempt asks for none. */
export interface AgentPatch {
  operations: Json[];
  description: string | null;
  /** Why the agent's runner has refused it already. */
  rejected?: string;
}

export type TaskOutcome = { ok: true; output: Json; patches?: AgentPatch[] } | { ok: false; error: NodeError };

export interface TaskResult extends TaskAddress {
  outcome: TaskOutcome;
  metrics: TaskMetrics;
  /** What the run's reader should know of it, such as a budget that is nearly used up. */
  warnings?: string[];
}

export interface TaskStart extends TaskAddress {
  worker: WorkerName;
}

export function taskId(task: TaskAddress): string {
  return `${task.run_id}/${task.path}/${task.visit}/${task.attempt}`;
}

export function idempotencyKey(task: TaskAddress): string {
  return `${task.run_id}/${task.path}/${task.visit}`;
}

/** How long a task that was sent for the nth time may go unheard. An object that is lost often sends often. */
export function dispatchDeadlineMs(sends: number): number {
  return DISPATCH_DEADLINE_MS * 2 ** Math.min(sends - 1, DISPATCH_DOUBLINGS_MAX);
}
