/**
 * One transition in the making: the events so far, each already applied, and the effects to perform once they are
 * stored. Holds the walk over the graph (start, end, route, skip); `plan.ts` decides what sets it off.
 */
import { fail, invariant, type NodeError, nodeError, type Result } from "#kernel/errors.ts";
import { type Json, type JsonObject, utf8Length } from "#kernel/json.ts";
import type { CompiledGraph, CompiledNode } from "#workflow/graph.ts";
import { apply } from "./apply.ts";
import type { NewEvent, RunEvent, StoredValue } from "./events.ts";
import { runInline } from "./inline/run-inline.ts";
import {
  DISPATCH_DEADLINE_MS,
  FAULTS_MAX,
  OUTPUT_BYTES_MAX,
  OUTPUT_INLINE_BYTES,
  VISITS_PER_TRANSITION,
} from "./limits.ts";
import type { TaskMetrics } from "./metrics.ts";
import { seededUuid } from "./random.ts";
import { retryDelayMs } from "./retry.ts";
import { routeNode } from "./routing.ts";
import { errorObject, type ReadStored, Scope } from "./scope.ts";
import { isTerminal, type NodeState, newNodeState, type RunState } from "./state.ts";
import { type Task, taskId } from "./task.ts";

export type Effect =
  | { type: "dispatch"; task: Task }
  | { type: "store"; path: string; visit: number; text: string }
  | { type: "continue" };

export interface EngineContext {
  graph: CompiledGraph;
  nowMs: number;
  readStored: ReadStored;
}

export class Transition {
  readonly state: RunState;
  readonly events: RunEvent[] = [];
  readonly effects: Effect[] = [];
  readonly #context: EngineContext;
  readonly #scope: Scope;
  readonly #worklist: string[] = [];
  /** Large values of this transition, which storage does not have yet. */
  readonly #fresh = new Map<string, Json>();

