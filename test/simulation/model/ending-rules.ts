/** How nodes end: with what they gave or must give, or with a failure that is theirs; and where that leads. */
import type { NodeError } from "#kernel/errors.ts";
import { isEqualJson, type Json } from "#kernel/json.ts";
import { errorAsOutput, isGiven } from "../scenario/given.ts";
import { type AttemptEvent, attemptsMax, isCurrent, isRetryable, mustBeReported } from "./attempt-rules.ts";
import type { NodeModel } from "./node-model.ts";
import { endPart, partIn } from "./part-rules.ts";
import { takeOver } from "./prior-rules.ts";
import { routeAt } from "./reading.ts";
import { endOfPass } from "./routing-model.ts";
import type { Rules } from "./rules.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must } from "./violation.ts";

export const ENDING_RULES: Rules = {
  "node.completed": (run, event) => {
    const output = () => run.valueOf(event.output, event.node, event.visit);
    if (event.reused_from === undefined) completed(run, event);
    else takeOver(run, event, output());
  },
  "node.failed": (run, event) => {
    if (event.reused_from === undefined) failed(run, event);
    else takeOver(run, event, null);
  },
};

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
  const goesOn = run.definition.loops.has(node.id) && endOfPass(output) === "continue";
  const route = goesOn ? { taken: [], dead: [] } : routeAt(run, node, "success", output);
  must(route !== null, "rules", () => `${node.id} completes though a condition behind it cannot be evaluated`);
  // A match that cannot be evaluated takes no signal.
  const taken = event.error === undefined ? node.signal : null;
  must((event.signal ?? null) === taken, "rules", () => `${node.id} takes the signal ${event.signal}`);
  run.signals = run.signals.filter(({ seq }) => seq !== event.signal);
  run.end(node, "completed", event.seq, output);
  if (partIn(node.id) !== null) endPart(node, run.node(partIn(node.id)?.owner ?? ""), event.at, { output });
  else if (goesOn) run.edges.expectPass(node);
  else run.edges.expectRoute(node, route);
}

function failed(run: RunModel, event: EventOf<"node.failed">): void {
  const node = run.node(event.node);
  endsNow(run, node, event);
  const continues = run.definitionOf(node.id).on_error === "continue";
  if (continues) {
    // Then its error object must be what a condition could not be evaluated with.
    must(isUnroutable(run, node, event.error), "rules", () => `${node.id} fails though it continues on error`);
  } else mustBeTheEnd(run, node, event, event.error);
  const route = routeAt(run, node, "failure", errorAsOutput(event.error, node.id));
  const isPart = partIn(node.id) !== null;
  const handled = isPart || (route !== null && route.taken.length > 0);
  must(event.handled === handled, "rules", () => `the failure of ${node.id} is ${event.handled ? "" : "not "}handled`);
  run.end(node, "failed", event.seq);
  node.error = event.error;
  if (isPart) endPart(node, run.node(partIn(node.id)?.owner ?? ""), event.at, { error: event.error });
  else if (handled && route !== null) run.edges.expectRoute(node, route);
  else {
    const failure = { node: node.id, code: event.error.code, message: event.error.message };
    run.failing ??= failure;
    run.unhandled.set(node.id, failure);
  }
}

/** An attempt ends: it must be the current one, and under way. */
function endsNow(run: RunModel, node: NodeModel, event: AttemptEvent): void {
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

/** A failure that ends the node must have been reported or made by the coordinator, and leave no other attempt. */
function mustBeTheEnd(run: RunModel, node: NodeModel, event: AttemptEvent, error: NodeError): void {
  const { expected } = node;
  if (expected !== null) {
    const isRight = expected.ok ? isUnroutableGiven(run, node) : expected.code === error.code;
    must(isRight, "rules", () => `${node.id} fails with ${error.code}, ${expectation(run, node)}`);
    return;
  }
  const unroutable = run
    .reported(node)
    .some((outcome) => outcome.ok && routeAt(run, node, "success", outcome.output) === null);
  if (unroutable && error.code === "expression_failed") return;
  mustBeReported(run, node, event, error, "metrics" in event && event.metrics !== undefined);
  const mayBeTriedAgain = isRetryable(error) && node.attempt < attemptsMax(run, node) && run.failing === null;
  must(!mayBeTriedAgain, "rules", () => `${node.id} gives up after ${error.code} at attempt ${node.attempt}`);
}

function isReportedOutput(run: RunModel, node: NodeModel, output: Json): boolean {
  return run.reported(node).some((outcome) => outcome.ok && isEqualJson(outcome.output, output));
}

function isUnroutableGiven(run: RunModel, node: NodeModel): boolean {
  const { expected } = node;
  return expected?.ok === true && "value" in expected && routeAt(run, node, "success", expected.value) === null;
}

/** A node that continues on error still fails when its edges cannot be decided, with its output or with its error. */
function isUnroutable(run: RunModel, node: NodeModel, error: NodeError): boolean {
  if (error.code !== "expression_failed") return false;
  const made = { code: "", message: "" };
  return routeAt(run, node, "success", errorAsOutput(made, node.id)) === null;
}

function expectation(run: RunModel, node: NodeModel): string {
  const { expected } = node;
  if (expected === null) return `and workers reported ${text(run.reported(node) as unknown as Json)}`;
  return expected.ok && "value" in expected
    ? `and it should give ${text(expected.value)}`
    : `and it should ${text(expected as unknown as Json)}`;
}

function text(value: Json): string {
  const whole = JSON.stringify(value) ?? "nothing";
  return whole.length > 200 ? `${whole.slice(0, 200)}…` : whole;
}
