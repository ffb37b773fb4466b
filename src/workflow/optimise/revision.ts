/**
 * Changes to a posted definition, collected by place and written as JSON Patch. Each change is guarded by a `test` of
 * what it replaces, so that a patch does all or nothing to a definition that has changed since.
 */
import type { Json } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "../definition.ts";
import { EDGES_MAX, NODES_MAX, PATCH_OPERATIONS_MAX } from "../limits.ts";

export type PatchOperation =
  | { op: "test" | "add" | "replace"; path: string; value: Json }
  | { op: "remove"; path: string };

export class Revision {
  readonly #nodes: List<NodeDefinition>;
  readonly #edges: List<EdgeDefinition>;

  constructor({ nodes, edges }: WorkflowDefinition) {
    this.#nodes = new List("/nodes", nodes);
    this.#edges = new List("/edges", edges);
  }

  addNode(node: NodeDefinition): void {
    this.#nodes.add(node);
  }

  replaceNode(index: number, node: NodeDefinition): void {
    this.#nodes.replace(index, node);
  }

  removeNode(index: number): void {
    this.#nodes.remove(index);
  }

  addEdge(edge: EdgeDefinition): void {
    this.#edges.add(edge);
  }

  replaceEdge(index: number, edge: EdgeDefinition): void {
    this.#edges.replace(index, edge);
  }

  removeEdge(index: number): void {
    this.#edges.remove(index);
  }

  /** Operations of the patch so far. */
  get size(): number {
    return this.#nodes.size + this.#edges.size;
  }

  /** The nodes and edges as the patch makes them. */
  get after(): { nodes: NodeDefinition[]; edges: EdgeDefinition[] } {
    return { nodes: this.#nodes.after, edges: this.#edges.after };
  }

  /** The patch; null when it has more operations than a patch may, or makes more than a definition may hold. */
  operations(): PatchOperation[] | null {
    const { nodes, edges } = this.after;
    const fits = this.size <= PATCH_OPERATIONS_MAX && nodes.length <= NODES_MAX && edges.length <= EDGES_MAX;
    return fits ? [...this.#nodes.operations(), ...this.#edges.operations()] : null;
  }

  /** The same change with whole lists put in place of the old ones, for one too large to be told step by step. */
  operationsByList(): PatchOperation[] {
    return [...this.#nodes.operationsByList(), ...this.#edges.operationsByList()];
  }
}

/** Operations for a change of what is there: its test, and itself. */
export const GUARDED = 2;

/** One of the two lists of a definition; places are those of the posted one. */
class List<Item extends NodeDefinition | EdgeDefinition> {
  readonly #path: string;
  readonly #items: readonly Item[];
  readonly #replaced = new Map<number, Item>();
  readonly #removed = new Set<number>();
  readonly #added: Item[] = [];

  constructor(path: string, items: readonly Item[]) {
    this.#path = path;
    this.#items = items;
  }

  add(item: Item): void {
    this.#added.push(item);
  }

  replace(index: number, item: Item): void {
    this.#replaced.set(index, item);
  }

  remove(index: number): void {
    this.#removed.add(index);
  }

  get isUnchanged(): boolean {
    return this.size === 0;
  }

  get size(): number {
    return (this.#replaced.size + this.#removed.size) * GUARDED + this.#added.length;
  }

  get after(): Item[] {
    const kept = this.#items.flatMap((item, index) =>
      this.#removed.has(index) ? [] : [this.#replaced.get(index) ?? item],
    );
    return [...kept, ...this.#added];
  }

  /** Places keep their numbers until they are used: replacements first, removals from the end, additions last. */
  operations(): PatchOperation[] {
    const replacements = [...this.#replaced].flatMap(([index, item]): PatchOperation[] => [
      this.#guard(index),
      { op: "replace", path: this.#place(index), value: asJson(item) },
    ]);
    const removals = [...this.#removed]
      .sort((left, right) => right - left)
      .flatMap((index): PatchOperation[] => [this.#guard(index), { op: "remove", path: this.#place(index) }]);
    const additions = this.#added.map(
      (item): PatchOperation => ({ op: "add", path: `${this.#path}/-`, value: asJson(item) }),
    );
    return [...replacements, ...removals, ...additions];
  }

  operationsByList(): PatchOperation[] {
    if (this.isUnchanged) return [];
    const changed = [...this.#replaced.keys(), ...this.#removed];
    const ends = changed.length === 0 ? [] : [...new Set([Math.min(...changed), Math.max(...changed)])];
    return [
      ...ends.map((index) => this.#guard(index)),
      { op: "replace", path: this.#path, value: this.after.map(asJson) },
    ];
  }

  #guard(index: number): PatchOperation {
    return { op: "test", path: this.#place(index), value: asJson(this.#items[index]) };
  }

  #place(index: number): string {
    return `${this.#path}/${index}`;
  }
}

/** Nodes and edges were parsed from JSON and hold nothing else. */
function asJson(item: NodeDefinition | EdgeDefinition | undefined): Json {
  return item as unknown as Json;
}
