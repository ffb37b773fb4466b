/** Events of nodes that are passed over, begin at once or are given up: when each may stand in the log. */
import type { JsonObject } from "#kernel/json.ts";
import { kindOf } from "../nodes/registry.ts";
import { refuses } from "../scenario/given.ts";
import { partIn } from "./part-rules.ts";
import { takeOver } from "./prior-rules.ts";
import { execute, renderedConfig, routeAt, shadowOf } from "./reading.ts";
import type { Rules } from "./rules.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { startedByWorker } from "./task-rules.ts";
import { must } from "./violation.ts";

export const NODE_RULES: Rules = {
  "node.started": (run, event) => {
    const node = run.node(event.node);
    if (event.worker === "coordinator") startedAtOnce(run, event);
    else startedByWorker(run, event);
    run.setActive(node, "running");
  },
  "node.skipped": skipped,
  "node.cancelled": (run, event) => {
    const node = run.node(event.node);
    must(node.isActive, "2", () => `${node.id} is cancelled though it is ${node.status}`);
    const isLeftBehind = run.edges.isLeftBehind(node) || partIn(node.id) !== null;
    if (!isLeftBehind && (run.failing === null || node.status === "running")) run.givenUp.push(node.id);
    run.end(node, "cancelled", event.seq);
  },
};

function skipped(run: RunModel, event: EventOf<"node.skipped">): void {
  if (event.reused_from !== undefined) {
    takeOver(run, event, null);
    return;
  }
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
  const route = isUnavailable ? routeAt(run, node, "success", null) : { taken: [], dead: outgoing };
  must(route !== null, "rules", () => `${node.id} is passed over though its conditions cannot be evaluated`);
  run.end(node, "skipped", event.seq);
  run.edges.expectRoute(node, route);
}

/** The coordinator itself does it, in the same transition. */
function startedAtOnce(run: RunModel, event: EventOf<"node.started">): void {
  const node = run.node(event.node);
  const { kind } = kindOf(run.definitionOf(node.id).type);
  if (kind === "task" && node.status === "waiting")
    must(event.attempt === node.attempt + 1, "13", () => `${node.id} starts attempt ${event.attempt}`);
  else run.begin(node, event);
  node.attempt = event.attempt;
  node.expected = kind === "unavailable" ? refuses("expression_failed") : execute(run, node);
  must(node.expected !== null, "rules", () => `${node.id} is done at once though it has something to wait for`);
  if (kind === "unavailable") {
    must(
      routeAt(run, node, "success", null) === null,
      "rules",
      () => `${node.id} is started though its type is not there`,
    );
  }
  if (kind === "task") {
    const config = renderedConfig(run, node);
    const isWhole = config.ok && "value" in config && shadowOf(run, node, config.value as JsonObject) === null;
    must(!isWhole, "rules", () => `${node.id} was not queued though its config can be rendered`);
  }
  node.due = null;
}
