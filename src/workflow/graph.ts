/**
 * The compiler: a checked definition becomes a graph whose edges, templates and expressions are ready to use.
 * Compiled once for each content hash and shared by all runs of it; never changed afterwards.
 */
import { type CelProgram, compileCel } from "#expression/cel.ts";
import { type CompiledTemplate, compileTemplate } from "#expression/template.ts";
import { invariant } from "#kernel/errors.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "./definition.ts";
import { BACKOFF_MS_DEFAULT, BACKOFF_MULTIPLIER_DEFAULT, TIMEOUT_MS_DEFAULT } from "./limits.ts";
import { NODE_TYPES, type NodeType } from "./node-types.ts";

export interface CompiledEdge {
  /** `<from>><to>`, with `#2`, `#3` … for further edges between the same two nodes: stable under patches elsewhere. */
  key: string;
  from: string;
  to: string;
  on: "success" | "failure";
  branch: "if" | "else" | undefined;
  condition: string | undefined;
  program: CelProgram | undefined;
}

export interface RetryPolicy {
  maxAttempts: number;
  backoffMs: number;
  multiplier: number;
  jitter: boolean;
}

export interface CompiledNode {
  id: string;
  type: NodeType;
  definition: NodeDefinition;
  incoming: readonly CompiledEdge[];
  outgoing: readonly CompiledEdge[];
  join: "all" | "any";
  retry: RetryPolicy;
  timeoutMs: number;
  continuesOnError: boolean;
  config: CompiledTemplate;
  /** Expressions of the config, by the key they stand under. */
  programs: ReadonlyMap<string, CelProgram>;
}

export interface CompiledGraph {
  definition: WorkflowDefinition;
  nodes: ReadonlyMap<string, CompiledNode>;
  /** Nodes without incoming edges: they start with the run. */
  entries: readonly string[];
  /** Nodes without outgoing success edges: their outputs are the run's. */
  terminals: readonly string[];
}

/** Keys of the edges in the order of `edges`. */
export function edgeKeys(edges: readonly EdgeDefinition[]): string[] {
  const seen = new Map<string, number>();
  return edges.map((edge) => {
    const pair = `${edge.from}>${edge.to}`;
    const count = (seen.get(pair) ?? 0) + 1;
    seen.set(pair, count);
    return count === 1 ? pair : `${pair}#${count}`;
  });
}

/** The node an edge key leads to. */
export function edgeTarget(key: string): string {
  const target = key.slice(key.indexOf(">") + 1);
  const mark = target.indexOf("#");
  return mark === -1 ? target : target.slice(0, mark);
}

/** Compiles a definition that `checkWorkflow` found without errors; throws on any other. */
export function compileGraph(definition: WorkflowDefinition): CompiledGraph {
  const keys = edgeKeys(definition.edges);
  const incoming = new Map<string, CompiledEdge[]>();
  const outgoing = new Map<string, CompiledEdge[]>();
  for (const node of definition.nodes) {
    incoming.set(node.id, []);
    outgoing.set(node.id, []);
  }
  definition.edges.forEach((edge, index) => {
    const compiled = compileEdge(edge, keys[index] ?? "");
    incoming.get(edge.to)?.push(compiled);
    outgoing.get(edge.from)?.push(compiled);
  });

  const nodes = new Map<string, CompiledNode>();
  for (const node of definition.nodes) {
    nodes.set(node.id, compileNode(node, incoming.get(node.id) ?? [], outgoing.get(node.id) ?? []));
  }
  return {
    definition,
    nodes,
    entries: definition.nodes.filter((node) => incoming.get(node.id)?.length === 0).map((node) => node.id),
    terminals: definition.nodes
      .filter((node) => !outgoing.get(node.id)?.some((edge) => edge.on === "success"))
      .map((node) => node.id),
  };
}

function compileEdge(edge: EdgeDefinition, key: string): CompiledEdge {
  return {
    key,
    from: edge.from,
    to: edge.to,
    on: edge.on ?? "success",
    branch: edge.branch,
    condition: edge.condition,
    program: edge.condition === undefined ? undefined : program(edge.condition),
  };
}

function compileNode(
  definition: NodeDefinition,
  incoming: readonly CompiledEdge[],
  outgoing: readonly CompiledEdge[],
): CompiledNode {
  const type = NODE_TYPES.get(definition.type);
  invariant(type !== undefined, `node type ${definition.type} was checked`);
  const config = definition.config ?? {};
  const programs = new Map<string, CelProgram>();
  for (const key of type.literalKeys) {
    const source = config[key];
    if (typeof source === "string" && config.language !== "jmespath") programs.set(key, program(source));
  }
  return {
    id: definition.id,
    type,
    definition,
    incoming,
    outgoing,
    join: definition.join ?? "all",
    retry: {
      maxAttempts: definition.retry?.max_attempts ?? type.attempts,
      backoffMs: definition.retry?.backoff_ms ?? BACKOFF_MS_DEFAULT,
      multiplier: definition.retry?.backoff_multiplier ?? BACKOFF_MULTIPLIER_DEFAULT,
      jitter: definition.retry?.jitter ?? true,
    },
    timeoutMs: definition.timeout_ms ?? TIMEOUT_MS_DEFAULT,
    continuesOnError: definition.on_error === "continue",
    config: compileTemplate(config, { literalKeys: new Set(type.literalKeys) }),
    programs,
  };
}

function program(source: string): CelProgram {
  const compiled = compileCel(source);
  invariant(compiled.ok, `expression was checked: ${source}`);
  return compiled.value;
}
