/**
 * A run as its log tells it, checked event by event against the rules: a second, independent reading of what the engine
 * may do. Knows nothing of plans, states or graphs; what is not legal throws a violation.
 */
import type { RunEvent } from "#engine/events.ts";
import type { TaskOutcome } from "#engine/task.ts";
import type { NodeError } from "#kernel/errors.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import { kindOf } from "../nodes/registry.ts";
import type { Reading } from "../scenario/expressions.ts";
import { errorAsOutput, type Given, refuses } from "../scenario/given.ts";
import { render } from "../scenario/templates.ts";
import type { Operation } from "./change-rules.ts";
import type { DefinitionModel, ModelEdge, ModelLoop } from "./definition-model.ts";
import { NodeModel } from "./node-model.ts";
import { beginPart, definitionOfPart, endPart, partIn } from "./part-rules.ts";
import { judgedAlone, type Route, routeOf } from "./routing-model.ts";
import { keptSignalFor } from "./signals.ts";
import { must, Violation } from "./violation.ts";

/** What the model is told of the world around the log. */
export interface Surroundings {
  readStored(runId: string, path: string, visit: number): Json;
  /** What workers have reported of an attempt (`run/path/visit/attempt`) so far. */
  reported(taskId: string): readonly TaskOutcome[];
  /** Which life of the object it was at that time, from 1. */
  lifeAt(atMs: number): number;
  /** Queues and workers live and die with the process. */
  local: boolean;
  /** Whether anything happened by which the task may never be heard of. */
  mayBeUnheard(taskId: string): boolean;
}

/** Keys of configs that are expressions: templates in them are left alone. */
const EXPRESSION_KEYS = new Set(["condition", "expression"]);

/** The latest that anything due may be taken up: no fault keeps an alarm, or the watchdog, away for longer. */
export const LATE_MS = 480_000;

export type EventOf<Type extends RunEvent["type"]> = Extract<RunEvent, { type: Type }>;

const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "skipped"]);

interface BeginEvent {
  visit: number;
  attempt: number;
  iteration: number;
  seq: number;
  at: number;
  via?: string;
}

export class RunModel {
  readonly runId: string;
  /** Name of the shard that holds it. */
  readonly shard: string;
  definition: DefinitionModel;
  readonly surroundings: Surroundings;
  readonly log: RunEvent[] = [];
  /** The status as people see it after each event. */
  readonly statuses: string[] = [];
  readonly nodes = new Map<string, NodeModel>();
  readonly active = new Set<NodeModel>();
  /** The request that every attempt of a visit makes, by path and visit. */
  readonly configs = new Map<string, JsonObject>();
  status: "none" | "queued" | "running" | "paused" | "completed" | "failed" | "cancelled" = "none";
  generation = 1;
  inputs: Json = null;
  /** Signals that no node has taken yet. */
  signals: { seq: number; name: string; payload: Json }[] = [];
  isShadow = false;
  /** What was done on behalf of nodes, at most at a time. */
  partsMost = 0;
  /** When what a pause held back was set free. */
  resumedMs = 0;
  /** The first failure that nothing handled. */
  failing: { node: string; code: string; message: string } | null = null;
  /** Failures that nothing handled, and no replay has undone. */
  readonly unhandled = new Map<string, { node: string; code: string; message: string }>();
  /** Nodes that were cancelled in this transition and not by a failure: the run must end, or they run again. */
  givenUp: string[] = [];
  mustReopen = false;
  patches: { operations: Operation[]; status: "proposed" | "applied" | "rejected" | "reverted" }[] = [];
  /** The definition before any patch. */
  readonly base: DefinitionModel;
  /** How the end of a node must be routed by the very next event. */
  #routesDue: { node: NodeModel; route: Route }[] = [];
  /** A loop that goes on: its next pass must be begun before anything else happens. */
  #passDue: ModelLoop | null = null;
  /** By loop: the pass it is in, from 0. */
  readonly passes = new Map<string, number>();

