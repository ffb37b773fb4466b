/** Which edges a node that has ended takes (rules 1 and 2). Decides only; the transition records it. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { CompiledEdge, CompiledNode } from "#workflow/graph.ts";
import { describe } from "./inline/aggregate.ts";
import type { Scope } from "./scope.ts";

export interface Route {
  taken: CompiledEdge[];
  dead: CompiledEdge[];
  /** Conditions that read a missing field and so did not hold. */
  missing: string[];
}

/**
 * Routes a completed node (`outcome: "success"`, `output` its output) or a failed one (`"failure"`, `output` the
 * error object). The error is that of a condition that could not be evaluated: it fails the node.
 */
export function routeNode(
  node: CompiledNode,
  outcome: "success" | "failure",
  output: Json,
  scope: Scope,
  via: string | null,
): Result<Route, NodeError> {
  const candidates = node.outgoing.filter((edge) => edge.on === outcome);
  const conditions = new Conditions(scope, output, via);
  const chosen = choose(node, outcome, candidates, conditions);
  if (!chosen.ok) return chosen;
  const taken = new Set(chosen.value);
  return ok({
    taken: node.outgoing.filter((edge) => taken.has(edge)),
    dead: node.outgoing.filter((edge) => !taken.has(edge)),
    missing: conditions.missing,
  });
}

function choose(
  node: CompiledNode,
  outcome: "success" | "failure",
  candidates: readonly CompiledEdge[],
  conditions: Conditions,
): Result<readonly CompiledEdge[], NodeError> {
  const decision = node.programs.get("condition");
  if (outcome === "success" && node.type.type === "conditional" && decision !== undefined) {
    const held = conditions.holds(String(node.definition.config?.condition), decision);
    if (!held.ok) return held;
    return ok(candidates.filter((edge) => edge.branch === (held.value ? "if" : "else")));
  }
  if (candidates.every((edge) => edge.condition === undefined)) return ok(candidates);
  if (outcome === "success" && node.type.type === "parallel") return chooseInclusive(candidates, conditions);
  for (const edge of candidates) {
    if (edge.condition === undefined || edge.program === undefined) continue;
    const held = conditions.holds(edge.condition, edge.program);
    if (!held.ok) return held;
    if (held.value) return ok(candidates.filter((other) => other.condition === edge.condition));
  }
  return ok(candidates.filter((edge) => edge.condition === undefined));
}

function chooseInclusive(
  candidates: readonly CompiledEdge[],
  conditions: Conditions,
): Result<readonly CompiledEdge[], NodeError> {
  const chosen: CompiledEdge[] = [];
  for (const edge of candidates) {
    if (edge.condition === undefined || edge.program === undefined) {
      chosen.push(edge);
      continue;
    }
    const held = conditions.holds(edge.condition, edge.program);
    if (!held.ok) return held;
    if (held.value) chosen.push(edge);
  }
  return ok(chosen);
}

/** Evaluates each distinct condition once. */
class Conditions {
  readonly missing: string[] = [];
  readonly #known = new Map<string, boolean>();
  readonly #scope: Scope;
  readonly #output: Json;
  readonly #via: string | null;

  constructor(scope: Scope, output: Json, via: string | null) {
    this.#scope = scope;
    this.#output = output;
    this.#via = via;
  }

  holds(source: string, program: NonNullable<CompiledEdge["program"]>): Result<boolean, NodeError> {
    const known = this.#known.get(source);
    if (known !== undefined) return ok(known);
    const result = program.evaluate(this.#scope.variables(program, { output: this.#output, via: this.#via }));
    if (!result.ok) {
      if (result.error.details?.missing !== true) {
        return fail({ ...result.error, message: `condition "${source.slice(0, 100)}": ${result.error.message}` });
      }
      this.missing.push(source);
      this.#known.set(source, false);
      return ok(false);
    }
    if (typeof result.value !== "boolean") {
      const message = `condition "${source.slice(0, 100)}" gives ${describe(result.value)}, not true or false`;
      return fail(nodeError("expression_failed", message));
    }
    this.#known.set(source, result.value);
    return ok(result.value);
  }
}
