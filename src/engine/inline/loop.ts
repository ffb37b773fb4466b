/** The `loop` node at the end of a pass: goes on, breaks or is exhausted, and says so in its output (rule 5). */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import { isJsonObject, type Json, ownValue } from "#kernel/json.ts";
import type { CompiledNode } from "#workflow/graph.ts";
import { describe } from "./aggregate.ts";
import type { InlineContext } from "./context.ts";

export const LOOP_OUTCOMES = ["continue", "break", "exhausted"] as const;
export type LoopOutcome = (typeof LOOP_OUTCOMES)[number];

/** Its input plus `loop: { iteration, outcome }`; an input that is no object stands under `value`. */
export function endPass(node: CompiledNode, input: Json, context: InlineContext): Result<Json, NodeError> {
  const iteration = context.scope.iteration(node.id);
  const outcome = outcomeOf(node, input, iteration, context);
  if (!outcome.ok) return outcome;
  return ok({ ...(isJsonObject(input) ? input : { value: input }), loop: { iteration, outcome: outcome.value } });
}

function outcomeOf(
  node: CompiledNode,
  input: Json,
  iteration: number,
  context: InlineContext,
): Result<LoopOutcome, NodeError> {
  const condition = node.programs.get("condition");
  const passes = iteration + 1;
  const isLast = passes >= (node.loop?.maxIterations ?? 0);
  if (condition !== undefined) {
    const held = condition.evaluate(context.scope.variables(condition, { path: node.id, output: input }));
    // As on an edge: a condition that reads a missing field does not hold.
    if (!held.ok && held.error.details?.missing !== true) return held;
    if (!held.ok) context.missing(condition.source);
    const value = held.ok ? held.value : false;
    if (typeof value !== "boolean") {
      return fail(nodeError("expression_failed", `the condition gives ${describe(value)}, not true or false`));
    }
    if (!value) return ok("break");
  }
  return ok(isLast ? "exhausted" : "continue");
}

/** How the pass ended, read from the loop node's output. */
export function loopOutcome(output: Json): LoopOutcome {
  const loop = isJsonObject(output) ? ownValue(output, "loop") : null;
  const outcome = isJsonObject(loop) ? ownValue(loop, "outcome") : null;
  return LOOP_OUTCOMES.find((each) => each === outcome) ?? "break";
}
