/** Random workflows, valid by construction: every node has its place in an order, and edges follow it. */
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";
import type { Seeded } from "../../support/seeded.ts";
import type { NodeKind } from "../nodes/node-kind.ts";
import { kindOf, NODE_KINDS } from "../nodes/registry.ts";
import { makeCondition } from "./expressions.ts";
import type { Workflow } from "./scenario.ts";

/** Joins of whole outputs in one graph: each may double what the next one carries. */
const GROWING_JOINS_MAX = 3;
/** Types whose output does not grow with what they are given. */
const SHRINKING = ["http", "http", "aggregate", "function", "transform"];

/** Types that what they are given often does not suit: unhandled, most runs would end with them. */
const MAY_FAIL = new Set(["transform", "filter", "aggregate", "function"]);

export function randomWorkflow(random: Seeded, size: number): Workflow {
  const graph = new Growing(random);
  for (let i = 0; i < size; i++) graph.add();
  return graph.done();
}

class Growing {
  readonly #random: Seeded;
  readonly #nodes: NodeDefinition[] = [];
  readonly #edges: EdgeDefinition[] = [];
  readonly #ancestors = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();
  #growingJoins = 0;

  constructor(random: Seeded) {
    this.#random = random;
  }

  add(): void {
    const random = this.#random;
    const id = `n${this.#nodes.length}`;
    const before = this.#predecessors();
    const edges = before.flatMap((from) => this.#edge(from, id) ?? []);
    const ancestors = new Set(edges.flatMap((edge) => [edge.from, ...(this.#ancestors.get(edge.from) ?? [])]));
    this.#ancestors.set(id, ancestors);
    const isAny = edges.length > 1 && random.chance(0.25);
    const kind = this.#kind(edges.length > 1 && !isAny);
    const node: NodeDefinition = { id, type: kind.type, ...kind.make({ random, ancestors: [...ancestors] }) };
    if (isAny) node.join = "any";
    const share = MAY_FAIL.has(kind.type) ? 0.5 : 0.12;
    if (kind.kind !== "unavailable" && random.chance(share)) node.on_error = "continue";
    this.#nodes.push(node);
    this.#edges.push(...edges);
  }

  done(): Workflow {
    const random = this.#random;
    const shuffle = <Item>(items: Item[]) =>
      items
        .map((item) => ({ item, rank: random.next() }))
        .sort((left, right) => left.rank - right.rank)
        .map(({ item }) => item);
    return { nodes: shuffle(this.#nodes), edges: shuffle(this.#edges) };
  }

  #kind(isJoin: boolean): NodeKind {
    const random = this.#random;
    if (isJoin && (this.#growingJoins >= GROWING_JOINS_MAX || random.chance(0.6)))
      return kindOf(random.pick(SHRINKING));
    if (isJoin) this.#growingJoins += 1;
    let left = random.next() * NODE_KINDS.reduce((sum, kind) => sum + kind.weight, 0);
    for (const kind of NODE_KINDS) {
      left -= kind.weight;
      if (left < 0) return kind;
    }
    return NODE_KINDS[0] as NodeKind;
  }

  /** Nearby nodes more often than far ones; now and then the same one twice. */
  #predecessors(): NodeDefinition[] {
    const random = this.#random;
    const count = this.#nodes.length;
    if (count === 0 || random.chance(0.06)) return [];
    const many = random.next();
    const wanted = many < 0.62 ? 1 : many < 0.85 ? 2 : random.between(3, 5);
    return Array.from({ length: wanted }, () => {
      const back = random.chance(0.6) ? random.between(1, Math.min(4, count)) : random.between(1, count);
      return this.#nodes[count - back] as NodeDefinition;
    });
  }

  #edge(from: NodeDefinition, to: string): EdgeDefinition | null {
    const random = this.#random;
    const edge: EdgeDefinition = { from: from.id, to };
    const decides = from.type === "conditional" && from.config?.condition !== undefined;
    if (from.on_error !== "continue" && random.chance(decides ? 0.08 : 0.14)) edge.on = "failure";
    if (decides && edge.on === undefined) edge.branch = random.pick(["if", "else"]);
    else if (random.chance(0.25)) {
      edge.condition = makeCondition(random, [...(this.#ancestors.get(from.id) ?? []), from.id]);
    }
    const identity = JSON.stringify(edge);
    if (this.#seen.has(identity)) return null;
    this.#seen.add(identity);
    return edge;
  }
}
