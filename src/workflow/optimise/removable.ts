/**
 * Which of the edges that are never taken, and of the nodes that are never reached, can go without a trace. Even a way
 * that nobody goes means something: it gives a join its shape, keeps a node from being an end, and makes others wait.
 */
import type { CompiledEdge, CompiledNode } from "../graph.ts";
import type { Inspection } from "./inspection.ts";
import { namesRead, namesReadBy, readsInput, readsNodesAsAWhole } from "./reading.ts";
import { Waits } from "./waits.ts";

export interface Removable {
  edges: ReadonlySet<CompiledEdge>;
  nodes: ReadonlySet<string>;
}

export function findRemovable(inspection: Inspection): Removable {
  const { never, graph } = inspection;
  if (never.edges.size === 0 || readsNodesAsAWhole(graph)) return { edges: new Set(), nodes: new Set() };
  const keeping = new Keeping(inspection);
  keeping.keepWhatIsMeant();
  const before = new Waits(inspection);
  const live = before.setOf(inspection.order.filter((id) => !never.nodes.has(id)));
  const after = new Waits(inspection, keeping.dropped());
  // Keeping more only makes more nodes wait: whoever loses nothing now loses nothing then.
  for (const { to } of keeping.dropped()) {
    if (!never.nodes.has(to) && !after.keeps(to, before, live)) keeping.keepDeadEdges(inspection.node(to).incoming);
  }
  return { edges: keeping.dropped(), nodes: new Set([...never.nodes].filter((id) => !keeping.nodes.has(id))) };
}

/** What must stay, and all that must stay with it. */
class Keeping {
  readonly edges = new Set<CompiledEdge>();
  readonly nodes = new Set<string>();
  /** Those of the nodes that are read by name. */
  readonly #read = new Set<string>();
  readonly #inspection: Inspection;
  readonly #pending: (() => void)[] = [];

  constructor(inspection: Inspection) {
    this.#inspection = inspection;
  }

  keepWhatIsMeant(): void {
    const { order, never } = this.#inspection;
    for (const id of order) {
      const node = this.#inspection.node(id);
      const isLive = !never.nodes.has(id);
      if (this.#inspection.isFixed(id)) {
        this.#keepNode(id);
        this.keepDeadEdges([...node.incoming, ...node.outgoing]);
      } else if (isLive) this.#keepMeaningOf(node);
      if (isLive) for (const read of namesRead(node)) this.#keepRead(read);
    }
    this.#settle();
  }

  /** The edges that nothing keeps. */
  dropped(): Set<CompiledEdge> {
    return new Set([...this.#inspection.never.edges.keys()].filter((edge) => !this.edges.has(edge)));
  }

  keepDeadEdges(edges: readonly CompiledEdge[]): void {
    for (const edge of edges) this.#keepEdge(edge);
    this.#settle();
  }

  /** What a node that runs draws from ways that are never taken. */
  #keepMeaningOf(node: CompiledNode): void {
    const { edges } = this.#inspection.never;
    const success = node.outgoing.filter((edge) => edge.on === "success");
    const isDead = (edge: CompiledEdge) => edges.has(edge);
    // Without a way on, its output would be one of the run's.
    if (success.every(isDead)) this.keepDeadEdges(success);
    // Rule 3: without conditions an approval's ways on mean "approved".
    if (node.type.type === "hitl") this.keepDeadEdges(node.outgoing);
    const left = node.incoming.filter((edge) => !isDead(edge)).length;
    // One edge alone gives its value bare; an `any` join is skipped only once the last of its edges is resolved.
    const losesShape = node.join === "all" && left === 1 && readsInput(node);
    if (node.incoming.length > 1 && (losesShape || node.join === "any")) this.keepDeadEdges(node.incoming);
  }

  #keepEdge(edge: CompiledEdge): void {
    const { never } = this.#inspection;
    if (!never.edges.has(edge) || this.edges.has(edge)) return;
    this.edges.add(edge);
    this.#pending.push(() => {
      for (const id of [edge.from, edge.to]) if (never.nodes.has(id)) this.#keepNode(id);
      for (const read of namesReadBy(edge)) this.#keepRead(read);
    });
  }

  /** A node stays with all its ways in: without one it would start with the run. */
  #keepNode(id: string): void {
    if (!this.#inspection.never.nodes.has(id) || this.nodes.has(id)) return;
    this.nodes.add(id);
    const node = this.#inspection.node(id);
    this.#pending.push(() => {
      for (const edge of node.incoming) this.#keepEdge(edge);
      for (const read of namesRead(node)) this.#keepRead(read);
    });
  }

  /** What is read by name stays, with all its ways on: its reader must stand behind it. */
  #keepRead(id: string): void {
    if (!this.#inspection.never.nodes.has(id) || this.#read.has(id)) return;
    this.#read.add(id);
    this.#keepNode(id);
    this.#pending.push(() => {
      for (const edge of this.#inspection.node(id).outgoing) {
        this.#keepEdge(edge);
        this.#keepRead(edge.to);
      }
    });
  }

  /** Worked off as a list: a chain may be as long as a definition. */
  #settle(): void {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) next();
  }
}
