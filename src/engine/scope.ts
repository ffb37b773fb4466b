/** What expressions and templates of a run may read, taken from its state on demand. */
import type { CelProgram, CelVariables } from "#expression/cel.ts";
import type { TemplateScope } from "#expression/template.ts";
import { rfc3339 } from "#kernel/clock.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import type { StoredBeside, StoredValue } from "./events.ts";
import { nodeOf, partOf } from "./path.ts";
import type { NodeState, RunState } from "./state.ts";

/** Paths under which what no node gave is stored; no node can have them. */
export const INPUTS_PATH = "";
export const SIGNAL_PATH = ">signal";
export const PATCH_PATH = ">patch";

/** Reads a large value back from beside the log. */
export type ReadStored = (path: string, visit: number) => Json;

/** The output that a node has for others, and where it stands. */
interface Given {
  output: StoredValue;
  visit: number;
  ended_seq: number;
}

export class Scope {
  readonly #state: RunState;
  #graph: CompiledGraph;
  readonly #readStored: ReadStored;
  /** Large values already read: parsed once however often they are referred to. */
  readonly #known = new Map<string, Json>();
  /** Items of maps, by path and visit. */
  readonly #items = new Map<string, readonly Json[]>();

  constructor(state: RunState, graph: CompiledGraph, readStored: ReadStored) {
    this.#state = state;
    this.#graph = graph;
    this.#readStored = readStored;
  }

  /** The run goes on with a patched graph. */
  adopt(graph: CompiledGraph): void {
    this.#graph = graph;
  }