  constructor(runId: string, shard: string, definition: DefinitionModel, surroundings: Surroundings) {
    this.runId = runId;
    this.shard = shard;
    this.definition = definition;
    this.base = definition;
    this.surroundings = surroundings;
  }

  get seq(): number {
    return this.log.length;
  }

  get isTerminal(): boolean {
    return this.status === "completed" || this.status === "failed" || this.status === "cancelled";
  }

  /** Notes that the event is the next one in the log, if it may be. */
  append(event: RunEvent): void {
    const last = this.log.at(-1);
    must(event.seq === this.seq + 1, "6", () => `event ${event.seq} follows ${this.seq} in ${this.runId}`);
    must(last === undefined || event.at >= last.at, "6", () => `event ${event.seq} is older than the one before it`);
    const [due] = this.#routesDue;
    if (due !== undefined && event.type !== "edge.resolved") {
      throw new Violation("5", `${event.type} stands where the edges of ${due.node.id} must be resolved`);
    }
    const isOfPass = event.type === "edge.resolved" || event.type === "node.cancelled";
    must(this.#passDue === null || isOfPass, "5", () => `${event.type} stands where ${this.#passDue?.id} goes on`);
    this.log.push(event);
  }

  /** To be called when all events of a transition have been taken. */
  endTransition(): void {
    must(this.#routesDue.length === 0, "5", () => `the edges of ${this.#routesDue[0]?.node.id} were not resolved`);
    must(this.#passDue === null, "5", () => `${this.#passDue?.id} goes on and no pass was begun`);
    const isGoing = this.givenUp.length === 0 || this.isTerminal;
    must(isGoing, "rules", () => `[${this.givenUp}] was cancelled and ${this.runId} goes on`);
    this.givenUp = [];
    must(!this.mustReopen, "2", () => `${this.runId} was replayed and not reopened`);
    for (const node of this.active) {
      const isDecided =
        node.status === "waiting" &&
        node.wait?.kind !== "items" &&
        (node.expected !== null || node.approval?.isDue === true);
      must(!isDecided, "rules", () => `${node.id} still waits though it is known what becomes of it`);
      const part = partIn(node.id);
      const isWanted = part === null || this.node(part.owner).status === "waiting";
      must(isWanted, "rules", () => `${node.id} is still ${node.status} and nobody waits for it`);
      must(!node.mustSetTimer, "11", () => `${node.id} waits and no timer is set`);
    }
    if (this.failing === null || this.isTerminal) return;
    for (const node of this.active) {
      must(node.status === "running", "rules", () => `${node.id} is still ${node.status} though the run is failing`);
    }
  }

  /** It waits for a signal or to be resumed, and for nothing that comes by itself. */
  get isIdle(): boolean {
    const isHeld = (node: NodeModel) =>
      node.status === "waiting" && (node.due === null || (this.status === "paused" && node.due.why === "retry"));
    if (this.status !== "paused" && this.active.size === 0) return false;
    return [...this.active].every(isHeld);
  }

  visibleStatus(): string {
    if (this.status !== "running" || this.active.size === 0) return this.status;
    for (const node of this.active) if (node.status !== "waiting") return "running";
    return "waiting";
  }

  /** What a path runs. */
  definitionOf(path: string): NodeDefinition {
    const part = partIn(path);
    if (part === null) {
      const written = this.definition.node(path);
      const override = this.nodes.get(path)?.override ?? null;
      return override === null ? written : { ...written, config: { ...written.config, ...override } };
    }
    return definitionOfPart(path, this.definition.node(part.owner));
  }

  /** What ends the run as failed once nothing can run any more. */
  get failure(): { node: string; code: string } | null {
    return this.failing ?? this.unhandled.values().next().value ?? null;
  }

  /** Goes on with a patched definition; edges keep what is known of them under their names. */
  adopt(to: DefinitionModel, unresolved: ReadonlySet<string>): void {
    this.definition = to;
    for (const node of this.nodes.values()) {
      const same = (edge: ModelEdge) =>
        unresolved.has(`${edge.from}>${edge.name}`)
          ? []
          : to.outgoing(edge.from).filter((other) => other.name === edge.name);
      const [resolved, taken] = [[...node.resolved].flatMap(same), node.taken.flatMap(same)];
      node.resolved.clear();
      for (const edge of resolved) node.resolved.add(edge);
      node.taken.splice(0, node.taken.length, ...taken);
    }
    for (const { id } of to.nodes.values()) {
      const node = this.node(id);
      const route = this.#routeOfNew(node);
      this.#expect(node, route);
      if (node.status !== "pending") continue;
      node.decidedAtMs = this.readiness(node) === "not_yet" ? null : (this.log.at(-1)?.at ?? null);
    }
  }

  /** New edges out of what has ended, each judged alone. */
  #routeOfNew(node: NodeModel): Route {
    const route: Route = { taken: [], dead: [] };
    const { status, id } = node;
    if (status !== "completed" && status !== "failed" && status !== "skipped") return route;
    for (const edge of this.definition.outgoing(id)) {
      if (this.node(edge.to).resolved.has(edge)) continue;
      const isLed = status !== "skipped" || this.readiness(node) === "ready";
      const isTaken = isLed ? this.#holds(node, edge) : false;
      must(isTaken !== null, "8", () => `a patch is applied though ${edge.from} → ${edge.name} cannot be evaluated`);
      if (isTaken) route.taken.push(edge);
      else if (edge.leaves === null || ENDED.has(this.node(edge.leaves).status)) route.dead.push(edge);
    }
    return route;
  }

  #holds(node: NodeModel, edge: ModelEdge): boolean | null {
    const outcome = node.status === "failed" ? "failure" : "success";
    const reading = this.reading(node.id, this.carried(node.id));
    return judgedAlone(this.definitionOf(node.id), edge, this.definition.outgoing(node.id), outcome, reading);
  }

  /** Nodes run again: what led to them stays, what they led to is open. A loop that is entered anew begins anew. */
  replay(seeds: readonly string[], reset: ReadonlySet<string>, event: EventOf<"replay.requested">): void {
    for (const id of reset) {
      const node = this.node(id);
      must(!node.isActive, "5", () => `${id} is ${node.status} and to be run again`);
      node.reset();
      node.override = id === event.node ? (event.config ?? null) : null;
      this.unhandled.delete(id);
    }
    for (const node of this.nodes.values()) node.unresolve((edge) => reset.has(edge.from));
    for (const { id, head, body } of this.definition.loops.values()) {
      const outside = seeds.filter((seed) => !body.has(seed));
      if (!this.definition.downstream(outside).has(head)) continue;
      this.passes.delete(id);
      this.node(head).again = this.#ledBackBy(head);
    }
    for (const id of reset) if (this.readiness(this.node(id)) !== "not_yet") this.node(id).decidedAtMs = event.at;
    this.givenUp = this.givenUp.filter((id) => !reset.has(id));
  }

  /** The innermost loop that leads back to this head and is past its first pass. */
  #ledBackBy(head: string): string | null {
    const loops = this.definition.around(head).filter((loop) => loop.head === head && this.passes.has(loop.id));
    return loops[0]?.id ?? null;
  }

