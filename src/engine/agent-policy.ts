/**
 * What an agent may change of its own run: add work downstream of itself, and lead an edge of its own through that work.
 * Nothing else, whatever a model was talked into: judged on the result, outside the model. Why each rule is as it is:
 * docs/decisions/0011.
 */
import type { Problem } from "#kernel/errors.ts";
import { isJsonObject, type Json, jsonPointer } from "#kernel/json.ts";
import type { EdgeDefinition, NodeDefinition, WorkflowDefinition } from "#workflow/definition.ts";
import { type CompiledGraph, type CompiledNode, downstream } from "#workflow/graph.ts";
import { AGENT_NODES_PER_PATCH_MAX, AGENT_PATCHES_PER_RUN_MAX, AGENTS_PER_RUN_MAX } from "./limits.ts";
import type { RunState } from "./state.ts";

/** What an agent's patch may bring. A `workflow` node would run anything that the tenant has stored. */
const TYPES: ReadonlySet<string> = new Set([
  "agent",
  "http",
  "conditional",
  "parallel",
  "transform",
  "aggregate",
  "filter",
  "function",
  "loop",
  "map",
  "delay",
  "wait_for_event",
  "hitl",
]);

/** A correct patch, for a model that is to try again. `agent` is the node that proposes it. */
export function examplePatch(agent: string): Json {
  return [
    {
      op: "add",
      path: "/nodes/-",
      value: { id: "check", type: "transform", config: { expression: "output" } },
    },
    { op: "add", path: "/edges/-", value: { from: agent, to: "check" } },
  ];
}

/** Problems with the operations themselves, before they are applied to the definition. */
export function operationProblems(graph: CompiledGraph, agent: string, operations: readonly Json[]): Problem[] {
  const edges = [...graph.definition.edges];
  return operations.flatMap((operation, index) => {
    const refuse = (message: string) => [{ pointer: jsonPointer(["operations", index]), message }];
    if (!isJsonObject(operation)) return refuse("must be an object");
    const { op, path } = operation;
    if (op === "add" && path === "/nodes/-") return [];
    if (op === "add" && path === "/edges/-") {
      edges.push(operation.value as unknown as EdgeDefinition);
      return [];
    }
    const [, at = ""] = /^\/edges\/(0|[1-9]\d{0,5})$/.exec(typeof path === "string" ? path : "") ?? [];
    if (op !== "remove" || at === "") {
      return refuse('an agent may "add" at /nodes/- and /edges/-, and "remove" an edge that leaves it; nothing else');
    }
    const [edge] = edges.splice(Number(at), 1);
    if (edge === undefined || edge.from !== agent)
      return refuse(`an agent may remove only edges that leave "${agent}"`);
    return [];
  });
}

/**
 * Problems with what the patch makes of the graph; pointers are into the changed definition. `base` is what the author
 * wrote: hosts that an earlier patch brought in are not the author's.
 */
export function agentProblems(
  state: RunState,
  base: WorkflowDefinition,
  from: CompiledGraph,
  to: CompiledGraph,
  agent: string,
): Problem[] {
  return new AgentChecks(state, from, to, agent).run(hostsOf(base.nodes));
}

/** Why a run takes no further patch of an agent; null when it does. */
export function agentPatchBound(state: RunState): string | null {
  const patches = state.patches.filter(({ source, status }) => source === "agent" && status !== "rejected").length;
  return patches < AGENT_PATCHES_PER_RUN_MAX ? null : `agents change a run at most ${AGENT_PATCHES_PER_RUN_MAX} times`;
}

class AgentChecks {
  readonly #problems: Problem[] = [];
  readonly #state: RunState;
  readonly #from: CompiledGraph;
  readonly #to: CompiledGraph;
  readonly #agent: string;
  readonly #added: readonly CompiledNode[];
  readonly #isNew: (id: string) => boolean;

