/**
 * What all passes look at: the compiled graph, where its nodes and edges stand in the posted definition, what no run
 * reaches, who reads whom by name, and what must be left as it is because of loops and agents.
 */
import { invariant } from "#kernel/errors.ts";
import type { WorkflowDefinition } from "../definition.ts";
import {
  type CompiledEdge,
  type CompiledGraph,
  type CompiledNode,
  compileGraph,
  downstream,
  edgeKeys,
} from "../graph.ts";
import { flowOf } from "../loops.ts";
import { topologicalOrder, topologyOf } from "../topology.ts";
import { findNeverTaken, type NeverTaken } from "./never-taken.ts";
import { mayPatchItsRun, namesRead } from "./reading.ts";

export class Inspection {
  readonly definition: WorkflowDefinition;
  readonly graph: CompiledGraph;
  /** Node ids, each after all its predecessors. */
  readonly order: readonly string[];
  readonly never: NeverTaken;
  /** Ids of the nodes that read a node by name, in their config or in a condition on their way out. */
  readonly readers: ReadonlyMap<string, readonly string[]>;
  readonly #nodePlaces: ReadonlyMap<string, number>;
  /** All that stands behind agents that may patch their run. */
  readonly #changeable: ReadonlySet<string>;
  /** By key; an edge that a loop implies has none. */
  readonly #edgePlaces: ReadonlyMap<string, number>;

  /** `definition` must have been found without errors. */
  constructor(definition: WorkflowDefinition) {
    this.definition = definition;
    this.graph = compileGraph(definition);
    const { forward } = flowOf(definition);
    const keys = edgeKeys(forward);
    const ids = definition.nodes.map((node) => node.id);
    this.order = topologicalOrder(topologyOf(ids, forward));
    this.never = findNeverTaken(this.graph, this.order);
    this.#nodePlaces = new Map(ids.map((id, index) => [id, index]));
    this.#edgePlaces = new Map(
      forward.flatMap(({ index }, place) => (index === null ? [] : [[keys[place] ?? "", index]])),
    );
    const patching = [...this.graph.nodes.values()].filter(mayPatchItsRun);
    this.#changeable = downstream(
      this.graph,
      patching.flatMap((node) => node.outgoing.map((edge) => edge.to)),
    );
    const readers = new Map<string, string[]>();
    for (const node of this.graph.nodes.values()) {
      for (const read of namesRead(node)) {
        const known = readers.get(read);
        if (known === undefined) readers.set(read, [node.id]);
        else known.push(node.id);
      }
    }
    this.readers = readers;
  }

  node(id: string): CompiledNode {
    const node = this.graph.nodes.get(id);
    invariant(node !== undefined, `node ${id} is in the graph`);
    return node;
  }

  nodePlace(id: string): number {
    return this.#nodePlaces.get(id) ?? -1;
  }

  /** The edge's index in `edges`; null for one that is only implied. */
  edgePlace(edge: CompiledEdge): number | null {
    return this.#edgePlaces.get(edge.key) ?? null;
  }

  /**
   * In a loop, or where one leads: its passes and exits depend on what stands there, so it stays. So does what an agent
   * may lead to work of its own while the run runs.
   */
  isFixed(id: string): boolean {
    const node = this.node(id);
    if (node.loops.length > 0 || this.#changeable.has(id)) return true;
    return node.incoming.some((edge) => this.node(edge.from).loops.length > 0);
  }
}
