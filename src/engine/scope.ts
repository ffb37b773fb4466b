/** What expressions and templates of a run may read, taken from its state on demand. */
import type { CelProgram, CelVariables } from "#expression/cel.ts";
import type { TemplateScope } from "#expression/template.ts";
import { rfc3339 } from "#kernel/clock.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import type { StoredBeside, StoredValue } from "./events.ts";
import type { RunState } from "./state.ts";

/** The path under which a run's own inputs are stored; no node can have it. */
export const INPUTS_PATH = "";

/** Reads a large value back from beside the log. */
export type ReadStored = (path: string, visit: number) => Json;

export class Scope {
  readonly #state: RunState;
  readonly #graph: CompiledGraph;
  readonly #readStored: ReadStored;
  /** Large values already read: parsed once however often they are referred to. */
  readonly #known = new Map<string, Json>();

  constructor(state: RunState, graph: CompiledGraph, readStored: ReadStored) {
    this.#state = state;
    this.#graph = graph;
    this.#readStored = readStored;
  }

  get inputs(): Json {
    return this.#read(this.#state.inputs, INPUTS_PATH, 0);
  }

  /** The output of a node's latest completed visit; null when it has none. */
  output(id: string): Json {
    const node = this.#state.nodes.get(id);
    if (node === undefined || node.status !== "completed" || node.output === null) return null;
    return this.#read(node.output, id, node.visit);
  }

  /** The input as it is stored, when it is one value that stands beside the log. */
  storedInput(node: CompiledNode): StoredBeside | null {
    if (node.incoming.length === 0) {
      const { inputs } = this.#state;
      return "value" in inputs ? null : { at: { path: INPUTS_PATH, visit: 0 }, ...inputs };
    }
    if (node.incoming.length > 1 && node.join === "all") return null;
    const from = node.incoming.length === 1 ? node.incoming[0]?.from : this.#state.nodes.get(node.id)?.via;
    const carrier = this.#state.nodes.get(from ?? "");
    if (carrier?.status !== "completed" || carrier.output === null || "value" in carrier.output) return null;
    return { at: { path: from ?? "", visit: carrier.visit }, ...carrier.output };
  }

  /**
   * A node's input has a static shape: the run's inputs for an entry node; with one incoming edge what came along it;
   * with several an object of those taken, by predecessor; with `join: "any"` what came along the first.
   */
  input(node: CompiledNode): Json {
    if (node.incoming.length === 0) return this.inputs;
    if (node.incoming.length === 1) return this.#carried(node.incoming[0]?.from ?? "");
    if (node.join === "any") return this.#carried(this.#state.nodes.get(node.id)?.via ?? "");
    const input: JsonObject = {};
    for (const edge of node.incoming) {
      if (this.#state.edges.get(edge.key) === "taken") input[edge.from] = this.#carried(edge.from);
    }
    return input;
  }

  /** Variables for a program: only the ones it names, since outputs can be large. */
  variables(
    program: CelProgram,
    own: { output: Json; via?: string | null; item?: Json; index?: number },
  ): CelVariables {
    const { references } = program;
    const variables: CelVariables = { output: own.output, iteration: 0 };
    if (references.variables.has("inputs")) variables.inputs = this.inputs;
    if (references.variables.has("run")) variables.run = this.run(own.via ?? null);
    if (references.variables.has("nodes") || references.variables.has("ctx")) variables.nodes = this.#nodes(program);
    if (own.item !== undefined) variables.item = own.item;
    if (own.index !== undefined) variables.index = own.index;
    return variables;
  }

  /**
   * What a node's templates may read. A node that ended after this one began (beside an `any` join) reads as absent, so
   * that every attempt of a visit gets the same config under its one idempotency key.
   */
  templateScope(id: string): TemplateScope {
    const { via = null, began_seq: beganSeq = 0 } = this.#state.nodes.get(id) ?? {};
    const scope = this;
    return {
      get inputs() {
        return scope.inputs;
      },
      get run() {
        return scope.run(via);
      },
      iteration: 0,
      node: (other) => {
        const node = this.#state.nodes.get(other);
        const isThere = node?.status === "completed" && (beganSeq === 0 || node.ended_seq < beganSeq);
        return isThere ? { state: "completed", output: this.output(other) } : { state: "absent" };
      },
    };
  }

  run(via: string | null): JsonObject {
    const { run_id, workflow, labels, priority, submitted_at } = this.#state;
    return { id: run_id, workflow, labels, priority, submitted_at: rfc3339(submitted_at), via };
  }

  /** What an edge out of `id` carries: the output of a completed node, the error of a failed one. */
  #carried(id: string): Json {
    const node = this.#state.nodes.get(id);
    return node?.status === "failed" && node.error !== null ? errorObject(node.error, id) : this.output(id);
  }

  #nodes(program: CelProgram): JsonObject {
    const { references } = program;
    const ids = references.dynamicNodes ? this.#graph.nodes.keys() : references.nodes;
    const outputs: JsonObject = {};
    for (const id of ids) outputs[id] = this.output(id);
    return outputs;
  }

  #read(stored: StoredValue, path: string, visit: number): Json {
    if ("value" in stored) return stored.value;
    const { path: at, visit: of } = stored.at ?? { path, visit };
    const key = `${at}/${of}`;
    let value = this.#known.get(key);
    if (value === undefined) {
      value = this.#readStored(at, of);
      this.#known.set(key, value);
    }
    return value;
  }
}

/** A node's failure as data: what a failure edge carries, and the output of a node that continues on error. */
export function errorObject(error: NodeError, node: string): JsonObject {
  return { code: error.code, message: error.message, node, ...(error.details ? { details: error.details } : {}) };
}
