/**
 * Drives the pure engine in a test as the coordinator does: keeps the state, collects events and tasks, stores large
 * values, and checks after every step that folding the log gives the state (invariant 10).
 */
import { expect } from "vitest";
import { fold } from "#engine/apply.ts";
import type { RunCommand } from "#engine/commands/command.ts";
import type { RunEvent } from "#engine/events.ts";
import { type Outcome, type Plan, type PlanInput, plan, planStart } from "#engine/plan.ts";
import { nextDueAt, type RunState } from "#engine/state.ts";
import type { Task, TaskOutcome } from "#engine/task.ts";
import type { EngineContext } from "#engine/transition.ts";
import { nodeExecutions, type RunView, runView } from "#engine/view.ts";
import type { ChildOutcome, ChildRequest } from "#engine/waiting/child.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { checkWorkflow } from "#workflow/check.ts";
import { type CompiledGraph, compileGraph } from "#workflow/graph.ts";

export const START_MS = 1_700_000_000_000;

/** The graph of a definition that must be free of errors. */
export function graphOf(document: unknown): CompiledGraph {
  const { definition, errors } = checkWorkflow(document);
  expect(errors).toEqual([]);
  if (definition === null) throw new Error("the definition has no shape");
  return compileGraph(definition);
}

export class RunDriver {
  graph: CompiledGraph;
  readonly #base: CompiledGraph;
  /** Children asked for and not ended, and those cancelled. */
  readonly children: ChildRequest[] = [];
  readonly cancelledChildren: string[] = [];
  /** What the last input gave back, or why it was refused. */
  lastPlan: Plan | null = null;
  readonly events: RunEvent[] = [];
  /** Bytes stored beside the log, and the largest transition's log text. */
  storedBytes = 0;
  logUnitsMax = 0;
  /** Tasks handed to queues and not answered yet, oldest first. */
  readonly tasks: Task[] = [];
  nowMs = START_MS;
  state: RunState;
  #mustGoOn = false;
  readonly #stored = new Map<string, string>();

  constructor(document: unknown, inputs: Json = {}, options: { holdCut?: boolean } = {}) {
    this.holdCut = options.holdCut ?? false;
    this.graph = graphOf(document);
    this.#base = this.graph;
    const request = {
      run_id: "run_xx00001HF0000000000000000000000",
      tenant: "default",
      workflow: "test",
      artifact_id: "sha256:test",
      inputs,
      labels: {},
      priority: 3,
      trigger: "test",
    };
    const planned = planStart(request, { ...this.#context(), system: { runtime: "test" } });
    this.state = planned.state;
    this.#perform(planned);
  }

  /** Keeps cut transitions from going on, as if the object were lost before it could. */
  holdCut = false;

  /** Hands an input to the run and carries cut transitions to their end. */
  give(input: PlanInput): Outcome {
    const before = structuredClone(this.state);
    const planned = plan(this.state, input, this.#context());
    if (planned.graph !== undefined) this.graph = planned.graph;
    // A refusal has changed nothing.
    if (planned.outcome === "refused") {
      expect(planned.events).toEqual([]);
      expect(planned.effects).toEqual([]);
      expect(planned.state).toEqual(before);
    }
    this.#perform(planned);
    this.lastPlan = planned;
    return planned.outcome;
  }

  /** Hands a command to the run: what it gives back, or the code and message of its refusal. */
  command(input: RunCommand): { value: Json } | { code: string; message: string; details?: Json } {
    this.give(input);
    const { refusal, value } = this.lastPlan ?? {};
    return refusal === undefined ? { value: value ?? null } : refusal;
  }

  /** Lets time pass and what is due happen, step by step. */
  pass(ms: number): void {
    const until = this.nowMs + ms;
    for (let due = nextDueAt(this.state); due !== null && due <= until; due = nextDueAt(this.state)) {
      this.nowMs = Math.max(this.nowMs, due);
      this.give({ type: "tick" });
    }
    this.nowMs = until;
  }

  /** Ends the child that a node waits for. */
  endChild(path: string, outcome: ChildOutcome): Outcome {
    const request = this.children.findLast((child) => child.parent.path === path);
    if (request === undefined) throw new Error(`no child of ${path} was asked for`);
    const { visit } = request.parent;
    return this.give({ type: "child_ended", path, visit, child: request.run_id, outcome });
  }

  /** Answers the oldest task of a node. */
  answer(path: string, outcome: TaskOutcome | Json): Outcome {
    const index = this.tasks.findIndex((task) => task.path === path);
    const task = this.tasks[index];
    if (task === undefined) throw new Error(`no task of ${path} is open`);
    this.tasks.splice(index, 1);
    return this.answerTask(task, outcome);
  }

  answerTask(task: Task, outcome: TaskOutcome | Json): Outcome {
    const { run_id, path, visit, attempt } = task;
    const times = { sent_at: this.nowMs, start_time: this.nowMs, end_time: this.nowMs };
    const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
    const result = isOutcome(outcome) ? outcome : { ok: true as const, output: outcome };
    return this.give({ type: "task_ended", result: { run_id, path, visit, attempt, outcome: result, metrics } });
  }

  /** The text of a value that stands beside the log. */
  stored(path: string, visit: number): string {
    return this.#stored.get(`${path}/${visit}`) ?? "";
  }

  get view(): RunView {
    return runView(this.state, this.graph, this.#context().readStored);
  }

  get outputs(): JsonObject | undefined {
    return this.view.outputs;
  }

  status(path: string): string {
    return this.state.nodes.get(path)?.status ?? "pending";
  }

  executions() {
    return nodeExecutions(this.state, this.graph, this.#context().readStored);
  }

  types(path?: string): string[] {
    return this.events
      .filter((event) => path === undefined || ("node" in event && event.node === path))
      .map((event) => event.type);
  }

  #context(): EngineContext {
    return {
      graph: this.graph,
      base: this.#base.definition,
      nowMs: this.nowMs,
      readStored: (path, visit) => JSON.parse(this.#stored.get(`${path}/${visit}`) ?? "null") as Json,
    };
  }

  #perform(planned: Plan): void {
    this.state = planned.state;
    this.events.push(...planned.events);
    this.logUnitsMax = Math.max(this.logUnitsMax, JSON.stringify(planned.events).length);
    for (const effect of planned.effects) {
      if (effect.type === "store") {
        this.#stored.set(`${effect.path}/${effect.visit}`, effect.text);
        this.storedBytes += effect.text.length;
      }
      if (effect.type === "dispatch") this.tasks.push(effect.task);
      if (effect.type === "continue") this.#mustGoOn = true;
      if (effect.type === "child") this.children.push(effect.request);
      if (effect.type === "cancel_child") this.cancelledChildren.push(effect.run_id);
    }
    expect(fold(structuredClone(this.events))).toEqual(this.state);
    expect(this.events.map((event) => event.seq)).toEqual(this.events.map((_, index) => index + 1));
    if (this.#mustGoOn && !this.holdCut) {
      this.#mustGoOn = false;
      this.give({ type: "continue" });
    }
  }
}

function isOutcome(value: TaskOutcome | Json): value is TaskOutcome {
  return typeof value === "object" && value !== null && !Array.isArray(value) && typeof value.ok === "boolean";
}
