/**
 * The pass for answers that could be kept: agents that must say the same to the same question, and requests that a loop
 * repeats unchanged. Speaks up only for node types whose config has a `cache`, so that every suggestion can be followed.
 */
import { canonicalJson, type Json, type JsonObject } from "#kernel/json.ts";
import type { NodeDefinition, WorkflowDefinition } from "../definition.ts";
import type { CompiledGraph, CompiledNode } from "../graph.ts";
import { NODE_TYPES, type NodeType } from "../node-types.ts";
import type { Inspection } from "./inspection.ts";
import { SUGGESTIONS_PER_KIND_MAX } from "./limits.ts";
import { isReadingRequest } from "./reading.ts";
import { Revision } from "./revision.ts";
import { nameNodes, type Suggestion } from "./suggestion.ts";

/** An agent's answer depends on the question alone; a server's may change at any time. */
export const AGENT_CACHE_MS = 3_600_000;
export const REQUEST_CACHE_MS = 60_000;

type NodeTypes = ReadonlyMap<string, NodeType>;

export function cacheableAnswers({ definition, graph }: Inspection): Suggestion[] {
  const found = [...cacheableAgents(definition, NODE_TYPES), ...cacheableRequests(definition, graph, NODE_TYPES)];
  return found.slice(0, SUGGESTIONS_PER_KIND_MAX);
}

/** Agents without randomness and without tools: the same prompt gives the same text, and nothing else happens. */
export function cacheableAgents(definition: WorkflowDefinition, types: NodeTypes): Suggestion[] {
  const byTask = new Map<string, NodeDefinition[]>();
  for (const node of definition.nodes) {
    const config = node.config ?? {};
    const hasNoTools = Array.isArray(config.tools) && config.tools.length === 0;
    if (node.type !== "agent" || config.temperature !== 0 || !hasNoTools || !takesCache(node, types)) continue;
    const key = canonicalJson(config);
    const group = byTask.get(key);
    if (group === undefined) byTask.set(key, [node]);
    else group.push(node);
  }
  return [...byTask.values()].map((nodes) => {
    const names = nameNodes(nodes.map(({ id }) => id));
    const message =
      nodes.length === 1
        ? `${names} answers the same question the same way each time, so its answer can be cached`
        : `${names} ask the same question and get the same answer, so it can be cached`;
    return suggest(nodes, message, AGENT_CACHE_MS, definition);
  });
}

/** Requests whose text no pass changes, in loops that neither wait nor decide nor write, so that none of them polls. */
export function cacheableRequests(
  definition: WorkflowDefinition,
  graph: CompiledGraph,
  types: NodeTypes,
): Suggestion[] {
  // What this or another run writes must not be hidden by an answer from before.
  if (![...graph.nodes.values()].every((node) => node.type.kind === "inline" || isReadingRequest(node))) return [];
  return definition.nodes.flatMap((definitionOfNode) => {
    const node = graph.nodes.get(definitionOfNode.id);
    if (node === undefined || !isRepeatedUnchanged(node, graph) || !takesCache(definitionOfNode, types)) return [];
    const message = `"${node.id}" makes the same request in each pass of the loop, so its answer can be cached`;
    const passes = node.loops.reduce((all, id) => all * (graph.nodes.get(id)?.loop?.maxIterations ?? 1), 1);
    const suggestion = suggest([definitionOfNode], message, REQUEST_CACHE_MS, definition);
    return passes > 1 ? [{ ...suggestion, saves: { requests: passes - 1 } }] : [];
  });
}

function isRepeatedUnchanged(node: CompiledNode, graph: CompiledGraph): boolean {
  if (!isReadingRequest(node) || node.loops.length === 0) return false;
  const loops = node.loops.flatMap((id) => graph.nodes.get(id) ?? []);
  // A loop with a condition may go on until the answer changes.
  if (loops.some((loop) => loop.programs.has("condition"))) return false;
  const body = loops.at(-1)?.loop?.body ?? new Set();
  return node.config.references.every(
    ({ root, node: read }) => root !== "iteration" && (read === undefined || !body.has(read)),
  );
}

/** Whether the type's config has a `cache` that this node does not use yet. */
function takesCache(node: NodeDefinition, types: NodeTypes): boolean {
  if (node.config?.cache !== undefined) return false;
  const parsed = types.get(node.type)?.config.safeParse({ ...node.config, cache: { ttl_ms: REQUEST_CACHE_MS } });
  return parsed?.success === true && (parsed.data as JsonObject).cache !== undefined;
}

function suggest(
  nodes: readonly NodeDefinition[],
  message: string,
  ttlMs: number,
  definition: WorkflowDefinition,
): Suggestion {
  const revision = new Revision(definition);
  for (const node of nodes) {
    const config: JsonObject = { ...node.config, cache: { ttl_ms: ttlMs } satisfies Json };
    revision.replaceNode(definition.nodes.indexOf(node), { ...node, config });
  }
  return {
    kind: "cacheable",
    message,
    nodes: nodes.map(({ id }) => id),
    patch: revision.operations() ?? [],
    note: `An answer may then be up to ${ttlMs / 1_000} seconds old.`,
  };
}
