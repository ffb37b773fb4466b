/** Events of tasks on their way: handed to a queue, taken up by a worker, tried again. */
import type { JsonObject } from "#kernel/json.ts";
import { kindOf } from "../nodes/registry.ts";
import { attemptsMax, FAULTS_MAX, isCurrent, isRetryable, mustBeReported } from "./attempt-rules.ts";
import type { NodeModel } from "./node-model.ts";
import { escalationOf } from "./part-rules.ts";
import { renderedConfig, shadowOf } from "./reading.ts";
import type { Rules } from "./rules.ts";
import { type EventOf, LATE_MS, type RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

/** The engine's bounds, written down a second time: a change of one must be meant. */
const DISPATCH_MS = 900_000;
const DISPATCH_DOUBLINGS_MAX = 5;
const GRACE_MS = 10_000;
const TIMEOUT_MS = 30_000;
const RETRY_AFTER_MS_MAX = 3_600_000;
const BACKOFF_MS_MAX = 3_600_000;

export const TASK_RULES: Rules = { "node.queued": queued, "node.retrying": retrying };

function queued(run: RunModel, event: EventOf<"node.queued">): void {
  const node = run.node(event.node);
  must(kindOf(run.definitionOf(node.id).type).kind === "task", "rules", () => `${node.id} is no task and is queued`);
  if (node.status === "pending" || event.visit !== node.visit) {
    run.begin(node, event);
    must(event.sends === 1 && event.faults === 0, "13", () => `${node.id} begins with ${event.sends} sends`);
    run.configs.set(`${node.id}/${node.visit}`, configOf(run, node, event.at));
  } else if (node.status === "waiting") nextAttempt(run, node, event);
  else handedOverAgain(run, node, event);
  run.checkVia(node, event.via);
  const dueAt = event.at + DISPATCH_MS * 2 ** Math.min(event.sends - 1, DISPATCH_DOUBLINGS_MAX);
  must(event.due_at === dueAt, "11", () => `${node.id} is due at ${event.due_at}, and it should be at ${dueAt}`);
  node.sends = event.sends;
  node.faults = event.faults;
  node.due = { why: "dispatch", atMs: event.due_at };
  run.setActive(node, "queued");
}

/** The request that is made with it: the same in every attempt. */
function configOf(run: RunModel, node: NodeModel, atMs: number): JsonObject {
  const escalation = escalationOf(run, node.id, atMs);
  if (escalation !== null) return escalation;
  const config = renderedConfig(run, node);
  must(config.ok && "value" in config, "rules", () => `${node.id} is queued though its config cannot be rendered`);
  const isSent = shadowOf(run, node, config.value as JsonObject) === null;
  must(isSent, "effects", () => `${node.id} of the shadow ${run.runId} is sent`);
  return config.value as JsonObject;
}

function nextAttempt(run: RunModel, node: NodeModel, event: EventOf<"node.queued">): void {
  const max = attemptsMax(run, node);
  must(
    run.failing === null && run.status === "running",
    "5",
    () => `${node.id} is tried again in a run that has failed`,
  );
  must(node.due?.why === "retry", "rules", () => `${node.id} is tried again though it waits for something else`);
  must(
    event.at >= (node.due?.atMs ?? 0),
    "11",
    () => `${node.id} is tried again ${(node.due?.atMs ?? 0) - event.at} ms early`,
  );
  must(
    event.at - Math.max(node.due?.atMs ?? 0, run.resumedMs) <= LATE_MS,
    "effects",
    () => `${node.id} is tried again long after its time`,
  );
  must(event.attempt === node.attempt + 1, "13", () => `attempt ${event.attempt} follows ${node.attempt}`);
  must(event.attempt <= max, "13", () => `${node.id} has ${max} attempts, and ${event.attempt} is begun`);
  must(event.sends === 1, "13", () => `attempt ${event.attempt} of ${node.id} begins with ${event.sends} sends`);
  must(event.faults === node.faults, "13", () => `faults of ${node.id} go from ${node.faults} to ${event.faults}`);
  node.attempt = event.attempt;
}

/** The same attempt once more: its time was up, or its message or worker may have been lost with the object. */
function handedOverAgain(run: RunModel, node: NodeModel, event: EventOf<"node.queued">): void {
  const what = () => `${node.id} (${node.status}) is handed over again`;
  must(node.isActive, "4", what);
  must(event.attempt === node.attempt, "13", () => `${what()} as attempt ${event.attempt}`);
  must(event.sends === node.sends + 1, "13", () => `${what()} with ${event.sends} sends after ${node.sends}`);
  const isRunning = node.status === "running";
  if (isRunning) {
    must(event.faults === node.faults + 1, "13", () => `${what()} and no fault is counted`);
    must(event.faults <= FAULTS_MAX, "13", () => `${what()} after ${node.faults} faults`);
    must(run.failing === null, "5", () => `${what()} in a run that has failed`);
  }
  const life = run.surroundings.lifeAt(event.at);
  if (isRunning || event.at < (node.due?.atMs ?? 0)) {
    const mayBeLost = life > node.recoveredInLife && (!isRunning || run.surroundings.local);
    must(mayBeLost, "11", () => `${what()} though it is not due and nothing was lost`);
    // Several lives may have begun in one millisecond: this was in the earliest that it can have been.
    node.recoveredInLife = Math.max(node.recoveredInLife + 1, run.surroundings.lifeAt(event.at - 1));
  } else {
    must(
      run.surroundings.mayBeUnheard(run.taskId(node)),
      "effects",
      () => `${what()} after nothing was heard, and nothing was lost`,
    );
  }
}

export function startedByWorker(run: RunModel, event: EventOf<"node.started">): void {
  const node = run.node(event.node);
  const { kind } = kindOf(run.definitionOf(node.id).type);
  must(kind === "task", "rules", () => `${node.id} is started by a worker`);
  must(node.status === "queued", "4", () => `${node.id} is started though it is ${node.status}`);
  isCurrent(node, event);
  node.expected = null;
  node.due = event.due_at === undefined ? null : { why: "execution", atMs: event.due_at };
  const dueAt = event.at + (run.definitionOf(node.id).timeout_ms ?? TIMEOUT_MS) + GRACE_MS;
  must(event.due_at === undefined || event.due_at === dueAt, "11", () => `${node.id} must report by ${event.due_at}`);
}

function retrying(run: RunModel, event: EventOf<"node.retrying">): void {
  const node = run.node(event.node);
  must(node.status === "running", "4", () => `${node.id} is to be tried again though it is ${node.status}`);
  isCurrent(node, event);
  mustBeReported(run, node, event, event.error, event.metrics !== undefined);
  const max = attemptsMax(run, node);
  must(event.attempt < max, "13", () => `${node.id} has ${max} attempts and waits for another after ${event.attempt}`);
  must(isRetryable(event.error), "rules", () => `${node.id} is tried again after ${event.error.code}`);
  must(run.failing === null, "5", () => `${node.id} is to be tried again in a run that has failed`);
  const {
    backoff_ms: backoff = 1_000,
    backoff_multiplier: multiplier = 2,
    jitter = true,
  } = run.definitionOf(node.id).retry ?? {};
  const longest = Math.floor(Math.min(backoff * multiplier ** (event.attempt - 1), BACKOFF_MS_MAX));
  const asked = Math.min(event.error.retry_after_ms ?? 0, RETRY_AFTER_MS_MAX);
  const delay = event.retry_at - event.at;
  const least = Math.max(asked, jitter ? 0 : longest);
  must(
    delay >= least && delay <= Math.max(asked, longest),
    "11",
    () => `${node.id} is to be tried again after ${delay} ms`,
  );
  node.due = { why: "retry", atMs: event.retry_at };
  node.error = event.error;
  run.setActive(node, "waiting");
}
