/**
 * The compiler: a checked definition becomes a graph whose edges, templates and expressions are ready to use.
 * Compiled once for each content hash and shared by all runs of it; never changed afterwards.
 */
import { type CelProgram, celProgram } from "#expression/cel.ts";
import { type CompiledTemplate, compileTemplate } from "#expression/template.ts";
import { invariant } from "#kernel/errors.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "./definition.ts";
import { BACKOFF_MS_DEFAULT, BACKOFF_MULTIPLIER_DEFAULT, TIMEOUT_MS_DEFAULT } from "./limits.ts";
import { bodyOf, type FlowEdge, flowOf, type LoopExit } from "./loops.ts";
import type { ItemNode } from "./node-configs.ts";
import { NODE_TYPES, type NodeType } from "./node-types.ts";
import { topologyOf } from "./topology.ts";

export interface CompiledEdge {
  /** `<from>><to>`, with `#2`, `#3` … for further edges between the same two nodes: stable under patches elsewhere. */
  key: string;
  from: string;
  to: string;
  on: "success" | "failure";
  branch: "if" | "else" | undefined;
  condition: string | undefined;
  program: CelProgram | undefined;
  /** Out of a loop node: the outcomes that take it. */
  exits: readonly LoopExit[];
  /**
   * The outermost loop whose body it leaves other than by its loop node: a failure edge that was not taken in one pass
   * may be in the next, so it is dead only once that loop has ended.
   */
  leaves: string | null;
}

/** What a loop node repeats. */
export interface CompiledLoop {
  head: string;
  /** The nodes of each pass, the loop node among them. */
  body: ReadonlySet<string>;
  maxIterations: number;
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
  /** The ways that lead forward; those back are in `loop`. */
  incoming: readonly CompiledEdge[];
  outgoing: readonly CompiledEdge[];
  /** Set for a loop node. */
  loop: CompiledLoop | null;
  /** The loop nodes of the bodies that it is in, innermost first. */
  loops: readonly string[];
  /** Set for a map: what it does with each item. */
  item: CompiledNode | null;
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
export function edgeKeys(edges: readonly Pick<EdgeDefinition, "from" | "to">[]): string[] {
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
  const { loops, forward } = flowOf(definition);
  const topology = topologyOf(
    definition.nodes.map((node) => node.id),
    forward,
  );
  const bodies = new Map(loops.map((loop) => [loop.id, bodyOf(loop, topology)]));
  // A smaller body lies in a larger one or apart from it.
  const innermostFirst = [...bodies].sort(([, left], [, right]) => left.size - right.size);
  const around = (id: string) => innermostFirst.filter(([, body]) => body.has(id)).map(([loop]) => loop);

  const keys = edgeKeys(forward);
  const incoming = new Map<string, CompiledEdge[]>();
  const outgoing = new Map<string, CompiledEdge[]>();
  for (const node of definition.nodes) {
    incoming.set(node.id, []);
    outgoing.set(node.id, []);
  }
  forward.forEach((edge, index) => {
    const leaves = around(edge.from).findLast((loop) => loop !== edge.from && !bodies.get(loop)?.has(edge.to));
    const compiled = compileEdge(edge, keys[index] ?? "", leaves ?? null);
    incoming.get(edge.to)?.push(compiled);
    outgoing.get(edge.from)?.push(compiled);
  });

  const nodes = new Map<string, CompiledNode>();
  for (const node of definition.nodes) {
    const loop = loops.find((each) => each.id === node.id);
    const place = {
      incoming: incoming.get(node.id) ?? [],
      outgoing: outgoing.get(node.id) ?? [],
      loops: around(node.id),
      loop:
        loop === undefined
          ? null
          : {
              head: loop.head,
              body: bodies.get(loop.id) ?? new Set<string>(),
              maxIterations: Number(node.config?.max_iterations),
            },
    };
    nodes.set(node.id, compileNode(node, place));
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

function compileEdge(edge: FlowEdge, key: string, leaves: string | null): CompiledEdge {
  return {
    key,
    from: edge.from,
    to: edge.to,
    on: edge.on ?? "success",
    branch: edge.branch,
    condition: edge.condition,
    program: edge.condition === undefined ? undefined : program(edge.condition),
    exits: edge.exits,
    leaves,
  };
}

type Place = Pick<CompiledNode, "incoming" | "outgoing" | "loop" | "loops">;
const NOWHERE: Place = { incoming: [], outgoing: [], loop: null, loops: [] };

/** A node with its templates and expressions ready; `place` is where it stands in its graph. */
export function compileNode(definition: NodeDefinition, place: Place = NOWHERE): CompiledNode {
  const type = NODE_TYPES.get(definition.type);
  invariant(type !== undefined, `node type ${definition.type} was checked`);
  const config = definition.config ?? {};
  const programs = new Map<string, CelProgram>();
  for (const key of type.literalKeys) {
    const source = config[key];
    if (typeof source === "string" && config.language !== "jmespath") programs.set(key, program(source));
  }
  const item = type.type === "map" ? (config.node as unknown as ItemNode) : null;
  return {
    id: definition.id,
    type,
    definition,
    ...place,
    item: item === null ? null : compileNode({ ...item, id: definition.id }, { ...NOWHERE, loops: place.loops }),
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
  const compiled = celProgram(source);
  invariant(compiled.ok, `expression was checked: ${source}`);
  return compiled.value;
}

/** These nodes and every node that a way forward leads to from them. */
export function downstream(graph: CompiledGraph, from: readonly string[]): Set<string> {
  const found = new Set(from);
  for (const id of found) for (const edge of graph.nodes.get(id)?.outgoing ?? []) found.add(edge.to);
  return found;
}
