/**
 * What changed between two versions of a workflow: as JSON Patch, and in words. Nodes are told apart by id and edges
 * by what they join, so that one added in front is one addition. Linear but for the alignment of nodes and edges.
 */
import { createPatch, type Operation, type Pointer } from "rfc6902";
import { isEqualJson, isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "./definition.ts";
import { edgeKeys } from "./graph.ts";
import { FORBIDDEN_TOKENS } from "./pointer.ts";

export interface WorkflowDiff {
  /** Applied to the one they give the other (RFC 6902). */
  operations: Operation[];
  /** One sentence a change; nodes first, then edges, then the rest. */
  summary: string[];
}

export function diffWorkflows(from: WorkflowDefinition, to: WorkflowDefinition): WorkflowDiff {
  const lists = new Map<unknown, readonly string[]>([
    [from.nodes, from.nodes.map((node) => node.id)],
    [to.nodes, to.nodes.map((node) => node.id)],
    [from.edges, edgeKeys(from.edges)],
    [to.edges, edgeKeys(to.edges)],
  ]);
  const operations = createPatch(from, to, (left: unknown, right: unknown, at: Pointer) => {
    const keys = lists.get(left);
    const keysAfter = lists.get(right);
    if (keys === undefined || keysAfter === undefined) return diffPart(left, right, at);
    return diffByKey({ items: left as Json[], keys }, { items: right as Json[], keys: keysAfter }, at);
  });
  return { operations, summary: summarise(from, to) };
}

/**
 * Replaces whole what has changed, where the library's own way would not do: it aligns lists by comparing each item
 * with each, and leads to members that no patch may reach.
 */
function diffPart(left: unknown, right: unknown, at: Pointer): Operation[] | undefined {
  const areLists = Array.isArray(left) && Array.isArray(right);
  const areObjects = isJsonObject(left) && isJsonObject(right) && (holdsForbidden(left) || holdsForbidden(right));
  if (!areLists && !areObjects) return undefined;
  return isEqualJson(left, right) ? [] : [{ op: "replace", path: at.toString(), value: right }];
}

function holdsForbidden(object: JsonObject): boolean {
  return [...FORBIDDEN_TOKENS].some((name) => Object.hasOwn(object, name));
}

interface KeyedList {
  items: Json[];
  keys: readonly string[];
}

/** Removals from the end, then each place in turn filled by what stands there already, a move or an addition. */
function diffByKey(from: KeyedList, to: KeyedList, at: Pointer): Operation[] {
  const operations: Operation[] = [];
  const place = (index: number) => at.add(String(index)).toString();
  const wanted = new Set(to.keys);
  const before = new Map(from.keys.map((key, index) => [key, from.items[index]]));
  const present = [...from.keys];
  for (let index = present.length - 1; index >= 0; index--) {
    if (wanted.has(present[index] ?? "")) continue;
    operations.push({ op: "remove", path: place(index) });
    present.splice(index, 1);
  }
  to.keys.forEach((key, index) => {
    const value = to.items[index] ?? null;
    if (!before.has(key)) {
      operations.push({ op: "add", path: place(index), value });
      present.splice(index, 0, key);
      return;
    }
    const current = present.indexOf(key, index);
    if (current !== index) {
      operations.push({ op: "move", from: place(current), path: place(index) });
      present.splice(index, 0, ...present.splice(current, 1));
    }
    for (const operation of createPatch(before.get(key), value, diffPart)) {
      operations.push({ ...operation, path: place(index) + operation.path });
    }
  });
  return operations;
}

function summarise(from: WorkflowDefinition, to: WorkflowDefinition): string[] {
  const nodes = sentences(
    new Map(from.nodes.map((node) => [node.id, node])),
    new Map(to.nodes.map((node) => [node.id, node])),
    (node) => `node "${node.id}" (${node.type})`,
  );
  const edges = sentences(edgesByKey(from), edgesByKey(to), edgeText);
  const rest = (["inputs", "metadata"] as const).flatMap((part) => {
    if (isEqualJson(from[part] ?? null, to[part] ?? null)) return [];
    if (from[part] === undefined) return [`${part} added`];
    return to[part] === undefined ? [`${part} removed`] : [`${part} changed`];
  });
  return [...nodes, ...edges, ...rest];
}

function sentences<Item extends NodeDefinition | EdgeDefinition>(
  from: ReadonlyMap<string, Item>,
  to: ReadonlyMap<string, Item>,
  describe: (item: Item) => string,
): string[] {
  const removed = [...from].filter(([key]) => !to.has(key)).map(([, item]) => `${describe(item)} removed`);
  const others = [...to].flatMap(([key, item]) => {
    const before = from.get(key);
    if (before === undefined) return [`${describe(item)} added`];
    const changed = changedMembers(before as unknown as JsonObject, item as unknown as JsonObject);
    return changed.length === 0 ? [] : [`${describe(item)} changed: ${changed.join(", ")}`];
  });
  return [...removed, ...others];
}

/** Names of the members that differ; inside `config` each key by itself. */
function changedMembers(before: JsonObject, after: JsonObject): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [left = null, right = null] = [before[name], after[name]];
    if (isEqualJson(left, right)) return [];
    if (name !== "config" || !isJsonObject(left) || !isJsonObject(right)) return [name];
    return changedMembers(left, right).map((key) => `config.${key}`);
  });
}

function edgesByKey({ edges }: WorkflowDefinition): Map<string, EdgeDefinition> {
  const keys = edgeKeys(edges);
  return new Map(edges.map((edge, index) => [keys[index] ?? "", edge]));
}

function edgeText(edge: EdgeDefinition): string {
  return `${edge.on === "failure" ? "failure edge" : "edge"} ${edge.from} → ${edge.to}`;
}
