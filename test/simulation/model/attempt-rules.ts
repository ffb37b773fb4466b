/** Attempts: which is the current one, who may say how it ended, and whether another may follow. */
import type { NodeError } from "#kernel/errors.ts";
import { isEqualJson, type Json } from "#kernel/json.ts";
import type { NodeModel } from "./node-model.ts";
import type { EventOf, RunModel } from "./run-model.ts";
import { must, Violation } from "./violation.ts";

export const FAULTS_MAX = 5;
const RETRYABLE = new Set(["network", "timeout"]);

export type AttemptEvent = EventOf<"node.queued" | "node.started" | "node.retrying" | "node.completed" | "node.failed">;

export function isCurrent(node: NodeModel, event: { visit: number; attempt: number }): void {
  const isIt = event.visit === node.visit && event.attempt === node.attempt;
  must(isIt, "4", () => `${node.id}: visit ${event.visit}, attempt ${event.attempt} is not the current one`);
}

export function mustBeReported(
  run: RunModel,
  node: NodeModel,
  event: AttemptEvent,
  error: NodeError,
  measured: boolean,
): void {
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

export function attemptsMax(run: RunModel, node: NodeModel): number {
  const { type, retry } = run.definitionOf(node.id);
  return retry?.max_attempts ?? (type === "http" ? 3 : 1);
}

export function isRetryable(error: NodeError): boolean {
  return error.retryable ?? RETRYABLE.has(error.code);
}

function asJson(error: NodeError): Json {
  return JSON.parse(JSON.stringify(error)) as Json;
}
