/**
 * Save-time checks: everything that can be known to be wrong with a definition before it runs, all of it at once,
 * each problem with a JSON Pointer. Runs on what is posted and on the result of a patch alike.
 */
import type { z } from "zod";
import { celProgram } from "#expression/cel.ts";
import { compileJmespath } from "#expression/jmespath.ts";
import { type CompiledTemplate, compileTemplate } from "#expression/template.ts";
import type { Problem } from "#kernel/errors.ts";
import { type Json, type JsonObject, jsonPointer } from "#kernel/json.ts";
import { checkLoops } from "./check-loops.ts";
import { type EdgeDefinition, type NodeDefinition, type WorkflowDefinition, workflowSchema } from "./definition.ts";
import { checkInputsSchema } from "./inputs.ts";
import { type Flow, flowOf, wholeTopology } from "./loops.ts";
import type { ItemNode } from "./node-configs.ts";
import { NODE_TYPES, type NodeType, nearestNodeType } from "./node-types.ts";
import { PROBLEMS_MAX, problemsOf } from "./problems.ts";
import { salvage } from "./salvage.ts";
import { ancestorsOf, findCycle, type Topology, topologyOf } from "./topology.ts";

export interface CheckedWorkflow {
  /** The definition with its defaults; null when its shape is wrong. */
  definition: WorkflowDefinition | null;
  errors: Problem[];
  warnings: Problem[];
}

export function checkWorkflow(document: unknown): CheckedWorkflow {
  const parsed = workflowSchema.safeParse(document);
  const shape = parsed.success ? [] : problemsOf(parsed.error);
  const checks = new Checks(parsed.success ? parsed.data : salvage(document));
  checks.run();
  // What could not be salvaged may look wrong once more: each place is reported once.
  const places = new Set(shape.map((problem) => problem.pointer));
  const further = checks.errors.filter((problem) => !places.has(problem.pointer));
  return {
    definition: parsed.success ? definitionOf(parsed.data) : null,
    errors: [...shape, ...further].slice(0, PROBLEMS_MAX),
    warnings: checks.warnings.slice(0, PROBLEMS_MAX),
  };
}

/** What is stored and addressed: where editors look for a schema changes no workflow. */
function definitionOf({ $schema: _, ...definition }: z.infer<typeof workflowSchema>): WorkflowDefinition {
  return definition;
}

interface Typed {
  type: string;
  config: JsonObject | undefined;
  /** The node whose place in the graph says what may be read. */
  id: string;
  inMap: boolean;
}

class Checks {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #definition: WorkflowDefinition;
  readonly #flow: Flow;
  /** Every way but those that lead back. */
  readonly #forward: Topology;
  /** Those too: what can have run before what. */
  readonly #topology: Topology;
  readonly #byId: Map<string, NodeDefinition>;
  readonly #ancestors = new Map<string, Set<string>>();

