/**
 * Which nodes must have ended before a node can start, whatever a run does: what an edge guarantees besides carrying a
 * value. A patch that loses one of these would let work begin too early. Sets are bits, one a node.
 */
import type { CompiledEdge } from "../graph.ts";
import type { Inspection } from "./inspection.ts";

export class Waits {
  readonly #words: number;
  readonly #bits = new Map<string, number>();
  readonly #before = new Map<string, Uint32Array>();

  /** `without`: edges to judge as if they were not there; none of them may lead into an `any` join. */
  constructor(inspection: Inspection, without: ReadonlySet<CompiledEdge> = new Set()) {
    const { order, never } = inspection;
    this.#words = Math.ceil(order.length / 32);
    for (const [bit, id] of order.entries()) this.#bits.set(id, bit);
    for (const id of order) {
      const node = inspection.node(id);
      const incoming = node.incoming.filter((edge) => !without.has(edge));
      const startsOnFirst = node.join === "any" && node.incoming.length > 1 && !never.nodes.has(id);
      // It may start on any edge that can be taken: only what all of those guarantee is certain.
      const counted = startsOnFirst ? incoming.filter((edge) => !never.edges.has(edge)) : incoming;
      this.#before.set(id, this.#join(counted, startsOnFirst));
    }
  }

  /** Whether `first` must have ended before `id` can start. */
  includes(id: string, first: string): boolean {
    const bit = this.#bits.get(first);
    const before = this.#before.get(id);
    return bit !== undefined && before !== undefined && ((before[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  /** Whether `id` waits for every node of `among` that it waits for in `other`. */
  keeps(id: string, other: Waits, among: Uint32Array): boolean {
    const [mine, theirs] = [this.#before.get(id), other.#before.get(id)];
    if (mine === undefined || theirs === undefined) return false;
    return theirs.every((word, index) => (word & (among[index] ?? 0) & ~(mine[index] ?? 0)) === 0);
  }

  setOf(ids: Iterable<string>): Uint32Array {
    const set = new Uint32Array(this.#words);
    for (const id of ids) this.#add(set, id);
    return set;
  }

  #join(edges: readonly CompiledEdge[], inCommon: boolean): Uint32Array {
    const joined = new Uint32Array(this.#words);
    for (const [position, { from }] of edges.entries()) {
      const through = Uint32Array.from(this.#before.get(from) ?? []);
      this.#add(through, from);
      for (let index = 0; index < joined.length; index++) {
        const [all, own] = [joined[index] ?? 0, through[index] ?? 0];
        joined[index] = inCommon && position > 0 ? all & own : all | own;
      }
    }
    return joined;
  }

  #add(set: Uint32Array, id: string): void {
    const bit = this.#bits.get(id);
    if (bit !== undefined) set[bit >>> 5] = (set[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}
