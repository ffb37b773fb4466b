/**
 * Chains of requests that only read, each with the pure nodes that work on its answer: where one could be asked
 * without waiting for the other. How they are put side by side is `parallel-requests.ts`.
 */
import type { CompiledEdge, CompiledNode } from "../graph.ts";
import type { Inspection } from "./inspection.ts";
import { isPure, isReadingRequest, namesRead, readsVia } from "./reading.ts";

/** A request and the chain of pure nodes behind it. */
export interface Stage {
  head: CompiledNode;
  /** Head included, in order. */
  nodes: readonly CompiledNode[];
}

/** Runs of stages that follow one another and read nothing of each other, two or more in each. */
export function independentStages(inspection: Inspection): Stage[][] {
  const groups: Stage[][] = [];
  const seen = new Set<string>();
  for (const id of inspection.order) {
    const node = inspection.node(id);
    if (seen.has(id) || !isMovable(node, inspection) || !isReadingRequest(node)) continue;
    const chain = chainFrom(node, inspection);
    for (const stage of chain) for (const member of stage.nodes) seen.add(member.id);
    groups.push(...splitByReading(chain));
  }
  return groups.filter((group) => group.length > 1);
}

/** The edge along which alone a node leads on, to a node that nothing else leads to; null when there is no such edge. */
export function soleWay(node: CompiledNode, inspection: Inspection): CompiledEdge | null {
  const [edge] = node.outgoing;
  if (edge === undefined || node.outgoing.length > 1) return null;
  return inspection.node(edge.to).incoming.length === 1 ? edge : null;
}

function chainFrom(first: CompiledNode, inspection: Inspection): Stage[] {
  const chain: Stage[] = [];
  for (let head: CompiledNode | null = first; head !== null; ) {
    const nodes = [head];
    let next = follower(head, inspection);
    for (; next !== null && isPure(next); next = follower(next, inspection)) nodes.push(next);
    chain.push({ head, nodes });
    head = next;
  }
  return chain;
}

/** The movable node that alone follows; null when the chain ends. */
function follower(node: CompiledNode, inspection: Inspection): CompiledNode | null {
  const way = soleWay(node, inspection);
  if (way === null) return null;
  const next = inspection.node(way.to);
  return isMovable(next, inspection) ? next : null;
}

/** Whether all that the node does is to read and to compute, and all that its end does is to lead on. */
function isMovable(node: CompiledNode, inspection: Inspection): boolean {
  return (
    (isReadingRequest(node) || isPure(node)) &&
    node.join === "all" &&
    node.outgoing.every((edge) => edge.on === "success" && edge.condition === undefined) &&
    !inspection.never.nodes.has(node.id) &&
    !inspection.isFixed(node.id)
  );
}

/** A group ends where something reads what came before in it: what is left of that stage is its last. */
function splitByReading(chain: readonly Stage[]): Stage[][] {
  const groups: Stage[][] = [];
  let group: Stage[] = [];
  const members = new Set<string>();
  for (const stage of chain) {
    const dependent = stage.nodes.findIndex((node) => [...namesRead(node)].some((id) => members.has(id)));
    const own = dependent === -1 ? stage.nodes : stage.nodes.slice(0, dependent);
    const joins = group.length > 0 && own.length > 0 && !readsVia(stage.head);
    if (joins) group.push({ head: stage.head, nodes: own });
    if (!joins || own.length < stage.nodes.length) {
      groups.push(group);
      members.clear();
      group = [stage];
    }
    for (const node of stage.nodes) members.add(node.id);
  }
  groups.push(group);
  return groups;
}
