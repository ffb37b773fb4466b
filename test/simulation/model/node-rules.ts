/** Events of one node: when each may stand in the log, and what it must say. */
import type { NodeError } from "#kernel/errors.ts";
import { isEqualJson, type Json, type JsonObject } from "#kernel/json.ts";
import { kindOf } from "../nodes/registry.ts";
import { errorAsOutput, isGiven, refuses } from "../scenario/given.ts";
import type { NodeModel } from "./node-model.ts";
import { partIn } from "./part-rules.ts";
import { endOfPass } from "./routing-model.ts";
import type { Rules } from "./rules.ts";
import { type EventOf, LATE_MS, type RunModel } from "./run-model.ts";
import { must, Violation } from "./violation.ts";

/** The engine's bounds, written down a second time: a change of one must be meant. */
const DISPATCH_MS = 900_000;
const DISPATCH_DOUBLINGS_MAX = 5;
const GRACE_MS = 10_000;
const TIMEOUT_MS = 30_000;
const FAULTS_MAX = 5;
const RETRY_AFTER_MS_MAX = 3_600_000;
const BACKOFF_MS_MAX = 3_600_000;
const RETRYABLE = new Set(["network", "timeout"]);

type NodeEvent = EventOf<"node.queued" | "node.started" | "node.retrying" | "node.completed" | "node.failed">;

export const NODE_RULES: Rules = {
  "node.queued": queued,
  "node.started": started,
  "node.retrying": retrying,
  "node.completed": completed,
  "node.failed": failed,
  "node.skipped": (run, event) => {
    const node = run.node(event.node);
    must(!run.isTerminal, "2", () => `${node.id} is skipped after the end`);
    must(event.visit === node.visit, "5", () => `${node.id} is skipped in visit ${event.visit}`);
    must(node.status === "pending", "5", () => `${node.id} is skipped though it is ${node.status}`);
    run.mustBePrompt(node, event.at);
    const isUnavailable = event.reason === "unavailable";
    must(
      run.readiness(node) === (isUnavailable ? "ready" : "dead"),
      "5",
      () => `${node.id} is skipped (${event.reason}) though its edges do not say so`,
    );
    const outgoing = [...run.definition.outgoing(node.id)];
    const route = isUnavailable ? run.route(node, "success", null) : { taken: [], dead: outgoing };
    must(route !== null, "rules", () => `${node.id} is passed over though its conditions cannot be evaluated`);
    run.end(node, "skipped", event.seq);
    run.expectRoute(node, route);
  },
  "node.cancelled": (run, event) => {
    const node = run.node(event.node);
    must(node.isActive, "2", () => `${node.id} is cancelled though it is ${node.status}`);
    const isLeftBehind = run.isLeftBehind(node) || partIn(node.id) !== null;
    if (!isLeftBehind && (run.failing === null || node.status === "running")) run.givenUp.push(node.id);
    run.end(node, "cancelled", event.seq);
  },
};

