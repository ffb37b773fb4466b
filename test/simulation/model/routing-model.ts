/** Rules 1 and 2, written a second time: which edges the end of a node takes. Knows nothing of the engine's code. */
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
  const candidates = outgoing.filter((edge) => edge.on === outcome);
  const taken = take(node, candidates, outcome, reading);
  return taken === null ? null : { taken, dead: outgoing.filter((edge) => !taken.includes(edge)) };
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
