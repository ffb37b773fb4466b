/**
 * One transition in the making: the events so far, each already applied, and the effects to perform once they are
 * stored. Holds the walk over the graph (start, end, route, skip); `plan.ts` decides what sets it off.
 */
import { withSharedWork, workSpent } from "#expression/work.ts";
import { invariant, type NodeError, nodeError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import { apply } from "./apply.ts";
import type { NewEvent, RunEvent, StoredValue } from "./events.ts";
import { runInline } from "./inline/run-inline.ts";
import {
  DISPATCH_DEADLINE_MS,
  FAULTS_MAX,
  MISSING_FIELD_WARNINGS_MAX,
  NODE_WORK_MAX,
  RUN_STORED_BYTES_MAX,
  TRANSITION_LOG_UNITS_MAX,
  TRANSITION_STORED_BYTES_MAX,
  TRANSITION_WORK_MAX,
  VISITS_PER_TRANSITION,
} from "./limits.ts";
import type { TaskMetrics } from "./metrics.ts";
import { seededUuid } from "./random.ts";
import { renderTask } from "./render-task.ts";
import { retryDelayMs } from "./retry.ts";
import { routeNode } from "./routing.ts";
import { errorObject, type ReadStored, Scope } from "./scope.ts";
import { isTerminal, type NodeState, newNodeState, type RunState } from "./state.ts";
import type { Task } from "./task.ts";
import { type StoreEffect, TransitionValues } from "./values.ts";

export type Effect = { type: "dispatch"; task: Task } | StoreEffect | { type: "continue" };

export interface EngineContext {
  graph: CompiledGraph;
  nowMs: number;
  readStored: ReadStored;
}

/** What a completion brings besides its output. */
interface Completion {
  metrics?: TaskMetrics;
  /** Set when the node failed and continues on error: its output is then the error object. */
  error?: NodeError;
  /** The output as it is stored already, when it was passed through. */
  stored?: StoredValue;
}

export class Transition {
  readonly state: RunState;
  readonly events: RunEvent[] = [];
  readonly effects: Effect[] = [];
  readonly values: TransitionValues;
  readonly #context: EngineContext;
  readonly #scope: Scope;
  readonly #workBefore = workSpent();
  readonly #worklist: string[] = [];
  #visits = 0;
  #logUnits = 0;

  constructor(state: RunState, context: EngineContext) {
    this.state = state;
    this.#context = context;
    this.values = new TransitionValues(context.readStored);
    this.#scope = new Scope(state, context.graph, (path, visit) => this.values.read(path, visit));
  }

  emit(event: NewEvent): void {
    const numbered = { seq: this.state.seq + 1, at: this.#context.nowMs, ...event } as RunEvent;
    apply(this.state, numbered);
    this.events.push(numbered);
    this.#logUnits += roughUnits(event);
  }

  node(path: string): CompiledNode {
    const node = this.#context.graph.nodes.get(path);
    invariant(node !== undefined, `node ${path} is in the graph`);
    return node;
  }

  nodeState(path: string): NodeState {
    return this.state.nodes.get(path) ?? newNodeState();
  }

  /** Puts a node on the list of those to look at. */
  visit(path: string): void {
    this.#worklist.push(path);
  }

  /** Puts every node that could start or be skipped on the list: for a transition that was cut before its list's end. */
  visitAll(): void {
    for (const [path, node] of this.#context.graph.nodes) {
      if (node.incoming.length === 0 || this.nodeState(path).resolved > 0) this.visit(path);
    }
  }

  /** Works the list off and ends the run when nothing can run any more (rule 7). */
  settle(): void {
    if (!this.#workOff()) return;
    if (this.state.active.size === 0 && this.state.failing === null) {
      // An earlier transition may have been cut, and its list with it: only the graph says that nothing is left.
      this.visitAll();
      if (!this.#workOff()) return;
    }
    if (isTerminal(this.state.status) || this.state.active.size > 0) return;
    if (this.state.failing !== null) this.emit({ type: "run.failed", error: this.state.failing });
    else this.emit({ type: "run.completed" });
  }

  /** False when a bound cut the work (rule 8): the rest follows in the next turn, once this much is stored. */
  #workOff(): boolean {
    for (let path = this.#worklist.shift(); path !== undefined; path = this.#worklist.shift()) {
      if (this.state.failing !== null || isTerminal(this.state.status)) {
        this.#worklist.length = 0;
        break;
      }
      const readiness = this.#readiness(path);
      if (readiness === "not_yet") continue;
      if (this.#isFull) {
        this.effects.push({ type: "continue" });
        return false;
      }
      this.#visits += 1;
      if (readiness === "ready") this.#start(path);
      else this.#skip(path);
    }
    return true;
  }

  get #isFull(): boolean {
    return (
      this.#visits >= VISITS_PER_TRANSITION ||
      this.#logUnits > TRANSITION_LOG_UNITS_MAX ||
      this.values.storedBytes > TRANSITION_STORED_BYTES_MAX ||
      workSpent() - this.#workBefore > TRANSITION_WORK_MAX
    );
  }

  /** Rule 4: ready, never to run, or still undecided. Only a node that has not started can be either (invariant 5). */
  #readiness(path: string): "ready" | "dead" | "not_yet" {
    const node = this.node(path);
    const state = this.nodeState(path);
    if (state.status !== "pending") return "not_yet";
    if (node.incoming.length === 0) return "ready";
    if (node.join === "any" && state.taken > 0) return "ready";
    if (state.resolved < node.incoming.length) return "not_yet";
    return state.taken > 0 ? "ready" : "dead";
  }

  #start(path: string): void {
    const node = this.node(path);
    const visit = this.nodeState(path).visit + 1;
    if (node.type.status !== "available") {
      this.#passOver(path);
      return;
    }
    if (node.type.kind === "task") {
      this.queueAttempt(path, visit, 1, { sends: 1, faults: 0 });
      return;
    }
    this.#emitStarted(path, visit, 1);
    const result = withSharedWork(NODE_WORK_MAX, () =>
      runInline(node, {
        scope: this.#scope,
        via: this.nodeState(path).via,
        nowMs: this.#context.nowMs,
        uuid: () => seededUuid(`${this.state.run_id}/${path}/${visit}`),
      }),
    );
    if (!result.ok) {
      this.failAttempt(path, result.error);
      return;
    }
    const stored = node.type.passesThrough === true ? this.#scope.storedInput(node) : null;
    this.complete(path, result.value, stored === null ? {} : { stored });
  }

  /** A node whose type this installation does not offer: skipped with a warning, and the run goes on. */
  #passOver(path: string): void {
    const { type } = this.node(path);
    const message = `node type "${type.type}" is not available here; the node was skipped`;
    this.emit({ type: "warning", code: "node_type_unavailable", message, node: path });
    const route = this.#routeOf(path, "success", null);
    if (!route.ok) {
      this.#emitStarted(path, this.nodeState(path).visit + 1, 1);
      this.#failNode(path, route.error);
      return;
    }
    this.emit({ type: "node.skipped", node: path, visit: 0, iteration: 0, attempt: 0, reason: "unavailable" });
    this.#resolve(path, route.value);
  }

  /** Hands an attempt to the node's queue; a config that cannot be rendered fails the node instead. */
  queueAttempt(path: string, visit: number, attempt: number, counts: { sends: number; faults: number }): void {
    const node = this.node(path);
    const task = renderTask(this.state, node, this.#scope, { visit, attempt });
    if (!task.ok) {
      this.#emitStarted(path, visit, attempt);
      this.failAttempt(path, task.error);
      return;
    }
    const dueAt = this.#context.nowMs + DISPATCH_DEADLINE_MS * 2 ** (counts.sends - 1);
    const identity = { node: path, visit, iteration: 0, attempt };
    this.emit({ type: "node.queued", ...identity, due_at: dueAt, ...counts, ...this.#via(node) });
    this.effects.push({ type: "dispatch", task: task.value });
  }

  /** Sends the current attempt again, or gives it up as lost after too many times. */
  resend(path: string, fault: boolean): void {
    const { visit, attempt, sends, faults } = this.nodeState(path);
    const counts = { sends: sends + 1, faults: faults + (fault ? 1 : 0) };
    if (counts.faults > FAULTS_MAX) {
      this.failAttempt(path, nodeError("worker_lost", `no answer after ${FAULTS_MAX} tries to have it executed`));
    } else this.queueAttempt(path, visit, attempt, counts);
  }

  complete(path: string, output: Json, completion: Completion = {}): void {
    const { metrics, error } = completion;
    const kept = completion.stored === undefined ? this.values.keep(path, this.nodeState(path).visit, output) : null;
    if (kept !== null && !kept.ok) {
      this.#giveUp(path, kept.error, completion);
      return;
    }
    const beside = kept !== null && "stored_bytes" in kept.value.stored ? kept.value.stored.stored_bytes : 0;
    if (this.state.stored_bytes + beside > RUN_STORED_BYTES_MAX) {
      const message = `the run's large values have ${RUN_STORED_BYTES_MAX} bytes together, which is all a run may keep`;
      this.#giveUp(path, nodeError("output_too_large", message), completion);
      return;
    }
    const route = this.#routeOf(path, "success", output);
    if (!route.ok) {
      this.#giveUp(path, route.error, completion);
      return;
    }
    if (kept !== null) {
      this.effects.push(...kept.value.effects);
      this.#logUnits += kept.value.logUnits;
    }
    this.emit({
      type: "node.completed",
      ...this.#identity(path),
      output: kept?.value.stored ?? completion.stored ?? { value: output },
      ...(error ? { error } : {}),
      ...(metrics ? { metrics } : {}),
    });
    this.#resolve(path, route.value);
  }

  /** A completion that cannot stand is a failure; one that came of a failure already does not continue once more. */
  #giveUp(path: string, error: NodeError, completion: Completion): void {
    if (completion.error === undefined) this.#endFailed(path, error, completion.metrics);
    else this.#failNode(path, error, completion.metrics);
  }

  /** An attempt has failed: try again if the policy leaves one, else the node fails. */
  failAttempt(path: string, error: NodeError, metrics?: TaskMetrics): void {
    const { visit, attempt } = this.nodeState(path);
    const seed = `${this.state.run_id}/${path}/${visit}/${attempt}`;
    const delay = this.state.failing === null ? retryDelayMs(this.node(path).retry, error, attempt, seed) : null;
    if (delay === null) {
      this.#endFailed(path, error, metrics);
      return;
    }
    const retryAt = this.#context.nowMs + delay;
    const measured = metrics ? { metrics } : {};
    this.emit({ type: "node.retrying", ...this.#identity(path), error, retry_at: retryAt, ...measured });
  }

  #endFailed(path: string, error: NodeError, metrics?: TaskMetrics): void {
    if (!this.node(path).continuesOnError) this.#failNode(path, error, metrics);
    else this.complete(path, errorObject(error, path), { error, ...(metrics ? { metrics } : {}) });
  }

  #failNode(path: string, error: NodeError, metrics?: TaskMetrics): void {
    const route = this.#routeOf(path, "failure", errorObject(error, path));
    const handled = route.ok && route.value.taken.length > 0;
    this.emit({ type: "node.failed", ...this.#identity(path), error, handled, ...(metrics ? { metrics } : {}) });
    if (route.ok && handled) this.#resolve(path, route.value);
    else this.#cancelWhatHasNotStarted();
  }

  /** Rule 6: after an unhandled failure queued and waiting nodes are cancelled at once; running ones may end. */
  #cancelWhatHasNotStarted(): void {
    for (const path of [...this.state.active]) {
      if (this.nodeState(path).status !== "running") this.cancelNode(path);
    }
  }

  cancelNode(path: string): void {
    this.emit({ type: "node.cancelled", ...this.#identity(path) });
  }

  #skip(path: string): void {
    this.emit({ type: "node.skipped", node: path, visit: 0, iteration: 0, attempt: 0, reason: "dead_path" });
    this.#resolve(path, { taken: [], dead: this.node(path).outgoing });
  }

  /** Where a node's end leads; leaves a warning for each condition that read a missing field. */
  #routeOf(path: string, outcome: "success" | "failure", output: Json) {
    const { via } = this.nodeState(path);
    const route = withSharedWork(NODE_WORK_MAX, () => routeNode(this.node(path), outcome, output, this.#scope, via));
    if (!route.ok) return route;
    for (const condition of route.value.missing.slice(0, MISSING_FIELD_WARNINGS_MAX)) {
      const message = `condition "${condition.slice(0, 100)}" reads a field that is not there; it does not hold`;
      this.emit({ type: "warning", code: "missing_field", message, node: path });
    }
    return route;
  }

  #resolve(path: string, route: { taken: readonly { key: string }[]; dead: readonly { key: string }[] }): void {
    const { outgoing } = this.node(path);
    if (outgoing.length === 0) return;
    const target = (edge: { key: string }) => edge.key.slice(path.length + 1);
    this.emit({
      type: "edge.resolved",
      node: path,
      visit: this.nodeState(path).visit,
      taken: route.taken.map(target),
      dead: route.dead.map(target),
    });
    for (const edge of outgoing) this.visit(edge.to);
  }

  #emitStarted(path: string, visit: number, attempt: number): void {
    const identity = { node: path, visit, iteration: 0, attempt };
    this.emit({ type: "node.started", ...identity, worker: "coordinator", ...this.#via(this.node(path)) });
  }

  #identity(path: string): { node: string; visit: number; iteration: number; attempt: number } {
    const { visit, iteration, attempt } = this.nodeState(path);
    return { node: path, visit, iteration, attempt };
  }

  #via(node: CompiledNode): { via?: string } {
    const { via } = this.nodeState(node.id);
    return node.join === "any" && via !== null ? { via } : {};
  }
}

/** About how much text an event takes in the log, its output aside. */
function roughUnits(event: NewEvent): number {
  if (event.type !== "edge.resolved") return 300;
  let units = 100;
  for (const target of [...event.taken, ...event.dead]) units += target.length + 3;
  return units;
}
