/**
 * One transition in the making: the events so far, each already applied, the effects to perform once they are stored,
 * and the list of nodes to look at. `plan.ts` decides what sets it off, `walk.ts` works the list off; how nodes start
 * is `starting.ts`, how they end and where that leads `ending.ts`.
 */
import { workSpent } from "#expression/work.ts";
import { invariant, type NodeError, type Result } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { type CompiledGraph, type CompiledNode, compileNode } from "#workflow/graph.ts";
import { apply } from "./apply.ts";
import type { NewEvent, ParentOf, RunEvent } from "./events.ts";
import {
  TRANSITION_LOG_UNITS_MAX,
  TRANSITION_STORED_BYTES_MAX,
  TRANSITION_WORK_MAX,
  VISITS_PER_TRANSITION,
} from "./limits.ts";
import { partOf } from "./path.ts";
import { type ReadStored, Scope } from "./scope.ts";
import { type NodeState, newNodeState, type RunState } from "./state.ts";
import type { Task } from "./task.ts";
import { type KeptValue, type StoreEffect, TransitionValues } from "./values.ts";

import type { ChildOutcome, ChildRequest } from "./waiting/child.ts";
import { escalationNode } from "./waiting/escalation-node.ts";

export type Effect =
  | { type: "dispatch"; task: Task }
  | StoreEffect
  | { type: "continue" }
  /** See to it that the child run is there, and tell when it has ended. */
  | { type: "child"; request: ChildRequest }
  | { type: "cancel_child"; run_id: string }
  | { type: "tell_parent"; parent: ParentOf; child: string; outcome: ChildOutcome };

export interface EngineContext {
  graph: CompiledGraph;
  /** The definition that the run began with, before any patch; the graph's own unless told. */
  base?: WorkflowDefinition;
  nowMs: number;
  readStored: ReadStored;
}

export class Transition {
  readonly state: RunState;
  readonly events: RunEvent[] = [];
  readonly effects: Effect[] = [];
  readonly values: TransitionValues;
  readonly scope: Scope;
  readonly nowMs: number;
  readonly base: WorkflowDefinition;
  /** The graph of the run as it is now: a patch changes it. */
  graph: CompiledGraph;
  readonly #overridden = new Map<string, CompiledNode>();
  readonly #workBefore = workSpent();
  readonly #worklist: string[] = [];
  #visits = 0;
  #logUnits = 0;

  constructor(state: RunState, context: EngineContext) {
    this.state = state;
    this.graph = context.graph;
    this.base = context.base ?? context.graph.definition;
    this.nowMs = context.nowMs;
    this.values = new TransitionValues(context.readStored);
    this.scope = new Scope(state, context.graph, (path, visit) => this.values.read(path, visit));
  }

  emit(event: NewEvent): void {
    const numbered = { seq: this.state.seq + 1, at: this.nowMs, ...event } as RunEvent;
    apply(this.state, numbered);
    this.events.push(numbered);
    this.#logUnits += roughUnits(event);
  }

  /** Keeps a value for the event that names it: in the log, or beside it where it is large. */
  keep(path: string, visit: number, value: Json): Result<KeptValue, NodeError> {
    return this.values.keep(path, visit, value);
  }

  /** The event that names the value is on its way: what must be stored beside it is. */
  store(kept: KeptValue): void {
    this.effects.push(...kept.effects);
    this.#logUnits += kept.logUnits;
  }

  adopt(graph: CompiledGraph): void {
    this.graph = graph;
    this.scope.adopt(graph);
    this.#overridden.clear();
  }

  /** What a path runs: a node of the graph, or what is done on its behalf. */
  node(path: string): CompiledNode {
    const part = partOf(path);
    const owner = this.graph.nodes.get(part?.owner ?? path);
    invariant(owner !== undefined, `node ${path} is in the graph`);
    if (part === null) return this.#withOverride(owner);
    if (owner.item !== null) return { ...owner.item, id: path };
    const { approval, visit } = this.nodeState(part.owner);
    invariant(approval !== null, `${path} escalates an approval`);
    const own = this.state.nodes.get(path);
    const sinceMs = own?.visit === visit ? own.queued_at : null;
    return escalationNode(path, approval, this.state, sinceMs ?? this.nowMs);
  }

  #withOverride(node: CompiledNode): CompiledNode {
    const override = this.state.nodes.get(node.id)?.override ?? null;
    if (override === null) return node;
    let compiled = this.#overridden.get(node.id);
    if (compiled === undefined) {
      const config = { ...node.definition.config, ...override };
      compiled = compileNode({ ...node.definition, config }, node);
      this.#overridden.set(node.id, compiled);
    }
    return compiled;
  }

  nodeState(path: string): NodeState {
    return this.state.nodes.get(path) ?? newNodeState();
  }

  /** Which node run an event is about. */
  identity(path: string): { node: string; visit: number; iteration: number; attempt: number } {
    const { visit, iteration, attempt } = this.nodeState(path);
    return { node: path, visit, iteration, attempt };
  }

  /** That of a visit that begins. */
  newIdentity(path: string, visit: number, attempt: number) {
    return { node: path, visit, iteration: this.scope.iteration(path), attempt };
  }

  /** Puts a node on the list of those to look at. */
  visit(path: string): void {
    this.#worklist.push(path);
  }

  /** Puts every node that could start or be skipped on the list: for a transition that was cut before its list's end. */
  visitAll(): void {
    for (const [path, node] of this.graph.nodes) {
      const state = this.state.nodes.get(path);
      if (node.incoming.length === 0 || state?.again || (state?.resolved ?? 0) > 0) this.visit(path);
    }
  }

  /** The next node to look at; undefined when the list is at its end. */
  next(): string | undefined {
    return this.#worklist.shift();
  }

  /** Nothing may start: what is on the list is forgotten, and found again in the graph. */
  forgetList(): void {
    this.#worklist.length = 0;
  }

  /** A node is started or skipped within this transition. */
  countVisit(): void {
    this.#visits += 1;
  }

  /** A bound cuts the transition (rule 8): the rest follows in the next turn, once this much is stored. */
  get isFull(): boolean {
    return (
      this.#visits >= VISITS_PER_TRANSITION ||
      this.#logUnits > TRANSITION_LOG_UNITS_MAX ||
      this.values.storedBytes > TRANSITION_STORED_BYTES_MAX ||
      workSpent() - this.#workBefore > TRANSITION_WORK_MAX
    );
  }
}

/** About how much text an event takes in the log, its output aside. */
function roughUnits(event: NewEvent): number {
  if (event.type !== "edge.resolved") return 300;
  let units = 100;
  for (const name of [...event.taken, ...event.dead, ...(event.reset ?? [])]) units += name.length + 3;
  return units;
}
