/**
 * A run as its log tells it, checked event by event against the rules: a second, independent reading of what the engine
 * may do. Knows nothing of plans, states or graphs; what is not legal throws a violation.
 */
import type { ParentOf, ReplayOf, RunEvent } from "#engine/events.ts";
import type { TaskOutcome } from "#engine/task.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import type { NodeDefinition } from "#workflow/definition.ts";
import type { Reading } from "../scenario/expressions.ts";
import type { DefinitionModel } from "./definition-model.ts";
import { EdgesDue } from "./edges-due.ts";
import { NodeModel } from "./node-model.ts";
import { beginPart, definitionOfPart, partIn } from "./part-rules.ts";
import type { Operation } from "./patch-rules.ts";
import { iterationOf, readingAt } from "./reading.ts";
import { must } from "./violation.ts";

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
  /** Another run of the same shard, as far as its log has been read. */
  run(runId: string): RunModel | undefined;
  /** The artifact that a tag or an id names; null when nothing is called that. */
  artifactOf(name: string): string | null;
}

/** The latest that anything due may be taken up: no fault keeps an alarm, or the watchdog, away for longer. */
export const LATE_MS = 480_000;

export type EventOf<Type extends RunEvent["type"]> = Extract<RunEvent, { type: Type }>;

interface BeginEvent {
  visit: number;
  attempt: number;
  iteration: number;
  seq: number;
  at: number;
  via?: string;
}

interface Failure {
  node: string;
  code: string;
  message: string;
}

/** `verdict`: of an agent's, what must become of it, null where that is not known. */
export interface ModelPatch {
  operations: Operation[];
  status: "proposed" | "applied" | "rejected" | "reverted";
  verdict: "taken" | "refused" | null | undefined;
}

export class RunModel {
  readonly runId: string;
  /** Name of the shard that holds it. */
  readonly shard: string;
  definition: DefinitionModel;
  /** The definition before any patch. */
  readonly base: DefinitionModel;
  readonly surroundings: Surroundings;
  readonly log: RunEvent[] = [];
  /** The status as people see it after each event. */
  readonly statuses: string[] = [];
  readonly nodes = new Map<string, NodeModel>();
  readonly active = new Set<NodeModel>();
  readonly edges = new EdgesDue(this);
  /** The request that every attempt of a visit makes, by path and visit. */
  readonly configs = new Map<string, JsonObject>();
  status: "none" | "queued" | "running" | "paused" | "completed" | "failed" | "cancelled" = "none";
  generation = 1;
  /** How often it has ended. */
  ends = 0;
  workflow: string | null = null;
  inputs: Json = null;
  /** The node run that waits for it, and how many runs are above it. */
  parent: ParentOf | null = null;
  depth = 0;
  /** The run that it came of in the end: itself, or that of whom it is a child or a replay. */
  rootId: string;
  replayOf: ReplayOf | null = null;
  /** Nodes whose results are still to be taken over from the run that it replays. */
  kept: Set<string> | null = null;
  /** Signals that no node has taken yet. */
  signals: { seq: number; name: string; payload: Json }[] = [];
  /** What was done on behalf of nodes, at most at a time. */
  partsMost = 0;
  /** When what a pause held back was set free. */
  resumedMs = 0;
  /** The first failure that nothing handled. */
  failing: Failure | null = null;
  /** Failures that nothing handled, and no replay has undone. */
  readonly unhandled = new Map<string, Failure>();
  /** Nodes that were cancelled in this transition and not by a failure: the run must end, or they run again. */
  givenUp: string[] = [];
  mustReopen = false;
  patches: ModelPatch[] = [];
  /** The agent whose result is being taken up, or was last. */
  patchedBy: string | null = null;
  /** By loop: the pass it is in, from 0. */
  readonly passes = new Map<string, number>();
  /** Its rows cannot be read any more: nothing is to be expected of it. */
  isWrecked = false;