  constructor(state: RunState, context: EngineContext) {
    this.state = state;
    this.#context = context;
    this.#scope = new Scope(state, context.graph, (path, visit) => {
      const fresh = this.#fresh.get(`${path}/${visit}`);
      return fresh === undefined ? context.readStored(path, visit) : fresh;
    });
  }

  emit(event: NewEvent): void {
    const numbered = { seq: this.state.seq + 1, at: this.#context.nowMs, ...event } as RunEvent;
    apply(this.state, numbered);
    this.events.push(numbered);
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

  /** Puts every node that could start or be skipped on the list: after a cut, where the list itself was not kept. */
  visitAll(): void {
    for (const [path, node] of this.#context.graph.nodes) {
      if (node.incoming.length === 0 || this.nodeState(path).resolved > 0) this.visit(path);
    }
  }

  /** Works the list off, up to the bound of rule 8, and ends the run when nothing can run any more (rule 7). */
  settle(): void {
    let visits = 0;
    for (let path = this.#worklist.shift(); path !== undefined; path = this.#worklist.shift()) {
      if (this.state.failing !== null || isTerminal(this.state.status)) {
        this.#worklist.length = 0;
        break;
      }
      const readiness = this.#readiness(path);
      if (readiness === "not_yet") continue;
      if (visits === VISITS_PER_TRANSITION) {
        this.effects.push({ type: "continue" });
        return;
      }
      visits += 1;
      if (readiness === "ready") this.#start(path);
      else this.#skip(path);
    }
    if (isTerminal(this.state.status) || this.state.active.size > 0) return;
    if (this.state.failing !== null) this.emit({ type: "run.failed", error: this.state.failing });
    else this.emit({ type: "run.completed" });
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
    const identity = { node: path, visit, iteration: 0, attempt: 1 };
    if (node.type.status !== "available") {
      const message = `node type "${node.type.type}" is not available here; the node was skipped`;
      this.emit({ type: "warning", code: "node_type_unavailable", message, node: path });
      this.emit({ type: "node.skipped", ...identity, attempt: 0, reason: "unavailable" });
      this.#route(path, "success", null);
      return;
    }
    if (node.type.kind === "task") {
      this.queueAttempt(path, identity.visit, 1, { sends: 1, faults: 0 });
      return;
    }
    this.emit({ type: "node.started", ...identity, worker: "coordinator", ...this.#via(node) });
    const result = runInline(node, {
      scope: this.#scope,
      via: this.nodeState(path).via,
      nowMs: this.#context.nowMs,
      uuid: () => seededUuid(`${this.state.run_id}/${path}/${visit}`),
    });
    if (result.ok) this.complete(path, result.value);
    else this.failAttempt(path, result.error);
  }

  /** Hands an attempt to the node's queue; a config that cannot be rendered fails the node instead. */
  queueAttempt(path: string, visit: number, attempt: number, counts: { sends: number; faults: number }): void {
    const node = this.node(path);
    const identity = { node: path, visit, iteration: 0, attempt };
    const rendered = this.renderTask(path, visit, attempt);
    if (!rendered.ok) {
      this.emit({ type: "node.started", ...identity, worker: "coordinator", ...this.#via(node) });
      this.failAttempt(path, rendered.error);
      return;
    }
    const dueAt = this.#context.nowMs + DISPATCH_DEADLINE_MS * 2 ** (counts.sends - 1);
    this.emit({ type: "node.queued", ...identity, due_at: dueAt, ...counts, ...this.#via(node) });
    this.effects.push({ type: "dispatch", task: rendered.value });
  }

  /** The task of an attempt, made from the state alone: the same however often it is asked for. */
  renderTask(path: string, visit: number, attempt: number): Result<Task, NodeError> {
    const node = this.node(path);
    const { queue } = node.type;
    invariant(queue !== undefined, `task node ${path} has a queue`);
    const rendered = node.config.render(this.#scope.templateScope(this.nodeState(path).via));
    if (!rendered.ok) return rendered;
    const parsed = node.type.config.safeParse(rendered.value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const place = issue === undefined ? "" : ` at ${issue.path.join(".")}: ${issue.message}`;
      return fail(nodeError("template_unresolved", `config does not fit once rendered${place}`));
    }
    const address = { run_id: this.state.run_id, path, visit, attempt };
    return {
      ok: true,
      value: {
        ...address,
        task_id: taskId(address),
        tenant: this.state.tenant,
        queue,
        workflow: this.state.workflow,
        config: this.#withSecrets(node, parsed.data as JsonObject),
        timeout_ms: node.timeoutMs,
      },
    };
  }

  /**
   * Names the secrets that the author's own text asks for, so that no others are resolved: rendered inputs and outputs
   * may hold what looks like a reference, and they are strangers' text.
   */
  #withSecrets(node: CompiledNode, config: JsonObject): JsonObject {
    const written = new Set(node.config.secrets.map((secret) => secret.name));
    const declared = config.secrets;
    const names = Array.isArray(declared) ? declared.filter((name) => written.has(String(name))) : [...written];
    return { ...config, secrets: names };
  }

  /** Sends the current attempt again, or gives it up as lost after too many times. */
  resend(path: string, fault: boolean): void {
    const { visit, attempt, sends, faults } = this.nodeState(path);
    const counts = { sends: sends + 1, faults: faults + (fault ? 1 : 0) };
    if (counts.faults > FAULTS_MAX) {
      this.failAttempt(path, nodeError("worker_lost", `no answer after ${FAULTS_MAX} tries to have it executed`));
    } else this.queueAttempt(path, visit, attempt, counts);
  }

  complete(path: string, output: Json, metrics?: TaskMetrics, error?: NodeError): void {
    const stored = this.#store(path, output);
    if (!stored.ok) {
      this.#failNode(path, stored.error, metrics);
      return;
    }
    const { via } = this.nodeState(path);
    const route = routeNode(this.node(path), "success", output, this.#scope, via);
    if (!route.ok) {
      this.#failNode(path, route.error, metrics);
      return;
    }
    for (const effect of stored.value.effects) this.effects.push(effect);
    this.#warnMissing(path, route.value.missing);
    this.emit({
      type: "node.completed",
      ...this.#identity(path),
      output: stored.value.stored,
      ...(error ? { error } : {}),
      ...(metrics ? { metrics } : {}),
    });
    this.#resolve(path, route.value);
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
    this.emit({
      type: "node.retrying",
      ...this.#identity(path),
      error,
      retry_at: retryAt,
      ...(metrics ? { metrics } : {}),
    });
  }

  #endFailed(path: string, error: NodeError, metrics?: TaskMetrics): void {
    if (this.node(path).continuesOnError) this.complete(path, errorObject(error, path), metrics, error);
    else this.#failNode(path, error, metrics);
  }

  #failNode(path: string, error: NodeError, metrics?: TaskMetrics): void {
    const { via } = this.nodeState(path);
    const route = routeNode(this.node(path), "failure", errorObject(error, path), this.#scope, via);
    const handled = route.ok && route.value.taken.length > 0;
    if (route.ok) this.#warnMissing(path, route.value.missing);
    this.emit({
      type: "node.failed",
      ...this.#identity(path),
      error,
      handled,
      ...(metrics ? { metrics } : {}),
    });
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
    const dead = this.node(path).outgoing;
    if (dead.length > 0) this.#resolve(path, { taken: [], dead: [...dead] });
  }

  #route(path: string, outcome: "success" | "failure", output: Json): void {
    const route = routeNode(this.node(path), outcome, output, this.#scope, this.nodeState(path).via);
    if (route.ok) {
      this.#warnMissing(path, route.value.missing);
      this.#resolve(path, route.value);
    } else this.#failNode(path, route.error);
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

  #warnMissing(path: string, conditions: readonly string[]): void {
    for (const condition of conditions) {
      const message = `condition "${condition.slice(0, 100)}" reads a field that is not there; it does not hold`;
      this.emit({ type: "warning", code: "missing_field", message, node: path });
    }
  }

  /** A value as the log keeps it, with the chunk rows it needs beside. */
  store(path: string, visit: number, value: Json): Result<{ stored: StoredValue; effects: Effect[] }, NodeError> {
    const text = JSON.stringify(value);
    // UTF-8 takes at most three bytes a UTF-16 unit: short texts need no counting.
    if (text.length * 3 <= OUTPUT_INLINE_BYTES) return { ok: true, value: { stored: { value }, effects: [] } };
    const bytes = utf8Length(text);
    if (bytes <= OUTPUT_INLINE_BYTES) return { ok: true, value: { stored: { value }, effects: [] } };
    if (bytes > OUTPUT_BYTES_MAX) {
      return fail(nodeError("output_too_large", `the output has ${bytes} bytes; at most ${OUTPUT_BYTES_MAX} are kept`));
    }
    this.#fresh.set(`${path}/${visit}`, value);
    return {
      ok: true,
      value: { stored: { stored_bytes: bytes }, effects: [{ type: "store", path, visit, text }] },
    };
  }

  #store(path: string, value: Json) {
    return this.store(path, this.nodeState(path).visit, value);
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
