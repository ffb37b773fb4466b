/**
 * Edges that no run can take and nodes that no run can reach: by constant conditions, by failure edges of nodes that
 * cannot fail, and by everything behind those. Follows the routing rules 1 and 2; what is in doubt may be taken.
 */

import type { CelProgram } from "#expression/cel.ts";
import { withSharedWork } from "#expression/work.ts";
import type { CompiledEdge, CompiledGraph, CompiledNode } from "../graph.ts";
import { CONSTANT_WORK_MAX } from "./limits.ts";

export interface NeverTaken {
  /** The edges, with the reason in words; null when only the node that they leave is the reason. */
  readonly edges: ReadonlyMap<CompiledEdge, string | null>;
  readonly nodes: ReadonlySet<string>;
}

/** `order`: node ids, each after its predecessors. */
export function findNeverTaken(graph: CompiledGraph, order: readonly string[]): NeverTaken {
  const constants = new Constants();
  const edges = new Map<CompiledEdge, string | null>();
  const nodes = new Set<string>();
  withSharedWork(CONSTANT_WORK_MAX, () => {
    for (const id of order) {
      const node = graph.nodes.get(id);
      if (node === undefined) continue;
      // A head is never reached again either: the way back begins behind it.
      if (node.incoming.length > 0 && node.incoming.every((edge) => edges.has(edge))) {
        nodes.add(id);
        for (const edge of node.outgoing) edges.set(edge, null);
      } else for (const [edge, reason] of neverTakenFrom(node, constants)) edges.set(edge, reason);
    }
  });
  return { edges, nodes };
}

/** Conditions that name nothing, evaluated once each. */
class Constants {
  readonly #known = new Map<string, boolean | null>();

  /** The value of a condition that is the same in every run; null when it is not, or is no yes or no. */
  value(program: CelProgram | undefined): boolean | null {
    if (program === undefined || program.references.variables.size > 0) return null;
    let value = this.#known.get(program.source);
    if (value === undefined) {
      const result = program.evaluate({});
      value = result.ok && typeof result.value === "boolean" ? result.value : null;
      this.#known.set(program.source, value);
    }
    return value;
  }
}

function neverTakenFrom(node: CompiledNode, constants: Constants): Map<CompiledEdge, string> {
  const success = node.outgoing.filter((edge) => edge.on === "success");
  const failure = node.outgoing.filter((edge) => edge.on === "failure");
  const found = new Map<CompiledEdge, string>();
  if (cannotFail(node, success, constants)) {
    for (const edge of failure) found.set(edge, `a ${node.type.type} node such as "${node.id}" cannot fail`);
  } else for (const [edge, reason] of byFirstThatHolds(node, failure, constants)) found.set(edge, reason);

  const decision = node.type.type === "conditional" ? node.programs.get("condition") : undefined;
  if (decision !== undefined) {
    const held = constants.value(decision);
    if (held === null) return found;
    const reason = `the condition of "${node.id}" is always ${held}`;
    for (const edge of success) if (edge.branch === (held ? "else" : "if")) found.set(edge, reason);
  } else if (node.type.type === "parallel") {
    for (const edge of success) if (constants.value(edge.program) === false) found.set(edge, neverHolds(node, edge));
  } else if (node.loop === null) {
    for (const [edge, reason] of byFirstThatHolds(node, success, constants)) found.set(edge, reason);
  }
  return found;
}

/** Rule 2: conditions are tried in the order of the edges up to the first that holds; the edges without one are the default. */
function byFirstThatHolds(
  node: CompiledNode,
  candidates: readonly CompiledEdge[],
  constants: Constants,
): Map<CompiledEdge, string> {
  const found = new Map<CompiledEdge, string>();
  const tried = new Set<string>();
  let certain: string | null = null;
  for (const edge of candidates) {
    if (edge.condition === undefined || certain !== null) continue;
    tried.add(edge.condition);
    if (constants.value(edge.program) === true) certain = edge.condition;
  }
  for (const edge of candidates) {
    if (constants.value(edge.program) === false) found.set(edge, neverHolds(node, edge));
    else if (certain !== null && (edge.condition === undefined || !tried.has(edge.condition))) {
      found.set(edge, `the condition "${shortened(certain)}" of another edge from "${node.id}" always holds`);
    }
  }
  return found;
}

/**
 * What passes one value on has nothing that could go wrong: no config, nothing to store anew. Several values together
 * can be too large, and a condition that is evaluated can fail its node.
 */
function cannotFail(node: CompiledNode, success: readonly CompiledEdge[], constants: Constants): boolean {
  return (
    node.type.passesThrough === true &&
    node.type.status === "available" &&
    node.loops.length === 0 &&
    node.incoming.length <= 1 &&
    node.incoming.every((edge) => edge.on === "success") &&
    [...node.programs.values(), ...success.flatMap((edge) => edge.program ?? [])].every(
      (program) => constants.value(program) !== null,
    )
  );
}

function neverHolds(node: CompiledNode, edge: CompiledEdge): string {
  return `the condition "${shortened(edge.condition ?? "")}" on the way from "${node.id}" never holds`;
}

function shortened(condition: string): string {
  return condition.length <= 60 ? condition : `${condition.slice(0, 57)}…`;
}