  /** Something that was done on a node's behalf has ended; what its tasks asked for is remembered. */
  endPart(part: NodeModel, at: number, given: { output: Json } | { error: NodeError }): void {
    endPart(part, this.node(partIn(part.id)?.owner ?? ""), at, given);
  }

  node(id: string): NodeModel {
    let node = this.nodes.get(id);
    if (node === undefined) {
      must(
        this.definition.nodes.has(partIn(id)?.owner ?? id),
        "rules",
        () => `there is no node ${id} in ${this.runId}`,
      );
      node = new NodeModel(id);
      this.nodes.set(id, node);
    }
    return node;
  }

  /** Rule 4: what the resolved edges say of a node that has not started. */
  readiness(node: NodeModel): "ready" | "dead" | "not_yet" {
    const incoming = this.definition.incoming(node.id);
    if (incoming.length === 0 || node.again !== null) return "ready";
    if (this.definition.node(node.id).join === "any" && node.taken.length > 0) return "ready";
    if (incoming.some((edge) => !node.resolved.has(edge))) return "not_yet";
    return node.taken.length > 0 ? "ready" : "dead";
  }

  /** A node begins a visit: it must be allowed to. */
  begin(node: NodeModel, event: BeginEvent): void {
    const part = partIn(node.id);
    if (part === null) this.#mayBegin(node, event);
    else beginPart(node, this.node(part.owner), event.visit);
    must(event.attempt === 1, "13", () => `${node.id} begins with attempt ${event.attempt}`);
    const isGoing = this.failing === null && this.status === "running";
    must(isGoing, "5", () => `${node.id} starts in a run that is ${this.status}`);
    const pass = this.iteration(part?.owner ?? node.id);
    must(event.iteration === pass, "5", () => `${node.id} is of pass ${event.iteration}, and it is ${pass}`);
    node.visit = event.visit;
    node.attempt = event.attempt;
    node.beganSeq = event.seq;
    node.sends = 0;
    node.faults = 0;
    node.error = null;
    node.wait = null;
    node.fired = null;
    node.approval = null;
    node.escalated = false;
    node.items = null;
    node.signal = null;
    this.checkVia(node, event.via);
  }

