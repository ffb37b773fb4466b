/** A definition as the model reads it: nodes by id, and edges by the names that events give them. */
import type { EdgeDefinition, NodeDefinition } from "#workflow/definition.ts";

export interface ModelEdge {
  /** `<to>`, with `#2`, `#3` … for further edges between the same two nodes: as `edge.resolved` names it. */
  name: string;
  from: string;
  to: string;
  on: "success" | "failure";
  branch: string | undefined;
  condition: string | undefined;
}

export class DefinitionModel {
  readonly nodes: ReadonlyMap<string, NodeDefinition>;
  readonly #incoming = new Map<string, ModelEdge[]>();
  readonly #outgoing = new Map<string, ModelEdge[]>();

  constructor(nodes: readonly NodeDefinition[], edges: readonly EdgeDefinition[]) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    const pairs = new Map<string, number>();
    for (const { from, to, on = "success", branch, condition } of edges) {
      const nth = (pairs.get(`${from}>${to}`) ?? 0) + 1;
      pairs.set(`${from}>${to}`, nth);
      const edge = { name: nth === 1 ? to : `${to}#${nth}`, from, to, on, branch, condition };
      push(this.#incoming, to, edge);
      push(this.#outgoing, from, edge);
    }
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

  /** Nodes whose outputs are the run's. */
  terminals(): string[] {
    return [...this.nodes.keys()].filter((id) => !this.outgoing(id).some((edge) => edge.on === "success"));
  }
}

function push(lists: Map<string, ModelEdge[]>, key: string, edge: ModelEdge): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [edge]);
  else list.push(edge);
}
