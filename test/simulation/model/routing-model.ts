/** Rules 1 and 2, written a second time: which edges the end of a node takes. Knows nothing of the engine's code. */

import { isJsonObject, type Json } from "#kernel/json.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import { type Reading, read } from "../scenario/expressions.ts";
import type { ModelEdge } from "./definition-model.ts";

export type Route = { taken: ModelEdge[]; dead: ModelEdge[] };

/** Null: a condition could not be evaluated, which fails the node. */
export function routeOf(
  node: NodeDefinition,
  outgoing: readonly ModelEdge[],
  outcome: "success" | "failure",
  reading: Reading,
): Route | null {
  const all = outgoing.filter((edge) => edge.on === outcome);
  const candidates = node.type === "loop" && outcome === "success" ? waysOut(all, reading.output) : all;
  const taken = take(node, candidates, outcome, reading);
  return taken === null ? null : { taken, dead: outgoing.filter((edge) => !taken.includes(edge)) };
}

/** How a loop node's output says that the pass ended. */
export function endOfPass(output: Json): "continue" | "break" | "exhausted" {
  const { loop } = isJsonObject(output) ? output : { loop: null };
  const outcome = isJsonObject(loop ?? null) ? (loop as { outcome?: unknown }).outcome : null;
  return outcome === "continue" || outcome === "exhausted" ? outcome : "break";
}

/** A loop's ways out by how it ended; plain edges where it names none for that. */
function waysOut(edges: readonly ModelEdge[], output: Json): ModelEdge[] {
  const named = edges.filter((edge) => edge.exits.includes(endOfPass(output) === "exhausted" ? "timeout" : "break"));
  return named.length > 0 ? named : edges.filter((edge) => edge.exits.includes("plain"));
}

/** Whether an edge that was added to a node which has ended is taken: by what it says itself. */
export function judgedAlone(
  node: NodeDefinition,
  edge: ModelEdge,
  all: readonly ModelEdge[],
  outcome: "success" | "failure",
  reading: Reading,
): boolean | null {
  const ways = all.filter((other) => other.on === outcome);
  const candidates = node.type === "loop" && outcome === "success" ? waysOut(ways, reading.output) : ways;
  if (!candidates.includes(edge)) return false;
  const own = node.config?.condition;
  if (outcome === "success" && node.type === "conditional" && typeof own === "string") {
    const held = holds(own, reading);
    return held === null ? null : edge.branch === (held ? "if" : "else");
  }
  return edge.condition === undefined ? true : holds(edge.condition, reading);
}

function take(
  node: NodeDefinition,
  candidates: readonly ModelEdge[],
  outcome: "success" | "failure",
  reading: Reading,
): ModelEdge[] | null {
  const own = node.config?.condition;
  if (outcome === "success" && node.type === "conditional" && typeof own === "string") {
    const held = holds(own, reading);
    return held === null ? null : candidates.filter((edge) => edge.branch === (held ? "if" : "else"));
  }
  const defaults = candidates.filter((edge) => edge.condition === undefined);
  const conditioned = candidates.filter((edge) => edge.condition !== undefined);
  if (outcome === "success" && node.type === "parallel") {
    const judged = conditioned.map((edge) => holds(edge.condition ?? "", reading));
    if (judged.includes(null)) return null;
    return [...defaults, ...conditioned.filter((_, index) => judged[index] === true)];
  }
  for (const edge of conditioned) {
    const held = holds(edge.condition ?? "", reading);
    if (held === null) return null;
    if (held) return conditioned.filter((other) => other.condition === edge.condition);
  }
  return defaults;
}

/** A missing field does not hold; null for any other failure, and for what is neither true nor false. */
function holds(condition: string, reading: Reading): boolean | null {
  const given = read(condition, reading);
  if (given === "missing") return false;
  return given.ok && "value" in given && typeof given.value === "boolean" ? given.value : null;
}