  #mayBegin(node: NodeModel, event: BeginEvent): void {
    const what = () => `${node.id} (visit ${event.visit})`;
    must(node.status === "pending", "5", () => `${what()} starts though it is ${node.status}`);
    must(event.visit === node.visit + 1, "5", () => `${what()} follows visit ${node.visit}`);
    must(this.readiness(node) === "ready", "5", () => `${what()} starts before its edges allow it`);
    this.mustBePrompt(node, event.at);
  }

  /** What is decided about a node is done in the same turn, or in a later one when the transition was cut. */
  mustBePrompt(node: NodeModel, atMs: number): void {
    const waitedMs = atMs - Math.max(node.decidedAtMs ?? this.log[0]?.at ?? 0, this.resumedMs);
    must(waitedMs <= LATE_MS, "effects", () => `${node.id} is taken up ${waitedMs} ms after its edges were resolved`);
  }

  /** An `any` join names the predecessor that started it. */
  checkVia(node: NodeModel, via: string | undefined): void {
    const isAny = this.definitionOf(node.id).join === "any" && this.definition.incoming(node.id).length > 0;
    const expected = isAny ? node.taken[0]?.from : undefined;
    must(via === expected, "rules", () => `${node.id} was started by ${via}, and it should be ${expected}`);
  }

  /** The request that all attempts of a visit make; undefined when the visit was never queued. */
  config(path: string, visit: number): JsonObject | undefined {
    return this.configs.get(`${path}/${visit}`);
  }

  setActive(node: NodeModel, status: NodeModel["status"]): void {
    node.status = status;
    this.active.add(node);
    const parts = [...this.active].filter(({ id }) => partIn(id) !== null).length;
    this.partsMost = Math.max(this.partsMost, parts);
  }

  end(node: NodeModel, status: NodeModel["status"], seq: number, output?: Json): void {
    node.end(status, seq, output);
    this.active.delete(node);
    if (partIn(node.id) !== null) this.nodes.delete(node.id);
  }

  /** Rule 7: the outputs of the completed terminal nodes. */
  outputs(): JsonObject {
    const completed = this.definition.terminals().filter((id) => this.node(id).status === "completed");
    return Object.fromEntries(completed.map((id) => [id, this.node(id).outputBefore() ?? null]));
  }

  /** What came along the edges: the static shape of a node's input. */
  input(node: NodeModel): Json {
    const item = this.#item(node.id);
    if (item !== null) return item.item;
    const incoming = this.definition.incoming(node.id);
    if (node.again !== null) return this.carried(node.again);
    if (incoming.length === 0) return this.inputs;
    if (incoming.length === 1) return this.carried(incoming[0]?.from ?? "");
    if (this.definition.node(node.id).join === "any") return this.carried(node.taken[0]?.from ?? "");
    const taken = incoming.filter((edge) => node.taken.includes(edge));
    return Object.fromEntries(taken.map(({ from }) => [from, this.carried(from)]));
  }

  /** What edges out of a node carry. */
  carried(id: string): Json {
    const node = this.node(id);
    if (node.status === "failed" && node.error !== null) return errorAsOutput(node.error, id);
    return node.outputBefore() ?? null;
  }

  /** What an item of a map knows of itself. */
  #item(path: string): { item: Json; index: number } | null {
    const part = partIn(path);
    const items = part === null ? null : this.node(part.owner).items;
    return items === null ? null : { item: items.list[Number(part?.key)] ?? null, index: Number(part?.key) };
  }

  /** The pass of the innermost loop around a node. */
  iteration(id: string): number {
    const [loop] = this.definition.around(id);
    return loop === undefined ? 0 : (this.passes.get(loop.id) ?? 0);
  }

  /** What expressions at a node may read. */
  reading(id: string, output: Json): Reading {
    return {
      output,
      inputs: this.inputs,
      iteration: this.iteration(partIn(id)?.owner ?? id),
      ...(this.#item(id) ?? {}),
      node: (other) => this.node(other).outputBefore() ?? null,
    };
  }

  /** What the node's config is once its templates are rendered. */
  renderedConfig(node: NodeModel): Given {
    const { config: written = {}, type } = this.definitionOf(node.id);
    const isText = (key: string) => EXPRESSION_KEYS.has(key) || (type === "map" && key === "node");
    const expressions = Object.entries(written).filter(([key]) => isText(key));
    const templates = Object.fromEntries(Object.entries(written).filter(([key]) => !isText(key)));
    const owner = partIn(node.id)?.owner;
    const beganSeq = owner === undefined ? node.beganSeq : this.node(owner).beganSeq;
    const rendered = render(templates, {
      inputs: this.inputs,
      run: { id: this.runId },
      node: (id) => this.node(id).outputBefore(beganSeq),
      ...(this.#item(node.id) ?? {}),
    });
    if (!rendered.ok || !("value" in rendered)) return rendered;
    return { ok: true, value: { ...(rendered.value as JsonObject), ...Object.fromEntries(expressions) } };
  }

  /** What an inline node must give now that it starts. */
  execute(node: NodeModel): Given | null {
    const { execute, kind, waits } = kindOf(this.definitionOf(node.id).type);
    if (execute === undefined && kind !== "waiting") return refuses("template_unresolved");
    const config = this.renderedConfig(node);
    if (!config.ok || !("value" in config)) return config;
    if (waits === "event") {
      const kept = keptSignalFor(this, node, (config.value as JsonObject).event ?? null);
      node.signal = kept?.seq ?? null;
      return kept?.given ?? null;
    }
    if (execute === undefined) return null;
    const input = this.input(node);
    return execute({ config: config.value as JsonObject, input, reading: this.reading(node.id, input) });
  }

  route(node: NodeModel, outcome: "success" | "failure", output: Json): Route | null {
    const definition = this.definitionOf(node.id);
    return routeOf(definition, this.definition.outgoing(node.id), outcome, this.reading(node.id, output));
  }

  /** The next events must resolve the node's edges like this, and what a loop that ends has held back. */
  expectRoute(node: NodeModel, route: Route): void {
    const isOpen = (edge: ModelEdge) => !this.node(edge.to).resolved.has(edge);
    const isNotHeld = (edge: ModelEdge) => edge.leaves === null;
    this.#expect(node, { taken: route.taken.filter(isOpen), dead: route.dead.filter(isNotHeld).filter(isOpen) });
    for (const id of this.definition.loops.get(node.id)?.body ?? []) {
      const held = this.definition.outgoing(id).filter((edge) => edge.leaves === node.id && isOpen(edge));
      this.#expect(this.node(id), { taken: [], dead: held });
    }
  }

  #expect(node: NodeModel, route: Route): void {
    if (route.taken.length + route.dead.length > 0) this.#routesDue.push({ node, route });
  }

  /** The loop's next pass must be begun. */
  expectPass(node: NodeModel): void {
    this.#passDue = this.definition.loops.get(node.id) ?? null;
  }

  /** The next pass of a loop begins, and what its body still does is given up. */
  isLeftBehind(node: NodeModel): boolean {
    return this.#passDue?.body.has(node.id) === true;
  }

  #beginPass(event: EventOf<"edge.resolved">): void {
    const loop = this.#passDue;
    must(loop !== null && loop.id === event.node, "5", () => `${event.node} begins a pass out of turn`);
    this.#passDue = null;
    const pass = (this.passes.get(loop.id) ?? 0) + 1;
    must(event.pass === pass && pass < loop.passes, "13", () => `pass ${event.pass} of ${loop.id} follows ${pass - 1}`);
    const isIt = event.taken.join() === loop.head && event.dead.length === 0;
    must(isIt, "rules", () => `${loop.id} leads back to ${event.taken}`);
    const reset = [...(event.reset ?? [])].sort().join();
    must(reset === [...loop.body].sort().join(), "5", () => `pass ${pass} of ${loop.id} begins with ${reset}`);
    for (const id of loop.body) {
      const node = this.node(id);
      must(!node.isActive, "5", () => `${id} is ${node.status} though ${loop.id} has begun another pass`);
      node.reset();
      node.unresolve((edge) => loop.body.has(edge.from));
      node.again = id === loop.head ? loop.id : null;
      this.passes.delete(id);
      if (this.readiness(node) !== "not_yet") node.decidedAtMs = event.at;
    }
    this.passes.set(loop.id, pass);
  }

  resolve(event: EventOf<"edge.resolved">): void {
    if (event.reset !== undefined) {
      this.#beginPass(event);
      return;
    }
    must(this.#passDue === null, "5", () => `${this.#passDue?.id} goes on, and edges of ${event.node} are resolved`);
    const at = this.#routesDue.findIndex(({ node }) => node.id === event.node);
    const due = this.#routesDue[at];
    must(due !== undefined, "5", () => `edges of ${event.node} are resolved out of turn`);
    this.#routesDue.splice(at, 1);
    const { node, route } = due;
    const names = (edges: readonly { name: string }[]) => edges.map((edge) => edge.name).sort();
    for (const side of ["taken", "dead"] as const) {
      const given = [...event[side]].sort();
      const expected = names(route[side]);
      const isRight = given.join(" ") === expected.join(" ");
      must(isRight, "rules", () => `${node.id}: edges ${side} are [${given}], and they should be [${expected}]`);
    }
    // In the order of the event: it decides which one an `any` join was started by.
    const byName = new Map([...route.taken, ...route.dead].map((edge) => [edge.name, edge]));
    for (const name of [...event.taken, ...event.dead]) {
      const edge = byName.get(name);
      if (edge === undefined) continue;
      const target = this.node(edge.to);
      must(!target.resolved.has(edge), "5", () => `the edge ${edge.from} → ${edge.name} is resolved twice`);
      target.resolved.add(edge);
      if (route.taken.includes(edge)) target.taken.push(edge);
      if (this.readiness(target) !== "not_yet") target.decidedAtMs ??= event.at;
    }
  }

  /** A value of the log, read from beside it when it stands there. */
  valueOf(stored: object, path: string, visit: number): Json {
    if ("value" in stored) return stored.value as Json;
    const at = (stored as { at?: { path: string; visit: number } }).at ?? { path, visit };
    return this.surroundings.readStored(this.runId, at.path, at.visit);
  }

  /** Outcomes that workers reported of the node's current attempt. */
  reported(node: NodeModel): readonly TaskOutcome[] {
    return this.surroundings.reported(this.taskId(node));
  }

  taskId(node: NodeModel): string {
    return `${this.runId}/${node.id}/${node.visit}/${node.attempt}`;
  }
}
