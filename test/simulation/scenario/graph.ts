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

/** Loops in loops: no deeper than this, and no more passes of each than this. */
const DEPTH_MAX = 2;
const PASSES_MAX = 3;

/** What a workflow may start, and by how many of its nodes. */
export interface Calls {
  names: readonly string[];
  most: number;
}

export const NO_CALLS: Calls = { names: [], most: 0 };

export function randomWorkflow(random: Seeded, size: number, calls = NO_CALLS): Workflow {
  const graph = new Growing(random, calls);
  const hasLoops = random.chance(0.4);
  while (graph.size < size) {
    if (hasLoops && random.chance(0.15)) graph.addLoop(Math.min(size - graph.size, 8), 1);
    else graph.add();
  }
  return graph.done();
}

class Growing {
  readonly #random: Seeded;
  readonly #nodes: NodeDefinition[] = [];
  readonly #edges: EdgeDefinition[] = [];
  readonly #ancestors = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();
  /** Nodes of bodies that are complete: only failure edges lead out of them. */
  readonly #closed = new Set<string>();
  /** Where the bodies that are being made begin, the innermost last: all after that must come from within. */
  readonly #begun: number[] = [];
  #growingJoins = 0;

  readonly #calls: Calls;

  constructor(random: Seeded, calls: Calls) {
    this.#random = random;
    this.#calls = calls;
  }

  get size(): number {
    return this.#nodes.length;
  }