  constructor(definition: WorkflowDefinition) {
    this.#definition = definition;
    this.#byId = new Map(definition.nodes.map((node) => [node.id, node]));
    this.#flow = flowOf(definition);
    const ids = [...this.#byId.keys()];
    this.#forward = topologyOf(ids, this.#flow.forward);
    this.#topology = wholeTopology(ids, this.#flow);
  }

  run(): void {
    this.#checkIds();
    this.#definition.edges.forEach((edge, index) => {
      this.#checkEdge(edge, index);
    });
    this.#checkDuplicateEdges();
    this.#checkShape();
    this.#definition.nodes.forEach((node, index) => {
      this.#checkNode(node, index);
    });
    if (this.#definition.inputs !== undefined) {
      for (const message of checkInputsSchema(this.#definition.inputs)) this.#error(["inputs"], message);
    }
  }

  #error(path: readonly (string | number)[], message: string): void {
    this.errors.push({ pointer: jsonPointer(path), message });
  }

  #checkIds(): void {
    const seen = new Map<string, number>();
    this.#definition.nodes.forEach((node, index) => {
      const first = seen.get(node.id);
      if (first === undefined) seen.set(node.id, index);
      else this.#error(["nodes", index, "id"], `node id "${node.id}" is already used by /nodes/${first}`);
    });
  }

  #checkEdge(edge: EdgeDefinition, index: number): void {
    if (edge.from === "" && edge.to === "") return;
    for (const end of ["from", "to"] as const) {
      if (!this.#byId.has(edge[end])) this.#error(["edges", index, end], `there is no node "${edge[end]}"`);
    }
    const from = this.#byId.get(edge.from);
    if (from === undefined) return;
    const isBranching = from.type === "conditional" && from.config?.condition !== undefined;
    const isPlain = edge.on !== "failure";
    if (edge.branch !== undefined && !isBranching) {
      this.#error(
        ["edges", index, "branch"],
        `only edges out of a conditional node that has a condition carry a branch; "${edge.from}" is not one`,
      );
    }
    if (edge.branch !== undefined && !isPlain) {
      this.#error(["edges", index, "branch"], "a failure edge cannot carry a branch");
    }
    if (isBranching && isPlain && edge.branch === undefined) {
      this.#error(["edges", index], `"${edge.from}" has a condition: give this edge "branch": "if" or "else"`);
    }
    if (isBranching && edge.condition !== undefined && isPlain) {
      this.#error(["edges", index, "condition"], `"${edge.from}" decides by its own condition; remove this one`);
    }
    if (!isPlain && from.on_error === "continue") {
      this.#error(["edges", index, "on"], `"${edge.from}" continues on error, so its failure edges are never taken`);
    }
    if (edge.condition !== undefined) {
      this.#checkExpression(edge.condition, ["edges", index, "condition"], edge.from, true);
    }
  }

  #checkDuplicateEdges(): void {
    const seen = new Map<string, number>();
    this.#definition.edges.forEach((edge, index) => {
      if (edge.from === "") return;
      const identity = JSON.stringify([edge.from, edge.to, edge.condition, edge.branch, edge.on ?? "success"]);
      const first = seen.get(identity);
      if (first === undefined) seen.set(identity, index);
      else this.#error(["edges", index], `is the same edge as /edges/${first}`);
    });
  }

  #checkShape(): void {
    const cycle = findCycle(this.#forward);
    if (cycle === null) {
      this.errors.push(...checkLoops(this.#definition, this.#flow, this.#forward));
      return;
    }
    const isClosing = (edge: EdgeDefinition) => edge.from === cycle.at(-2) && edge.to === cycle.at(-1);
    const closing = this.#flow.forward.find(isClosing)?.index ?? null;
    const path = closing === null ? ["nodes"] : ["edges", closing];
    this.#error(path, `these nodes form a cycle: ${cycle.slice(0, 20).join(" → ")}; only a loop node leads back`);
    if (!this.#forward.ids.some((id) => this.#forward.predecessors.get(id)?.length === 0)) {
      this.#error(["nodes"], "no node can start: each has an incoming edge");
    }
    if (!this.#forward.ids.some((id) => this.#forward.successors.get(id)?.length === 0)) {
      this.#error(["nodes"], "the workflow has no end: each node has an outgoing edge");
    }
  }

  #checkNode(node: NodeDefinition, index: number): void {
    this.#checkTyped({ type: node.type, config: node.config, id: node.id, inMap: false }, ["nodes", index]);
  }

  /** What has a type and a config: a node, or what a map does with each item. */
  #checkTyped(node: Typed, path: readonly (string | number)[]): void {
    const type = NODE_TYPES.get(node.type);
    if (type === undefined) {
      const known = [...NODE_TYPES.values()].filter((each) => each.status === "available").map((each) => each.type);
      this.#error(
        [...path, "type"],
        `unknown node type "${node.type}"; did you mean "${nearestNodeType(node.type)}"? Known types: ${known.join(", ")}`,
      );
      return;
    }
    if (node.inMap && (type.status !== "available" || type.kind === "waiting" || type.type === "loop")) {
      this.#error([...path, "type"], `a map runs inline and task nodes; "${node.type}" cannot be one of its items`);
      return;
    }
    if (type.status !== "available") {
      this.warnings.push({
        pointer: jsonPointer([...path, "type"]),
        message: `node type "${node.type}" is ${type.status === "disabled" ? "disabled" : "coming soon"}: the node will be skipped`,
      });
      return;
    }
    const parsed = type.config.safeParse(node.config ?? {});
    if (!parsed.success) {
      this.errors.push(...problemsOf(parsed.error, [...path, "config"]));
      return;
    }
    this.#checkConfig(node, [...path, "config"], type);
    if (type.type !== "map") return;
    const { items, node: item } = parsed.data as { items: Json; node: ItemNode };
    if (!Array.isArray(items) && !(typeof items === "string" && items.startsWith("$"))) {
      this.#error([...path, "config", "items"], "must be a list, or a template such as $inputs.items");
    }
    this.#checkTyped({ type: item.type, config: item.config, id: node.id, inMap: true }, [...path, "config", "node"]);
  }

  #checkConfig(node: Typed, base: readonly (string | number)[], type: NodeType): void {
    const config: JsonObject = node.config ?? {};
    for (const key of type.literalKeys) {
      const source = config[key];
      if (typeof source !== "string") continue;
      if (config.language === "jmespath") {
        const compiled = compileJmespath(source);
        if (!compiled.ok) this.#error([...base, key], compiled.error);
      } else this.#checkExpression(source, [...base, key], node.id, false);
    }
    const template = compileTemplate(config as Json, { literalKeys: new Set(type.literalKeys) });
    for (const problem of template.problems) {
      this.errors.push({ pointer: jsonPointer(base) + problem.pointer, message: problem.message });
    }
    this.#warnOfNearTemplates(config, type.literalKeys, template, base);
    for (const reference of template.references) {
      if (!node.inMap && (reference.root === "item" || reference.root === "index")) {
        this.errors.push({
          pointer: jsonPointer(base) + reference.pointer,
          message: `$${reference.root} exists only inside a map node`,
        });
      }
      if (reference.node === undefined) continue;
      const problem = this.#judgeReference(reference.node, node.id, false);
      if (problem !== null) {
        this.errors.push({ pointer: jsonPointer(base) + reference.pointer, message: problem });
      }
    }
  }

  /** Text that looks like a template and is none is sent as it is, which is seldom meant. */
  #warnOfNearTemplates(
    config: JsonObject,
    literalKeys: readonly string[],
    template: CompiledTemplate,
    base: readonly (string | number)[],
  ): void {
    const understood = new Set(
      [...template.references, ...template.secrets, ...template.problems].map((each) => each.pointer),
    );
    // The spec of a map's items is judged by itself.
    const { node: _, ...rest } = config;
    for (const { pointer, text } of textsOf(literalKeys.includes("node") ? rest : config)) {
      if (!/^\$[A-Za-z]/.test(text) || understood.has(pointer)) continue;
      const message = `"${text.slice(0, 60)}" is no template and stays as it is; templates begin with $inputs, $nodes.<id>, $run`;
      this.warnings.push({ pointer: jsonPointer(base) + pointer, message });
    }
  }

  #checkExpression(source: string, path: readonly (string | number)[], nodeId: string, includesItself: boolean): void {
    const compiled = celProgram(source);
    if (!compiled.ok) {
      this.#error(path, compiled.error);
      return;
    }
    for (const id of compiled.value.references.nodes) {
      const problem = this.#judgeReference(id, nodeId, includesItself);
      if (problem !== null) this.#error(path, problem);
    }
  }

  /** Why `nodeId` may not read the output of `id`; null when it may. */
  #judgeReference(id: string, nodeId: string, includesItself: boolean): string | null {
    if (!this.#byId.has(id)) return `there is no node "${id}"`;
    if (includesItself && id === nodeId) return null;
    let ancestors = this.#ancestors.get(nodeId);
    if (ancestors === undefined) {
      ancestors = ancestorsOf(this.#topology, nodeId);
      this.#ancestors.set(nodeId, ancestors);
    }
    return ancestors.has(id) ? null : `node "${id}" cannot have run before "${nodeId}": no path of edges leads there`;
  }
}

/** Every text in a value, with its pointer. */
function textsOf(value: Json, path: readonly (string | number)[] = []): { pointer: string; text: string }[] {
  if (typeof value === "string") return [{ pointer: jsonPointer(path), text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, [...path, key]));
}
