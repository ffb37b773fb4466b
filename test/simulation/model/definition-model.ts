/** A definition as the model reads it: nodes by id, loops with their bodies, and edges by the names that events give them. */
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";

/** How a pass of a loop that goes on no more has ended, and the edges that stand in for either. */
export type Exit = "break" | "timeout" | "plain";

export interface ModelEdge {
  /** `<to>`, with `#2`, `#3` … for further edges between the same two nodes: as `edge.resolved` names it. */
  name: string;
  from: string;
  to: string;
  on: "success" | "failure";
  branch: string | undefined;
  condition: string | undefined;
  /** Out of a loop node: what takes it. */
  exits: readonly Exit[];
  /** The outermost loop that it leaves from within: while that goes on it may still be taken. */
  leaves: string | null;
}

export interface ModelLoop {
  id: string;
  head: string;
  body: ReadonlySet<string>;
  passes: number;
}

type Arrow = Pick<EdgeDefinition, "from" | "to"> & Partial<EdgeDefinition> & { exits: Exit[] };

export class DefinitionModel {
  readonly nodes: ReadonlyMap<string, NodeDefinition>;
  readonly edges: readonly EdgeDefinition[];
  readonly loops = new Map<string, ModelLoop>();
  readonly #incoming = new Map<string, ModelEdge[]>();
  readonly #outgoing = new Map<string, ModelEdge[]>();

  constructor(nodes: readonly NodeDefinition[], edges: readonly EdgeDefinition[]) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    this.edges = edges;
    const arrows = [...edges.flatMap((edge) => this.#written(edge) ?? []), ...this.#implied(edges)];
    for (const { id, type, config = {} } of nodes) {
      if (type !== "loop") continue;
      const head = String(config.loop_back_to);
      const after = reach(head, arrows, "from", "to");
      const body = new Set([...reach(id, arrows, "to", "from")].filter((other) => after.has(other)));
      this.loops.set(id, { id, head, body, passes: Number(config.max_iterations) });
    }
    const pairs = new Map<string, number>();
    for (const { from, to, on = "success", branch, condition, exits } of arrows) {
      const nth = (pairs.get(`${from}>${to}`) ?? 0) + 1;
      pairs.set(`${from}>${to}`, nth);
      const left = this.around(from).filter((loop) => loop.id !== from && !loop.body.has(to));
      const leaves = left.at(-1)?.id ?? null;
      const edge = { name: nth === 1 ? to : `${to}#${nth}`, from, to, on, branch, condition, exits, leaves };
      push(this.#incoming, to, edge);
      push(this.#outgoing, from, edge);
    }
  }

  /** An edge that leads forward; null for a loop's way back. */
  #written(edge: EdgeDefinition): Arrow | null {
    const from = this.nodes.get(edge.from);
    if (from?.type !== "loop" || edge.on === "failure") return { ...edge, exits: [] };
    if (edge.to === from.config?.loop_back_to) return null;
    const exits = edge.condition === undefined ? exitsTo(from, edge.to) : [];
    return { ...edge, exits: exits.length === 0 ? ["plain"] : exits };
  }

  /** Ways out that only a loop's config tells of. */
  #implied(edges: readonly EdgeDefinition[]): Arrow[] {
    return [...this.nodes.values()].flatMap((node) => {
      if (node.type !== "loop") return [];
      const targets = new Set([...idsIn(node, "break_path"), ...idsIn(node, "timeout_path")]);
      const isWritten = (to: string) =>
        edges.some(
          (edge) => edge.from === node.id && edge.to === to && edge.on !== "failure" && edge.condition === undefined,
        );
      return [...targets].filter((to) => !isWritten(to)).map((to) => ({ from: node.id, to, exits: exitsTo(node, to) }));
    });
  }

  node(id: string): NodeDefinition {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  incoming(id: string): readonly ModelEdge[] {
    return this.#incoming.get(id) ?? [];
  }

  outgoing(id: string): readonly ModelEdge[] {
    return this.#outgoing.get(id) ?? [];
  }

  /** The loops that a node is repeated by, the innermost first. */
  around(id: string): ModelLoop[] {
    return [...this.loops.values()]
      .filter((loop) => loop.body.has(id))
      .sort((left, right) => left.body.size - right.body.size);
  }

  /** These nodes and all that a way forward leads to. */
  downstream(ids: Iterable<string>): Set<string> {
    const found = new Set(ids);
    for (const id of found) for (const edge of this.outgoing(id)) found.add(edge.to);
    return found;
  }

  /** Nodes whose outputs are the run's. */
  terminals(): string[] {
    return [...this.nodes.keys()].filter((id) => !this.outgoing(id).some((edge) => edge.on === "success"));
  }
}

function exitsTo(loop: NodeDefinition, to: string): Exit[] {
  const exits: Exit[] = [];
  if (idsIn(loop, "break_path").includes(to)) exits.push("break");
  if (idsIn(loop, "timeout_path").includes(to)) exits.push("timeout");
  return exits;
}

function idsIn(loop: NodeDefinition, key: "break_path" | "timeout_path"): string[] {
  return [loop.config?.[key] ?? []].flat() as string[];
}

function reach(start: string, arrows: readonly Arrow[], near: "from" | "to", far: "from" | "to"): Set<string> {
  const found = new Set([start]);
  for (const id of found) for (const arrow of arrows) if (arrow[near] === id) found.add(arrow[far]);
  return found;
}

function push(lists: Map<string, ModelEdge[]>, key: string, edge: ModelEdge): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [edge]);
  else list.push(edge);
}
