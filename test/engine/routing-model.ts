/**
 * Rules 1, 2, 4 and 7 said again, for a whole run without loops at once: from the first node to the last, what becomes
 * of it, of its edges, and of the run. Which edge came first at a join of any is asked, since it depends on the order
 * of events.
 */
import type { Json, JsonObject } from "#kernel/json.ts";
import type { Condition, Flow, FlowEdge, FlowNode } from "../support/arbitrary-flow.ts";

export interface EndedNode {
  status: "completed" | "failed" | "skipped";
  /** What its edges carry. */
  carries: Json;
  taken: ReadonlySet<FlowEdge>;
  /** A failure that no edge takes. */
  isUnhandled: boolean;
  /** Conditions that read a missing field when its edges were chosen. */
  warnings: number;
}

export interface RunModel {
  nodes: Map<string, EndedNode>;
  outputs: JsonObject;
}

class ConditionFailed extends Error {}

/** `via` says of a join of any whose edge came first. */
export function modelRun(flow: Flow, via: (id: string) => string | null): RunModel {
  const nodes = new Map<string, EndedNode>();
  for (const node of flow.nodes) {
    const incoming = flow.edges.filter((edge) => edge.to === node.id);
    const outgoing = flow.edges.filter((edge) => edge.from === node.id);
    const taken = incoming.filter((edge) => nodes.get(edge.from)?.taken.has(edge));
    if (incoming.length > 0 && taken.length === 0) nodes.set(node.id, skipped());
    else nodes.set(node.id, new NodeModel(node, outgoing, flow.inputs).end(inputOf(node, incoming, taken)));
  }

  function inputOf(node: FlowNode, incoming: FlowEdge[], taken: FlowEdge[]): Json {
    const carried = (id: string) => nodes.get(id)?.carries ?? null;
    if (incoming.length === 0) return flow.inputs;
    if (incoming.length === 1) return carried(incoming[0]?.from ?? "");
    if (node.join === "any") return carried(via(node.id) ?? taken[0]?.from ?? "");
    return Object.fromEntries(taken.map((edge) => [edge.from, carried(edge.from)]));
  }

  const ends = flow.nodes.filter(({ id }) => !flow.edges.some((edge) => edge.from === id && edge.on === "success"));
  const completed = ends.filter(({ id }) => nodes.get(id)?.status === "completed");
  return { nodes, outputs: Object.fromEntries(completed.map(({ id }) => [id, nodes.get(id)?.carries ?? null])) };
}

function skipped(): EndedNode {
  return { status: "skipped", carries: null, taken: new Set(), isUnhandled: false, warnings: 0 };
}

class NodeModel {
  readonly #node: FlowNode;
  readonly #edges: readonly FlowEdge[];
  readonly #inputs: JsonObject;
  #warnings = 0;

  constructor(node: FlowNode, edges: readonly FlowEdge[], inputs: JsonObject) {
    this.#node = node;
    this.#edges = edges;
    this.#inputs = inputs;
  }

  end(input: Json): EndedNode {
    const { id, type, fails } = this.#node;
    if (type === "file-search") return this.#passedOver();
    if (fails && (type === "transform" || type === "http")) {
      return this.#afterFailure(type === "http" ? "http_status" : "expression_failed");
    }
    const output = type === "transform" ? { id, in: input } : type === "http" ? { id } : input;
    return this.#completed(output) ?? this.#afterFailure("expression_failed");
  }

  /** What fails is completed with its error when the node continues; once more is not possible. */
  #afterFailure(code: string): EndedNode {
    const error = { code, node: this.#node.id };
    const completed = this.#node.continues ? this.#completed(error) : null;
    if (completed !== null) return completed;
    return this.#failed(this.#node.continues ? "expression_failed" : code);
  }

  #completed(output: Json): EndedNode | null {
    const taken = this.#choose("success", output);
    return taken === null ? null : this.#ended("completed", output, taken);
  }

  #passedOver(): EndedNode {
    const taken = this.#choose("success", null);
    return taken === null ? this.#failed("expression_failed") : this.#ended("skipped", null, taken);
  }

  #failed(code: string): EndedNode {
    const error = { code, node: this.#node.id };
    const taken = this.#choose("failure", error) ?? [];
    return this.#ended("failed", error, taken);
  }

  #ended(status: EndedNode["status"], carries: Json, taken: readonly FlowEdge[]): EndedNode {
    const isUnhandled = status === "failed" && taken.length === 0;
    return { status, carries, taken: new Set(taken), isUnhandled, warnings: this.#warnings };
  }

  /** Rules 1 and 2; null when a condition cannot be judged. */
  #choose(on: FlowEdge["on"], output: Json): FlowEdge[] | null {
    const known = new Map<string, boolean>();
    const holds = ({ source, holds }: Condition): boolean => {
      const held = holds(output, this.#inputs);
      if (held === "error") throw new ConditionFailed();
      known.set(source, held === "missing");
      return held === true;
    };
    try {
      const taken = this.#chosen(on, holds);
      this.#warnings += [...known.values()].filter((isMissing) => isMissing).length;
      return taken;
    } catch (error) {
      if (error instanceof ConditionFailed) return null;
      throw error;
    }
  }

  #chosen(on: FlowEdge["on"], holds: (condition: Condition) => boolean): FlowEdge[] {
    const { type, condition } = this.#node;
    const edges = this.#edges.filter((edge) => edge.on === on);
    if (type === "conditional" && condition !== null && on === "success") {
      const branch = holds(condition) ? "if" : "else";
      return edges.filter((edge) => edge.branch === branch);
    }
    if (type === "parallel" && on === "success") {
      return edges.filter((edge) => edge.condition === null || holds(edge.condition));
    }
    const first = edges.find((edge) => edge.condition !== null && holds(edge.condition));
    return edges.filter((edge) => edge.condition?.source === first?.condition?.source);
  }
}
