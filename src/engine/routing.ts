/** Which edges a node that has ended takes (rules 1 and 2). Decides only; the transition records it. */
import { fail, type NodeError, nodeError, ok, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { CompiledEdge, CompiledNode } from "#workflow/graph.ts";
import { describe } from "./inline/aggregate.ts";
import { loopOutcome } from "./inline/loop.ts";
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
): Result<Route, NodeError> {
  const candidates = candidatesOf(node, outcome, output);
  const conditions = new Conditions(node.id, scope, output);
  const chosen = choose(node, outcome, candidates, conditions);
  if (!chosen.ok) return chosen;
  const taken = new Set(chosen.value);
  return ok({
    taken: node.outgoing.filter((edge) => taken.has(edge)),
    dead: node.outgoing.filter((edge) => !taken.has(edge)),
    missing: conditions.missing,
  });
}

/**
 * Whether an edge that a patch has added to a node which has ended already is taken: judged alone, by what it says
 * itself. A condition that reads a missing field does not hold.
 */
export function judgeEdge(
  node: CompiledNode,
  edge: CompiledEdge,
  outcome: "success" | "failure",
  output: Json,
  scope: Scope,
): Result<boolean, NodeError> {
  if (!candidatesOf(node, outcome, output).includes(edge)) return ok(false);
  const conditions = new Conditions(node.id, scope, output);
  const decision = node.type.type === "conditional" ? node.programs.get("condition") : undefined;
  if (outcome === "success" && decision !== undefined) {
    const held = conditions.holds(String(node.definition.config?.condition), decision);
    return held.ok ? ok(edge.branch === (held.value ? "if" : "else")) : held;
  }
  return edge.condition === undefined || edge.program === undefined
    ? ok(true)
    : conditions.holds(edge.condition, edge.program);
}

/** The edges among which conditions choose: by outcome, and out of a loop by how it ended (rule 5). */
function candidatesOf(node: CompiledNode, outcome: "success" | "failure", output: Json): CompiledEdge[] {
  const edges = node.outgoing.filter((edge) => edge.on === outcome);
  if (node.loop === null || outcome === "failure") return edges;
  const role = loopOutcome(output) === "exhausted" ? "timeout" : "break";
  const own = edges.filter((edge) => edge.exits.includes(role));
  return own.length > 0 ? own : edges.filter((edge) => edge.exits.includes("plain"));
}

function choose(
  node: CompiledNode,
  outcome: "success" | "failure",
  candidates: readonly CompiledEdge[],
  conditions: Conditions,
): Result<readonly CompiledEdge[], NodeError> {
  const decision = node.type.type === "conditional" ? node.programs.get("condition") : undefined;
  if (outcome === "success" && decision !== undefined) {
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
  readonly #path: string;

  constructor(path: string, scope: Scope, output: Json) {
    this.#path = path;
    this.#scope = scope;
    this.#output = output;
  }

  holds(source: string, program: NonNullable<CompiledEdge["program"]>): Result<boolean, NodeError> {
    const known = this.#known.get(source);
    if (known !== undefined) return ok(known);
    const result = program.evaluate(this.#scope.variables(program, { path: this.#path, output: this.#output }));
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