  add(): void {
    const random = this.#random;
    const id = `n${this.#nodes.length}`;
    const before = this.#predecessors();
    const edges = before.flatMap((from) => this.#edge(from, id) ?? []);
    const isAny = edges.length > 1 && random.chance(0.25);
    const kind = this.#kind(edges.length > 1 && !isAny);
    this.#put(id, kind, edges, isAny);
  }

  #put(id: string, kind: NodeKind, edges: EdgeDefinition[], isAny: boolean): NodeDefinition {
    const random = this.#random;
    const ancestors = new Set(edges.flatMap((edge) => [edge.from, ...(this.#ancestors.get(edge.from) ?? [])]));
    this.#ancestors.set(id, ancestors);
    const node: NodeDefinition = {
      id,
      type: kind.type,
      ...kind.make({ random, ancestors: [...ancestors], callable: this.#calls.names }),
    };
    if (isAny) node.join = "any";
    const share = MAY_FAIL.has(kind.type) ? 0.5 : 0.12;
    if (kind.kind !== "unavailable" && random.chance(share)) node.on_error = "continue";
    this.#nodes.push(node);
    this.#edges.push(...edges);
    return node;
  }

  /** A head, a body that comes from it alone or also from outside, and the loop node at its end. */
  addLoop(size: number, depth: number): void {
    const random = this.#random;
    this.add();
    const head = this.#nodes.length - 1;
    this.#begun.push(head);
    const until = head + 1 + random.between(0, Math.max(0, size - 2));
    while (this.#nodes.length < until) {
      if (depth < DEPTH_MAX && random.chance(0.2)) this.addLoop(until - this.#nodes.length, depth + 1);
      else this.add();
    }
    let ends = this.#ends(head);
    const isAny = ends.length > 1 && random.chance(0.5);
    if (ends.length > 1 && !isAny) {
      const id = `n${this.#nodes.length}`;
      this.#put(
        id,
        kindOf(random.pick(SHRINKING)),
        ends.map((from) => this.#endOfBody(from, id)),
        false,
      );
      ends = [id];
    }
    this.#begun.pop();
    const id = `n${this.#nodes.length}`;
    const edges = ends.map((from) => this.#endOfBody(from, id));
    const node = this.#put(id, kindOf("loop"), edges, isAny);
    node.config = { max_iterations: random.between(1, PASSES_MAX), loop_back_to: `n${head}` };
    if (random.chance(0.6)) node.config.condition = makeCondition(random, [...(this.#ancestors.get(id) ?? [])]);
    for (const { id: inside } of this.#nodes.slice(head, -1)) this.#closed.add(inside);
  }

  /** Nodes of a body that nothing in it follows but by failure. */
  #ends(head: number): string[] {
    const inside = this.#nodes.slice(head).filter(({ id }) => !this.#closed.has(id));
    const followed = new Set(this.#edges.filter((edge) => edge.on !== "failure").map((edge) => edge.from));
    const ends = inside.filter(({ id }) => !followed.has(id)).map(({ id }) => id);
    const last = inside.at(-1)?.id;
    return ends.length > 0 || last === undefined ? ends : [last];
  }

  /** A way to the end of a body, which must be there whether it is taken or not. */
  #endOfBody(from: string, to: string): EdgeDefinition {
    const random = this.#random;
    const node = this.#nodes.find(({ id }) => id === from);
    if (node?.type === "conditional" && node.config?.condition !== undefined) {
      return { from, to, branch: random.pick(["if", "else"]) };
    }
    return random.chance(0.15) ? { from, to, condition: this.#condition(from) } : { from, to };
  }

  #condition(from: string): string {
    return makeCondition(this.#random, [...(this.#ancestors.get(from) ?? []), from]);
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
    const kinds = NODE_KINDS.filter((kind) => this.#hasRoomFor(kind));
    let left = random.next() * kinds.reduce((sum, kind) => sum + kind.weight, 0);
    const chosen = kinds.find((kind) => {
      left -= kind.weight;
      return left < 0;
    });
    return chosen ?? (kinds[0] as NodeKind);
  }

  #hasRoomFor({ type, waits, most = Number.POSITIVE_INFINITY }: NodeKind): boolean {
    const bound = waits === "child" ? Math.min(this.#calls.names.length, 1) * this.#calls.most : most;
    return bound === Number.POSITIVE_INFINITY || this.#nodes.filter((node) => node.type === type).length < bound;
  }

  /** Nearby nodes more often than far ones; now and then the same one twice. In a body one of them is of the body. */
  #predecessors(): NodeDefinition[] {
    const random = this.#random;
    const count = this.#nodes.length;
    const begun = this.#begun.at(-1);
    if (count === 0 || (begun === undefined && random.chance(0.06))) return [];
    const many = random.next();
    const wanted = many < 0.62 ? 1 : many < 0.85 ? 2 : random.between(3, 5);
    const found = Array.from({ length: wanted }, (_, index) => {
      const most = begun !== undefined && (index === 0 || random.chance(0.8)) ? count - begun : count;
      const back = random.chance(0.6) ? random.between(1, Math.min(4, most)) : random.between(1, most);
      return this.#nodes[count - back] as NodeDefinition;
    });
    const isOfBody =
      begun === undefined ||
      found.some(({ id }) => !this.#closed.has(id) && this.#nodes.findIndex((node) => node.id === id) >= begun);
    return isOfBody ? found : [...found, this.#nodes[begun] as NodeDefinition];
  }

  #edge(from: NodeDefinition, to: string): EdgeDefinition | null {
    const random = this.#random;
    const edge: EdgeDefinition = { from: from.id, to };
    const isClosed = this.#closed.has(from.id);
    if (isClosed && (from.on_error === "continue" || random.chance(0.5))) return null;
    const decides = from.type === "conditional" && from.config?.condition !== undefined;
    if (from.on_error !== "continue" && (isClosed || random.chance(decides ? 0.08 : 0.14))) edge.on = "failure";
    const isWayOut = from.type === "loop" && edge.on === undefined;
    if (isWayOut && this.#seen.has(`${from.id}>${to}`)) return null;
    this.#seen.add(`${from.id}>${to}`);
    if (isWayOut && random.chance(0.6)) {
      const key = random.pick(["break_path", "timeout_path"]);
      from.config = { ...from.config, [key]: [...[from.config?.[key] ?? []].flat(), to] };
      if (random.chance(0.5)) return null;
    } else if (decides && edge.on === undefined) edge.branch = random.pick(["if", "else"]);
    else if (random.chance(0.25)) edge.condition = this.#condition(from.id);
    const identity = JSON.stringify(edge);
    if (this.#seen.has(identity)) return null;
    this.#seen.add(identity);
    return edge;
  }
}
