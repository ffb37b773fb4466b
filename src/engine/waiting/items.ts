/**
 * The `map` node: its items run side by side, at most `concurrency` of them, each as a node run of its own under
 * `<map>[<index>]`. The map ends when all have, or with the first failure unless failures are collected.
 */
import { nodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { ON_ITEM_ERROR } from "#workflow/node-configs.ts";
import { startPart } from "../attempts.ts";
import { emitStarted } from "../beginning.ts";
import { cancelNode, complete, failAttempt } from "../ending.ts";
import { describe } from "../inline/aggregate.ts";
import { OUTPUT_BYTES_MAX } from "../limits.ts";
import { partOf, partPath } from "../path.ts";
import { errorObject } from "../scope.ts";
import type { ItemsState, NodeState } from "../state.ts";
import type { Transition } from "../transition.ts";
import { beginWait, failAtOnce } from "./begin.ts";

export function startItems(transition: Transition, path: string, visit: number, config: JsonObject): void {
  const { items, concurrency, max_items: max, on_item_error: onItemError } = config;
  if (!Array.isArray(items)) {
    const message = `a map needs a list of items, not ${describe(items ?? null)}`;
    failAtOnce(transition, path, visit, nodeError("map_failed", message));
  } else if (items.length > Number(max)) {
    const message = `${items.length} items are more than the ${max} of max_items`;
    failAtOnce(transition, path, visit, nodeError("map_failed", message));
  } else if (items.length === 0) {
    emitStarted(transition, path, visit, 1);
    complete(transition, path, []);
  } else {
    const on_item_error = onItemError as (typeof ON_ITEM_ERROR)[number];
    const wait = { kind: "items" as const, total: items.length, concurrency: Number(concurrency), on_item_error };
    beginWait(transition, path, visit, wait, null);
    transition.visit(path);
  }
}

/** A map that has something to do: an item to start, a failure to fail by, or nothing left to wait for. */
export function canAdvance({ status, wait, items }: NodeState): boolean {
  if (status !== "waiting" || wait?.kind !== "items" || items === null) return false;
  if (items.ended === wait.total || items.bytes > OUTPUT_BYTES_MAX) return true;
  if (items.failed > 0 && wait.on_item_error === "fail") return true;
  return items.started < wait.total && items.started - items.ended < wait.concurrency;
}

/** Starts the next item, or ends the map. */
export function advanceItems(transition: Transition, path: string): void {
  const { wait, items, visit } = transition.nodeState(path);
  if (wait?.kind !== "items" || items === null) return;
  if (items.failed > 0 && wait.on_item_error === "fail") failByItem(transition, path, items);
  else if (items.bytes > OUTPUT_BYTES_MAX) {
    cancelItems(transition, path);
    const message = `the results of the items have more than the ${OUTPUT_BYTES_MAX} bytes that are kept`;
    failAttempt(transition, path, nodeError("output_too_large", message));
  } else if (items.ended === wait.total) complete(transition, path, resultsOf(transition, path, items));
  else {
    startPart(transition, partPath(path, items.started), visit);
    transition.visit(path);
  }
}

function failByItem(transition: Transition, path: string, items: ItemsState): void {
  cancelItems(transition, path);
  const index = items.results.findIndex((result) => result !== null && "error" in result);
  const result = items.results[index];
  const error = result !== null && result !== undefined && "error" in result ? result.error : null;
  const message = `item ${index} failed (${error?.code}): ${error?.message}`;
  failAttempt(transition, path, nodeError("map_failed", message, { details: { index, code: error?.code ?? "" } }));
}

function cancelItems(transition: Transition, path: string): void {
  for (const active of [...transition.state.active]) {
    if (partOf(active)?.owner === path) cancelNode(transition, active);
  }
}

/** The outputs in the order of the items; a failed one is its error object. */
function resultsOf(transition: Transition, path: string, items: ItemsState): Json {
  const { visit } = transition.nodeState(path);
  return items.results.map((result, index) => {
    const item = partPath(path, index);
    if (result === null) return null;
    return "error" in result ? errorObject(result.error, item) : transition.scope.read(result, item, visit);
  });
}