  constructor(state: RunState, from: CompiledGraph, to: CompiledGraph, agent: string) {
    this.#state = state;
    this.#from = from;
    this.#to = to;
    this.#agent = agent;
    this.#isNew = (id) => !from.nodes.has(id);
    this.#added = [...to.nodes.values()].filter((node) => this.#isNew(node.id));
  }

  run(hosts: ReadonlySet<string>): Problem[] {
    this.#checkCounts();
    for (const node of this.#added) this.#checkNode(node, hosts);
    this.#checkPlace();
    this.#checkEdges();
    this.#checkRemovals();
    this.#checkApprovals();
    return this.#problems;
  }

  #refuse(id: string | null, message: string): void {
    const index = this.#to.definition.nodes.findIndex((node) => node.id === id);
    this.#problems.push({ pointer: index === -1 ? "" : jsonPointer(["nodes", index]), message });
  }

  #checkCounts(): void {
    if (this.#added.length > AGENT_NODES_PER_PATCH_MAX) {
      this.#refuse(null, `a patch of an agent adds at most ${AGENT_NODES_PER_PATCH_MAX} nodes`);
    }
    const agents = [...this.#to.nodes.values()].filter(isAgent).length;
    const before = [...this.#from.nodes.values()].filter(isAgent).length;
    if (agents > AGENTS_PER_RUN_MAX && agents > before) {
      this.#refuse(null, `agent_limit: a run has at most ${AGENTS_PER_RUN_MAX} agents, this makes ${agents}`);
    }
    if (this.#state.failing !== null) this.#refuse(null, "the run is about to fail: nothing starts in it any more");
  }

  #checkNode({ id, definition, item }: CompiledNode, hosts: ReadonlySet<string>): void {
    for (const { type, config = {} } of item === null ? [definition] : [definition, item.definition]) {
      if (!TYPES.has(type)) this.#refuse(id, `an agent cannot add a node of type "${type}"`);
      if (JSON.stringify(config).includes("$secrets"))
        this.#refuse(id, "a node that an agent adds cannot use $secrets");
      const urls = [config.url, config.escalate_to].filter((url) => url !== undefined);
      for (const url of urls) {
        const host = hostOf(url);
        if (host === null || !hosts.has(host)) {
          const known = hosts.size === 0 ? "it names none" : `they are ${[...hosts].slice(0, 10).join(", ")}`;
          this.#refuse(id, `an agent may call only hosts that the workflow itself names in a URL; ${known}`);
        }
      }
      const own = this.#from.nodes.get(this.#agent)?.definition.config ?? {};
      if (type === "agent" && isMore(config.budget_usd, own.budget_usd)) {
        this.#refuse(id, "an agent cannot give another a larger budget than its own");
      }
      if (type === "agent" && Array.isArray(own.tools) && !isWithin(config.tools, own.tools)) {
        this.#refuse(id, `an agent cannot give another more tools than its own: ${own.tools.join(", ")}`);
      }
    }
  }

  /** New nodes hang downstream of the agent, and of nothing beside it. */
  #checkPlace(): void {
    const behind = downstream(this.#to, [this.#agent]);
    for (const node of this.#added) {
      if (!behind.has(node.id)) this.#refuse(node.id, `node "${node.id}" must be led to from "${this.#agent}"`);
    }
  }

  #checkEdges(): void {
    const behind = downstream(this.#from, [this.#agent]);
    const known = new Set([...this.#from.nodes.values()].flatMap((node) => node.outgoing).map((edge) => edge.key));
    const successors = new Map<string, boolean>();
    for (const edge of this.#from.nodes.get(this.#agent)?.outgoing ?? []) {
      const isFree = edge.on === "success" && edge.condition === undefined && edge.branch === undefined;
      successors.set(edge.to, (successors.get(edge.to) ?? false) || isFree);
    }
    for (const edge of [...this.#to.nodes.values()].flatMap((node) => node.outgoing)) {
      if (known.has(edge.key)) continue;
      if (!this.#isNew(edge.from) && !behind.has(edge.from)) {
        this.#refuse(edge.to, `an edge from "${edge.from}" is not the agent's to add: it lies beside "${this.#agent}"`);
      }
      if (this.#isNew(edge.to)) continue;
      const isFree = successors.get(edge.to);
      if (isFree === undefined) {
        this.#refuse(
          edge.to,
          `edges lead to new nodes, or to what "${this.#agent}" leads to already; not to "${edge.to}"`,
        );
      } else if (!isFree) {
        this.#refuse(
          edge.to,
          `a condition guards the way from "${this.#agent}" to "${edge.to}"; no other may lead there`,
        );
      }
    }
  }

  /** An edge of the agent may go only if the same patch leads to its end again, through new work. */
  #checkRemovals(): void {
    const kept = new Set(this.#to.nodes.get(this.#agent)?.outgoing.map((edge) => edge.key));
    for (const edge of this.#from.nodes.get(this.#agent)?.outgoing ?? []) {
      if (kept.has(edge.key)) continue;
      if (edge.on !== "success" || edge.condition !== undefined || edge.branch !== undefined) {
        this.#refuse(edge.to, `the edge to "${edge.to}" carries a condition or a failure; it stays`);
      } else if (!this.#leadsThroughNewWork(edge.to)) {
        this.#refuse(edge.to, `the edge to "${edge.to}" may go only if new nodes lead from "${this.#agent}" to it`);
      }
    }
  }

  #leadsThroughNewWork(target: string): boolean {
    const found = new Set<string>([this.#agent]);
    for (const id of found) {
      for (const edge of this.#to.nodes.get(id)?.outgoing ?? []) {
        if (edge.to === target && id !== this.#agent) return true;
        if (this.#isNew(edge.to)) found.add(edge.to);
      }
    }
    return false;
  }

  /** What could be reached only through an approval stays so. */
  #checkApprovals(): void {
    for (const approval of [...this.#from.nodes.values()].filter((node) => node.type.type === "hitl")) {
      const before = reachedWithout(this.#from, approval.id);
      const after = reachedWithout(this.#to, approval.id);
      for (const id of this.#from.nodes.keys()) {
        if (id === approval.id || before.has(id) || !after.has(id)) continue;
        this.#refuse(id, `"${id}" is reached only through the approval "${approval.id}"; no way may lead around it`);
      }
    }
  }
}

function isAgent(node: CompiledNode): boolean {
  return node.type.type === "agent" || node.item?.type.type === "agent";
}

function reachedWithout(graph: CompiledGraph, without: string): Set<string> {
  const found = new Set(graph.entries.filter((id) => id !== without));
  for (const id of found) {
    for (const edge of graph.nodes.get(id)?.outgoing ?? []) if (edge.to !== without) found.add(edge.to);
  }
  return found;
}

/** Hosts that the author's own text names in URLs. */
function hostsOf(nodes: readonly NodeDefinition[]): Set<string> {
  const hosts = new Set<string>();
  for (const { config } of nodes) {
    for (const [, host = ""] of JSON.stringify(config ?? {}).matchAll(URL_START)) hosts.add(host.toLowerCase());
  }
  return hosts;
}

const URL_START = /https?:\/\/([A-Za-z0-9.-]+(?::\d+)?)(?=[/?#"\\ ]|$)/g;
const WHOLE_URL = /^https?:\/\/([A-Za-z0-9.-]+(?::\d+)?)(?=[/?#]|$)/;

/** The host of a URL that is written out; null when a template could choose it, or it is none. */
function hostOf(url: Json | undefined): string | null {
  const [, host] = typeof url === "string" ? (WHOLE_URL.exec(url) ?? []) : [];
  return host?.toLowerCase() ?? null;
}

function isMore(value: Json | undefined, bound: Json | undefined): boolean {
  if (bound === undefined || bound === null) return false;
  return typeof value !== "number" || typeof bound !== "number" || value > bound;
}

function isWithin(value: Json | undefined, bound: readonly Json[]): boolean {
  return Array.isArray(value) && value.every((each) => bound.includes(each));
}
