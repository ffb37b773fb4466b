/** What a change of a run's graph may not touch: nodes that have started, edges that are resolved, loops that have begun. */
import type { Problem } from "#kernel/errors.ts";
import { isEqualJson, type Json } from "#kernel/json.ts";
import type { CompiledEdge, CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import type { RunState } from "./state.ts";

/** Pointers are into the changed definition. `except`: edges that go with the node that they lead to. */
export function frozenProblems(
  state: RunState,
  from: CompiledGraph,
  to: CompiledGraph,
  except: ReadonlySet<string> = new Set(),
): Problem[] {
  const checks = new FrozenChecks(state, from, to);
  checks.parts();
  for (const node of from.nodes.values()) if (hasStarted(state, node.id)) checks.node(node);
  checks.resolvedEdges(except);
  checks.loops();
  return checks.problems;
}

/** A node that has begun, or is known never to. */
export function hasStarted(state: RunState, id: string): boolean {
  const node = state.nodes.get(id);
  return node !== undefined && (node.visit > 0 || node.status !== "pending");
}

class FrozenChecks {
  readonly problems: Problem[] = [];
  readonly #state: RunState;
  readonly #from: CompiledGraph;
  readonly #to: CompiledGraph;
  readonly #places: ReadonlyMap<string, number>;

  constructor(state: RunState, from: CompiledGraph, to: CompiledGraph) {
    this.#state = state;
    this.#from = from;
    this.#to = to;
    this.#places = new Map(to.definition.nodes.map((node, index) => [node.id, index]));
  }

  #refuse(id: string, message: string): void {
    const index = this.#places.get(id);
    this.problems.push({ pointer: index === undefined ? "/nodes" : `/nodes/${index}`, message });
  }

  /** What was settled when the run began. */
  parts(): void {
    const [before, after] = [this.#from.definition, this.#to.definition];
    if (!isEqualJson((before.inputs ?? null) as Json, (after.inputs ?? null) as Json)) {
      this.problems.push({ pointer: "/inputs", message: "the run has its inputs already; their schema cannot change" });
    }
    if (before.metadata?.patch_policy !== after.metadata?.patch_policy) {
      this.problems.push({ pointer: "/metadata/patch_policy", message: "a run cannot change who may patch it" });
    }
  }

  node(node: CompiledNode): void {
    const after = this.#to.nodes.get(node.id);
    if (after === undefined) {
      this.#refuse(node.id, `node "${node.id}" has started; it cannot be removed`);
      return;
    }
    if (!isEqualJson(node.definition as unknown as Json, after.definition as unknown as Json)) {
      this.#refuse(node.id, `node "${node.id}" has started; it cannot be changed`);
    }
    if (!isSameEdges(node.incoming, after.incoming)) {
      this.#refuse(node.id, `node "${node.id}" has started; edges into it cannot be added, changed or removed`);
    }
  }

  resolvedEdges(except: ReadonlySet<string>): void {
    const after = new Map(
      [...this.#to.nodes.values()].flatMap((node) => node.outgoing).map((edge) => [edge.key, edge]),
    );
    const before = [...this.#from.nodes.values()].flatMap((node) => node.outgoing);
    for (const edge of before) {
      if (!this.#state.edges.has(edge.key) || except.has(edge.key)) continue;
      const other = after.get(edge.key);
      if (other !== undefined && isSameEdge(edge, other)) continue;
      this.problems.push({
        pointer: "/edges",
        message: `the edge from "${edge.from}" to "${edge.to}" is resolved; it cannot be changed or removed`,
      });
    }
  }

  loops(): void {
    for (const node of this.#from.nodes.values()) {
      if (node.loop === null || !this.#hasBegun(node)) continue;
      const after = this.#to.nodes.get(node.id);
      if (after?.loop === undefined || after.loop === null || !isSameBody(node, after, this.#from, this.#to)) {
        this.#refuse(node.id, `the loop "${node.id}" has begun; its body cannot be changed`);
      }
    }
    for (const node of this.#to.nodes.values()) {
      const before = this.#from.nodes.get(node.id);
      if (node.loop === null || before?.loop != null || !this.#hasBegun(node)) continue;
      this.#refuse(node.id, `the loop "${node.id}" would lead back into what has run already`);
    }
  }

  #hasBegun(node: CompiledNode): boolean {
    return [...(node.loop?.body ?? [])].some((id) => hasStarted(this.#state, id));
  }
}

function isSameBody(before: CompiledNode, after: CompiledNode, from: CompiledGraph, to: CompiledGraph): boolean {
  const body = before.loop?.body ?? new Set<string>();
  if (after.loop === null || after.loop.body.size !== body.size || after.loop.head !== before.loop?.head) return false;
  return [...body].every((id) => {
    const [left, right] = [from.nodes.get(id), to.nodes.get(id)];
    if (left === undefined || right === undefined || !after.loop?.body.has(id)) return false;
    const isWithin = (edge: CompiledEdge) => body.has(edge.to);
    return (
      isEqualJson(left.definition as unknown as Json, right.definition as unknown as Json) &&
      isSameEdges(left.outgoing.filter(isWithin), right.outgoing.filter(isWithin))
    );
  });
}

function isSameEdges(left: readonly CompiledEdge[], right: readonly CompiledEdge[]): boolean {
  if (left.length !== right.length) return false;
  const byKey = new Map(right.map((edge) => [edge.key, edge]));
  return left.every((edge) => {
    const other = byKey.get(edge.key);
    return other !== undefined && isSameEdge(edge, other);
  });
}

function isSameEdge(left: CompiledEdge, right: CompiledEdge): boolean {
  return (
    left.to === right.to &&
    left.on === right.on &&
    left.branch === right.branch &&
    left.condition === right.condition &&
    left.exits.join() === right.exits.join()
  );
}