function queued(run: RunModel, event: EventOf<"node.queued">): void {
  const node = run.node(event.node);
  must(kindOf(run.definitionOf(node.id).type).kind === "task", "rules", () => `${node.id} is no task and is queued`);
  if (node.status === "pending" || event.visit !== node.visit) {
    run.begin(node, event);
    must(event.sends === 1 && event.faults === 0, "13", () => `${node.id} begins with ${event.sends} sends`);
    const config = run.renderedConfig(node);
    must(config.ok && "value" in config, "rules", () => `${node.id} is queued though its config cannot be rendered`);
    run.configs.set(`${node.id}/${node.visit}`, config.value as JsonObject);
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

function started(run: RunModel, event: EventOf<"node.started">): void {
  const node = run.node(event.node);
  const { kind } = kindOf(run.definitionOf(node.id).type);
  if (event.worker === "coordinator") {
    if (kind === "task" && node.status === "waiting")
      must(event.attempt === node.attempt + 1, "13", () => `${node.id} starts attempt ${event.attempt}`);
    else run.begin(node, event);
    node.attempt = event.attempt;
    node.expected = kind === "unavailable" ? refuses("expression_failed") : run.execute(node);
    must(node.expected !== null, "rules", () => `${node.id} is done at once though it has something to wait for`);
    if (kind === "unavailable") {
      must(
        run.route(node, "success", null) === null,
        "rules",
        () => `${node.id} is started though its type is not there`,
      );
    }
    if (kind === "task") {
      must(!run.renderedConfig(node).ok, "rules", () => `${node.id} was not queued though its config can be rendered`);
    }
    node.due = null;
  } else {
    must(kind === "task", "rules", () => `${node.id} is started by a worker`);
    must(node.status === "queued", "4", () => `${node.id} is started though it is ${node.status}`);
    isCurrent(node, event);
    node.expected = null;
    node.due = event.due_at === undefined ? null : { why: "execution", atMs: event.due_at };
    const dueAt = event.at + (run.definitionOf(node.id).timeout_ms ?? TIMEOUT_MS) + GRACE_MS;
    must(event.due_at === undefined || event.due_at === dueAt, "11", () => `${node.id} must report by ${event.due_at}`);
  }
  run.setActive(node, "running");
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

function completed(run: RunModel, event: EventOf<"node.completed">): void {
  const node = run.node(event.node);
  endsNow(run, node, event);
  const output = run.valueOf(event.output, node.id, node.visit);
  if (event.error === undefined) {
    const isRight = node.expected === null ? isReportedOutput(run, node, output) : isGiven(node.expected, output);
    must(
      isRight,
      node.expected === null ? "4" : "rules",
      () => `${node.id} completes with ${text(output)}, ${expectation(run, node)}`,
    );
  } else {
    must(run.definitionOf(node.id).on_error === "continue", "rules", () => `${node.id} continues after a failure`);
    mustBeTheEnd(run, node, event, event.error);
    must(
      isEqualJson(output, errorAsOutput(event.error, node.id)),
      "rules",
      () => `${node.id} continues with ${text(output)}`,
    );
  }
  const route = run.route(node, "success", output);
  must(route !== null, "rules", () => `${node.id} completes though a condition behind it cannot be evaluated`);
  must((event.signal ?? null) === node.signal, "rules", () => `${node.id} takes the signal ${event.signal}`);
  run.signals = run.signals.filter(({ seq }) => seq !== event.signal);
  run.end(node, "completed", event.seq, output);
  if (partIn(node.id) !== null) run.endPart(node, event.at, { output });
  else if (run.definition.loops.has(node.id) && endOfPass(output) === "continue") run.expectPass(node);
  else run.expectRoute(node, route);
}

function failed(run: RunModel, event: EventOf<"node.failed">): void {
  const node = run.node(event.node);
  endsNow(run, node, event);
  const continues = run.definitionOf(node.id).on_error === "continue";
  if (continues) {
    // Then its error object must be what a condition could not be evaluated with.
    must(isUnroutable(run, node, event.error), "rules", () => `${node.id} fails though it continues on error`);
  } else mustBeTheEnd(run, node, event, event.error);
  const route = run.route(node, "failure", errorAsOutput(event.error, node.id));
  const isPart = partIn(node.id) !== null;
  const handled = isPart || (route !== null && route.taken.length > 0);
  must(event.handled === handled, "rules", () => `the failure of ${node.id} is ${event.handled ? "" : "not "}handled`);
  run.end(node, "failed", event.seq);
  node.error = event.error;
  if (isPart) run.endPart(node, event.at, { error: event.error });
  else if (handled && route !== null) run.expectRoute(node, route);
  else {
    const failure = { node: node.id, code: event.error.code, message: event.error.message };
    run.failing ??= failure;
    run.unhandled.set(node.id, failure);
  }
}

/** An attempt ends: it must be the current one, and under way. */
function endsNow(run: RunModel, node: NodeModel, event: NodeEvent): void {
  must(!run.isTerminal, "2", () => `${node.id} ends after the run`);
  const isGivenUp =
    isDecidedWait(node) || (node.status === "queued" && "error" in event && event.error?.code === "worker_lost");
  must(node.status === "running" || isGivenUp, "4", () => `${node.id} ends though it is ${node.status}`);
  isCurrent(node, event);
  if (node.wait?.kind === "items") run.mustBePrompt(node, event.at);
}

/** What it waited for has come. */
function isDecidedWait(node: NodeModel): boolean {
  return node.status === "waiting" && node.wait !== null && node.expected !== null;
}

function isCurrent(node: NodeModel, event: { visit: number; attempt: number }): void {
  const isIt = event.visit === node.visit && event.attempt === node.attempt;
  must(isIt, "4", () => `${node.id}: visit ${event.visit}, attempt ${event.attempt} is not the current one`);
}

/** A failure that ends the node must have been reported or made by the coordinator, and leave no other attempt. */
function mustBeTheEnd(run: RunModel, node: NodeModel, event: NodeEvent, error: NodeError): void {
  const { expected } = node;
  if (expected !== null) {
    const isRight = expected.ok ? isUnroutableGiven(run, node) : expected.code === error.code;
    must(isRight, "rules", () => `${node.id} fails with ${error.code}, ${expectation(run, node)}`);
    return;
  }
  const unroutable = run
    .reported(node)
    .some((outcome) => outcome.ok && run.route(node, "success", outcome.output) === null);
  if (unroutable && error.code === "expression_failed") return;
  mustBeReported(run, node, event, error, "metrics" in event && event.metrics !== undefined);
  const mayBeTriedAgain = isRetryable(error) && node.attempt < attemptsMax(run, node) && run.failing === null;
  must(!mayBeTriedAgain, "rules", () => `${node.id} gives up after ${error.code} at attempt ${node.attempt}`);
}

function mustBeReported(run: RunModel, node: NodeModel, event: NodeEvent, error: NodeError, measured: boolean): void {
  if (measured) {
    const isIt = run.reported(node).some((outcome) => !outcome.ok && isEqualJson(asJson(outcome.error), asJson(error)));
    must(isIt, "4", () => `${node.id} ends with ${error.code}, which no worker reported of this attempt`);
    return;
  }
  const { due, sends, faults } = node;
  switch (error.code) {
    case "timeout":
      must(
        due?.why === "execution",
        "11",
        () => `${node.id} times out though nobody has announced that it was started`,
      );
      must(event.at >= due.atMs, "11", () => `${node.id} times out ${due.atMs - event.at} ms early`);
      break;
    case "worker_lost": {
      const isUp = due?.why === "dispatch" && sends > FAULTS_MAX && event.at >= due.atMs;
      must(
        isUp || faults === FAULTS_MAX,
        "13",
        () => `${node.id} is given up after ${sends} sends and ${faults} faults`,
      );
      break;
    }
    default:
      throw new Violation("4", `${node.id} ends with ${error.code}, which nobody reported`);
  }
}

function isReportedOutput(run: RunModel, node: NodeModel, output: Json): boolean {
  return run.reported(node).some((outcome) => outcome.ok && isEqualJson(outcome.output, output));
}

function isUnroutableGiven(run: RunModel, node: NodeModel): boolean {
  const { expected } = node;
  return expected?.ok === true && "value" in expected && run.route(node, "success", expected.value) === null;
}

/** A node that continues on error still fails when its edges cannot be decided, with its output or with its error. */
function isUnroutable(run: RunModel, node: NodeModel, error: NodeError): boolean {
  if (error.code !== "expression_failed") return false;
  const made = { code: "", message: "" };
  return run.route(node, "success", errorAsOutput(made, node.id)) === null;
}

function attemptsMax(run: RunModel, node: NodeModel): number {
  const { type, retry } = run.definitionOf(node.id);
  return retry?.max_attempts ?? (type === "http" ? 3 : 1);
}

function isRetryable(error: NodeError): boolean {
  return error.retryable ?? RETRYABLE.has(error.code);
}

function expectation(run: RunModel, node: NodeModel): string {
  const { expected } = node;
  if (expected === null) return `and workers reported ${text(run.reported(node) as unknown as Json)}`;
  return expected.ok && "value" in expected
    ? `and it should give ${text(expected.value)}`
    : `and it should ${text(expected as unknown as Json)}`;
}

function asJson(error: NodeError): Json {
  return JSON.parse(JSON.stringify(error)) as Json;
}

function text(value: Json): string {
  const whole = JSON.stringify(value) ?? "nothing";
  return whole.length > 200 ? `${whole.slice(0, 200)}…` : whole;
}