  get inputs(): Json {
    return this.read(this.#state.inputs, INPUTS_PATH, 0);
  }

  /** The pass of the innermost loop around a node; 0 in the first, and where there is none. */
  iteration(path: string): number {
    const [loop] = this.#graph.nodes.get(nodeOf(path))?.loops ?? [];
    return loop === undefined ? 0 : (this.#state.passes.get(loop) ?? 0);
  }

  /** The output of a node's latest completed visit; null when it has none, or was skipped or failed since. */
  output(id: string): Json {
    const given = givenBy(this.#state.nodes.get(id));
    return given === null ? null : this.read(given.output, id, given.visit);
  }

  /** The input as it is stored, when it is one value that stands beside the log. */
  storedInput(node: CompiledNode): StoredBeside | null {
    const from = this.#source(node);
    if (from === null) return null;
    if (from === INPUTS_PATH) {
      const { inputs } = this.#state;
      return "value" in inputs ? null : { at: { path: INPUTS_PATH, visit: 0 }, ...inputs };
    }
    const carrier = this.#state.nodes.get(from);
    const given = givenBy(carrier);
    if (carrier?.status === "failed" || given === null || "value" in given.output) return null;
    return { at: { path: from, visit: given.visit }, ...given.output };
  }

  /**
   * A node's input has a static shape: the run's inputs for an entry node; with one incoming edge what came along it;
   * with several an object of those taken, by predecessor; with `join: "any"` what came along the first. A loop's head
   * gets the loop node's output in every pass but the first; an item of a map is its own input.
   */
  input(node: CompiledNode): Json {
    const item = this.item(node.id);
    if (item !== null) return item.item;
    const from = this.#source(node);
    if (from === INPUTS_PATH) return this.inputs;
    if (from !== null) return this.#carried(from);
    const input: JsonObject = {};
    for (const edge of node.incoming) {
      if (this.#state.edges.get(edge.key) === "taken") input[edge.from] = this.#carried(edge.from);
    }
    return input;
  }

  /** The one node whose value is the input as it is; null when several come together. */
  #source(node: CompiledNode): string | null {
    const state = this.#state.nodes.get(node.id);
    if (state?.again === true) return this.#loopBackTo(node);
    if (node.incoming.length === 0) return INPUTS_PATH;
    if (node.incoming.length === 1) return node.incoming[0]?.from ?? "";
    return node.join === "any" ? (state?.via ?? "") : null;
  }

  /** The loop whose way back leads to the node and was taken last: the innermost of those in another pass than their first. */
  #loopBackTo(node: CompiledNode): string {
    const isBack = (id: string) => this.#graph.nodes.get(id)?.loop?.head === node.id && this.#state.passes.has(id);
    return node.loops.find(isBack) ?? "";
  }

  /** What `$item` and `$index` are at the path of a map's item; null elsewhere. */
  item(path: string): { item: Json; index: number } | null {
    const part = partOf(path);
    const owner = part === null ? undefined : this.#graph.nodes.get(part.owner);
    if (part === null || owner === undefined || owner.item === null) return null;
    const index = Number(part.key);
    return { item: this.#itemsOf(owner)[index] ?? null, index };
  }

  #itemsOf(map: CompiledNode): readonly Json[] {
    const key = `${map.id}/${this.#state.nodes.get(map.id)?.visit ?? 0}`;
    let items = this.#items.get(key);
    if (items === undefined) {
      // They were rendered when the map began, from the same state.
      const rendered = map.config.render(this.templateScope(map.id));
      const list = rendered.ok ? (rendered.value as JsonObject).items : null;
      items = Array.isArray(list) ? list : [];
      this.#items.set(key, items);
    }
    return items;
  }

  /** Variables for a program at a path: only the ones it names, since outputs can be large. */
  variables(program: CelProgram, at: { path: string; output: Json }): CelVariables {
    const { references } = program;
    const variables: CelVariables = { output: at.output, iteration: this.iteration(at.path) };
    if (references.variables.has("inputs")) variables.inputs = this.inputs;
    if (references.variables.has("run")) variables.run = this.#run(at.path);
    if (references.variables.has("nodes") || references.variables.has("ctx")) variables.nodes = this.#nodes(program);
    const item = this.item(at.path);
    return item === null ? variables : Object.assign(variables, item);
  }

  /**
   * What a node's templates may read. A node that ended after this one began (beside an `any` join, or in a branch of
   * the same pass) reads as it was before, so that every attempt of a visit gets the same config under its one
   * idempotency key.
   */
  templateScope(path: string): TemplateScope {
    const owner = this.#state.nodes.get(nodeOf(path));
    const beganSeq = owner?.began_seq ?? 0;
    const began = owner === undefined || owner.status === "pending" || beganSeq === 0 ? null : beganSeq;
    const scope = this;
    return {
      get inputs() {
        return scope.inputs;
      },
      get run() {
        return scope.#run(path);
      },
      iteration: this.iteration(path),
      // An item knows itself by its own path.
      ...(this.item(path) ?? {}),
      node: (id) => {
        const given = givenBy(this.#state.nodes.get(id), began);
        return given === null
          ? { state: "absent" }
          : { state: "completed", output: this.read(given.output, id, given.visit) };
      },
    };
  }

  #run(path: string): JsonObject {
    const { run_id, workflow, labels, priority, submitted_at } = this.#state;
    const via = this.#state.nodes.get(nodeOf(path))?.via ?? null;
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

  read(stored: StoredValue, path: string, visit: number): Json {
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

/**
 * What others read of a node: its output if it has ended so or runs next (in a loop, that of the pass before); while it
 * is under way, what it gave before. With `before`, what it was when event `before` happened.
 */
function givenBy(node: NodeState | undefined, before: number | null = null): Given | null {
  if (node === undefined) return null;
  const { output, visit, ended_seq, previous, status } = node;
  const wasThere = (given: Given | null) => given !== null && (before === null || given.ended_seq < before);
  if (status === "skipped" || status === "failed" || status === "cancelled") {
    return before !== null && ended_seq > before && wasThere(previous) ? previous : null;
  }
  const latest = output === null ? null : { output, visit, ended_seq };
  if (wasThere(latest)) return latest;
  return wasThere(previous) ? previous : null;
}

/** A node's failure as data: what a failure edge carries, and the output of a node that continues on error. */
export function errorObject(error: NodeError, node: string): JsonObject {
  return { code: error.code, message: error.message, node, ...(error.details ? { details: error.details } : {}) };
}