  constructor(runId: string, shard: string, definition: DefinitionModel, surroundings: Surroundings) {
    this.runId = runId;
    this.rootId = runId;
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

  get isShadow(): boolean {
    return this.replayOf?.mode === "shadow";
  }

  /** What ends the run as failed once nothing can run any more. */
  get failure(): { node: string; code: string } | null {
    return this.failing ?? this.unhandled.values().next().value ?? null;
  }

  /** It waits for a signal or to be resumed, and for nothing that comes by itself. */
  get isIdle(): boolean {
    if (this.status !== "paused" && this.active.size === 0) return false;
    return [...this.active].every((node) => this.#isHeld(node));
  }

  #isHeld({ status, due, wait }: NodeModel): boolean {
    if (status !== "waiting") return false;
    if (wait?.kind === "child") {
      const child = this.surroundings.run(wait.run_id);
      return child?.isWrecked === true || (child?.isIdle === true && !child.isTerminal);
    }
    return due === null || (this.status === "paused" && due.why === "retry");
  }

  /** Notes that the event is the next one in the log, if it may be. */
  append(event: RunEvent): void {
    const last = this.log.at(-1);
    must(event.seq === this.seq + 1, "6", () => `event ${event.seq} follows ${this.seq} in ${this.runId}`);
    must(last === undefined || event.at >= last.at, "6", () => `event ${event.seq} is older than the one before it`);
    this.edges.mustAllow(event);
    this.log.push(event);
  }

  /** To be called when all events of a transition have been taken. */
  endTransition(): void {
    this.edges.mustBeNone();
    const missing = [...(this.kept ?? [])];
    must(missing.length === 0, "9", () => `[${missing}] of ${this.replayOf?.run_id} should have been taken over`);
    const isGoing = this.givenUp.length === 0 || this.isTerminal;
    must(isGoing, "rules", () => `[${this.givenUp}] was cancelled and ${this.runId} goes on`);
    this.givenUp = [];
    const isCounted = this.generation === this.ends + (this.isTerminal ? 0 : 1);
    must(isCounted, "14", () => `${this.runId} has ended ${this.ends} times in ${this.generation} generations`);
    must(!this.mustReopen, "2", () => `${this.runId} was replayed and not reopened`);
    for (const node of this.active) this.#judgeWait(node);
    if (this.failing === null || this.isTerminal) return;
    for (const node of this.active) {
      must(node.status === "running", "rules", () => `${node.id} is still ${node.status} though the run is failing`);
    }
  }

  #judgeWait(node: NodeModel): void {
    const { wait } = node;
    const isToldElsewhere = wait?.kind === "items" || wait?.kind === "child";
    const isDecided =
      node.status === "waiting" && !isToldElsewhere && (node.expected !== null || node.approval?.isDue === true);
    must(!isDecided, "rules", () => `${node.id} still waits though it is known what becomes of it`);
    const part = partIn(node.id);
    const isWanted = part === null || this.node(part.owner).status === "waiting";
    must(isWanted, "rules", () => `${node.id} is still ${node.status} and nobody waits for it`);
    must(!node.mustSetTimer, "11", () => `${node.id} waits and no timer is set`);
  }

  visibleStatus(): string {
    if (this.status !== "running" || this.active.size === 0) return this.status;
    for (const node of this.active) if (node.status !== "waiting") return "running";
    return "waiting";
  }

  node(id: string): NodeModel {
    let node = this.nodes.get(id);
    if (node === undefined) {
      const isKnown = this.definition.nodes.has(partIn(id)?.owner ?? id);
      must(isKnown, "rules", () => `there is no node ${id} in ${this.runId}`);
      node = new NodeModel(id);
      this.nodes.set(id, node);
    }
    return node;
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

  /** What expressions at a node may read. */
  reading(path: string, output: Json): Reading {
    return readingAt(this, path, output);
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
    const pass = iterationOf(this, part?.owner ?? node.id);
    must(event.iteration === pass, "5", () => `${node.id} is of pass ${event.iteration}, and it is ${pass}`);
    node.begin(event);
    this.checkVia(node, event.via);
  }

  #mayBegin(node: NodeModel, event: BeginEvent): void {
    const what = () => `${node.id} (visit ${event.visit})`;
    must(this.kept?.has(node.id) !== true, "9", () => `${what()} runs again, and its result was to be taken over`);
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
