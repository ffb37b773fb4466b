/**
 * What a node reads and what it may do besides giving an output: the facts by which passes tell whether a node could
 * stand elsewhere. Where nothing certain is known of a type, it reads everything and has effects.
 */
import type { CelProgram } from "#expression/cel.ts";
import type { CompiledEdge, CompiledGraph, CompiledNode } from "../graph.ts";

/** Functions that give the same for the same input, at any time and under any node id. */
const IMPURE_FUNCTIONS: ReadonlySet<unknown> = new Set(["uuid", "now"]);
const PURE_TYPES: ReadonlySet<string> = new Set(["transform", "filter", "aggregate", "function"]);
const SAFE_METHODS: ReadonlySet<unknown> = new Set([undefined, "GET", "HEAD"]);

/** A request that by its method only reads (RFC 9110, 9.2.1). */
export function isReadingRequest(node: CompiledNode): boolean {
  return node.type.type === "http" && SAFE_METHODS.has(node.definition.config?.method);
}

/** An inline node whose output depends on nothing but what it reads. */
export function isPure(node: CompiledNode): boolean {
  if (!PURE_TYPES.has(node.type.type)) return false;
  return !IMPURE_FUNCTIONS.has(node.definition.config?.function_name);
}

/** Whether what comes along its edges can change what the node does; its shape changes with the number of edges. */
export function readsInput(node: CompiledNode): boolean {
  const config = node.definition.config ?? {};
  switch (node.type.type) {
    case "http":
      return false;
    case "transform": {
      const program = node.programs.get("expression");
      return program === undefined || program.references.variables.has("output");
    }
    case "function":
      if (IMPURE_FUNCTIONS.has(config.function_name)) return false;
      return config.function_name !== "identity" || config.params === undefined;
    default:
      return true;
  }
}

/** Whether the node or a condition on its way out reads `run.via`, the predecessor whose edge was taken first. */
export function readsVia(node: CompiledNode): boolean {
  if (expressionsOf(node).some((program) => program.references.variables.has("run"))) return true;
  return partsOf(node).some((part) =>
    part.config.references.some(({ root, path }) => root === "run" && !/^\.(?!via\b)[a-z_]+/.test(path)),
  );
}

/** Ids of the nodes that the node, or a condition on its way out, reads by name. */
export function namesRead(node: CompiledNode): Set<string> {
  const templates = partsOf(node).flatMap((part) =>
    part.config.references.flatMap((reference) => reference.node ?? []),
  );
  return new Set([...templates, ...expressionsOf(node).flatMap((program) => program.references.nodes)]);
}

/** Ids that the condition of one edge reads. */
export function namesReadBy(edge: CompiledEdge): readonly string[] {
  return edge.program?.references.nodes ?? [];
}

/** An agent, also one that works on a map's items, whose tools change the workflow that it runs in. */
export function mayPatchItsRun(node: CompiledNode): boolean {
  return partsOf(node).some(({ type, definition }) => {
    const tools = definition.config?.tools;
    return type.type === "agent" && !(Array.isArray(tools) && !tools.includes("patch_workflow"));
  });
}

/** Whether any expression reads `nodes` in a way that does not say which: every id then matters to it. */
export function readsNodesAsAWhole(graph: CompiledGraph): boolean {
  return [...graph.nodes.values()].some((node) =>
    expressionsOf(node).some((program) => program.references.dynamicNodes),
  );
}

/** The node, and what a map does with each item. */
function partsOf(node: CompiledNode): CompiledNode[] {
  return node.item === null ? [node] : [node, node.item];
}

function expressionsOf(node: CompiledNode): CelProgram[] {
  const own = partsOf(node).flatMap((part) => [...part.programs.values()]);
  return [...own, ...node.outgoing.flatMap((edge) => edge.program ?? [])];
}
