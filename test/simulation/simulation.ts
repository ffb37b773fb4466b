/**
 * One scenario from its beginning to its end: the real coordinator, engine and consumers in a simulated platform, with
 * everything checked after every step. The same scenario always goes the same way.
 */
import type { RunEvent } from "#engine/events.ts";
import { Client } from "./actors/client.ts";
import { watchCaches } from "./checks/cached-runs.ts";
import { isInjected } from "./checks/injected.ts";
import { ProjectionWatch } from "./checks/projection-watch.ts";
import { ShardWatch } from "./checks/shard-watch.ts";
import { Witness } from "./checks/witness.ts";
import { Installation } from "./installation.ts";
import { DefinitionModel } from "./model/definition-model.ts";
import { RunModel } from "./model/run-model.ts";
import { must, Violation } from "./model/violation.ts";
import { Choices } from "./platform/choices.ts";
import { Faults } from "./platform/faults.ts";
import { virtualise } from "./platform/globals.ts";
import type { ObjectHost } from "./platform/object-host.ts";
import { Timeline } from "./platform/timeline.ts";
import { Trace } from "./platform/trace.ts";
import { tune } from "./platform/tuning.ts";
import { artifactNamed, workflowOf } from "./scenario/artifacts.ts";
import type { Crash, Scenario } from "./scenario/scenario.ts";

/** When every scenario begins. */
export const BEGIN_MS = 1_790_000_000_000;
/** Longest that anything may take once trouble is over: a task of which nothing is heard takes most of a day. */
const PATIENCE_MS = 3 * 24 * 3_600_000;
/** Steps of a scenario that will never end. */
const STEPS_MAX = 200_000;
/** How many steps go by between two looks at whether all is over. */
const LOOK_STEPS = 16;
/** Nothing happens for this long: another moment to look. */
const PAUSE_MS = 1_000;

export interface Verdict {
  violation: Violation | null;
  steps: number;
  /** Virtual time that went by. */
  lastedMs: number;
  faults: string[];
  /** The logs of all runs, by run id. */
  logs: Map<string, readonly RunEvent[]>;
  trace: string[];
}

/** `traced`: the verdict tells what happened line by line. */
export async function simulate(scenario: Scenario, traced = false): Promise<Verdict> {
  const simulation = new Simulation(scenario, traced);
  return simulation.run();
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #timeline = new Timeline(BEGIN_MS);
  readonly #trace: Trace;
  readonly #faults: Faults;
  readonly #choices: Choices;
  readonly #runs = new Map<string, RunModel>();
  readonly #watches = new Map<string, ShardWatch>();
  readonly #projection: ProjectionWatch;
  readonly #witness: Witness;
  readonly #installation: Installation;
  readonly #client: Client;
  readonly #healedMs: number;
  #violation: Violation | null = null;

  constructor(scenario: Scenario, traced: boolean) {
    this.#scenario = scenario;
    this.#trace = new Trace(this.#timeline, traced);
    const { seed, rates, faults, healMs } = scenario;
    this.#healedMs = BEGIN_MS + healMs;
    this.#choices = new Choices(seed);
    this.#faults = new Faults(this.#choices, this.#timeline, this.#trace, {
      rates,
      untilMs: this.#healedMs,
      only: faults,
    });
    const onBug = (error: unknown) => this.#note(error);
    this.#witness = new Witness(this.#runs, { onViolation: onBug, mayFailCommits: this.#mayFailCommits });
    const world = { scenario, timeline: this.#timeline, choices: this.#choices, faults: this.#faults };
    this.#installation = new Installation({
      ...world,
      trace: this.#trace,
      witness: this.#witness,
      healedMs: this.#healedMs,
      onHost: (host) => this.#watch(host),
      onLost: (host) => this.#watches.get(host.name)?.forgetLost(),
      onWrite: () => this.#projection.touch(),
      onBug,
    });
    const { database, shards } = this.#installation;
    this.#projection = new ProjectionWatch(database, this.#runs);
    this.#client = new Client({ ...world, shards, runs: this.#runs, onViolation: onBug });
  }

  async run(): Promise<Verdict> {
    const restore = virtualise(this.#timeline, (record) => {
      if (record.level === "error" && !isInjected(record.error)) {
        this.#note(new Violation("bugs", `${record.msg}: ${JSON.stringify(record)}`));
      }
    });
    const onRejection = (error: unknown) => this.#note(error);
    process.on("unhandledRejection", onRejection);
    watchCaches(this.#timeline);
    tune(this.#scenario.bounds);
    let steps = 0;
    try {
      for (const crash of this.#scenario.crashes) {
        this.#timeline.at(BEGIN_MS + crash.atMs, this.#timeline.platform, () => this.#crash(crash));
      }
      steps = await this.#goOn();
      if (this.#violation === null) this.#judgeEnd();
    } catch (error) {
      this.#note(error);
    } finally {
      process.off("unhandledRejection", onRejection);
      restore();
      this.#installation.close();
    }
    return {
      violation: this.#violation,
      steps,
      lastedMs: this.#timeline.nowMs - BEGIN_MS,
      faults: [...this.#faults.happened],
      logs: new Map([...this.#runs].map(([id, run]) => [id, run.log])),
      trace: this.#trace.lines,
    };
  }

  /** Until all is over, then until everything has been read once more. */
  async #goOn(): Promise<number> {
    let isReading = false;
    for (let step = 1; ; step++) {
      if (!(await this.#timeline.step())) throw new Violation("1", "nothing will ever happen again");
      for (const watch of this.#watches.values()) watch.look();
      this.#projection.look();
      if (this.#violation !== null) return step;
      const nextMs = this.#timeline.nextMs ?? Number.POSITIVE_INFINITY;
      const isPause = step % LOOK_STEPS === 0 || nextMs - this.#timeline.nowMs > PAUSE_MS;
      if (isPause && this.#timeline.nowMs >= this.#healedMs && this.#isOver()) {
        if (isReading) return step;
        isReading = true;
        this.#client.readAll();
      }
      if (this.#timeline.nowMs > this.#healedMs + PATIENCE_MS || step > STEPS_MAX) throw this.#stuck();
    }
  }

  #isOver(): boolean {
    if (!this.#client.isDone || !this.#installation.isIdle) return false;
    return this.#openRuns().length === 0 && this.#projection.isUpToDate;
  }

  #openRuns(): RunModel[] {
    return [...this.#runs.values()].filter((run) => !run.isTerminal && !run.isIdle && !run.isWrecked);
  }

  #judgeEnd(): void {
    this.#client.judge();
    for (const watch of this.#watches.values()) watch.reload();
  }

  /** What has not ended though it should have; beside a run that cannot be read, that is what it may not do to others. */
  #stuck(): Violation {
    const open = this.#openRuns();
    const nodes = open.flatMap((run) => [...run.active].map((node) => `${run.runId} ${node.id} ${node.status}`));
    const rest = [
      this.#client.isDone ? [] : ["the client waits"],
      this.#installation.isIdle ? [] : ["queues hold messages"],
      this.#projection.isUpToDate ? [] : ["D1 is not up to date"],
    ].flat();
    const runs = open.map((run) => `${run.runId} is ${run.visibleStatus()}`);
    const isBesideWreck = [...this.#runs.values()].some((run) => run.isWrecked);
    return new Violation(isBesideWreck ? "12" : "1", `it never ends: ${[...runs, ...nodes, ...rest].join("; ")}`);
  }

  #note(error: unknown): void {
    if (this.#violation !== null || isInjected(error)) return;
    if (error instanceof Violation) this.#violation = error;
    else this.#violation = new Violation("bugs", error instanceof Error ? String(error.stack) : String(error));
  }

  get #mayFailCommits(): boolean {
    const { rates, faults } = this.#scenario;
    return (rates["commit.fails"] ?? 0) > 0 || faults !== null;
  }

  #watch(host: ObjectHost): void {
    const watch: ShardWatch = new ShardWatch({
      host,
      runs: this.#runs,
      trace: this.#trace,
      begin: (first) => this.#beginRun(first, watch),
      snapshotEvents: this.#scenario.bounds.SNAPSHOT_EVENTS_MIN,
      mayRepeatWrites: this.#mayFailCommits,
    });
    this.#watches.set(host.name, watch);
  }

  #beginRun(first: RunEvent, watch: ShardWatch): RunModel {
    must(first.type === "run.queued", "6", () => `a log begins with ${first.type}`);
    const { workflows, local } = this.#scenario;
    const workflow = workflows[workflowOf(first.artifact_id)];
    must(workflow !== undefined, "views", () => `a run of ${first.artifact_id}, which is not there`);
    return new RunModel(first.run_id, watch.host.name, new DefinitionModel(workflow.nodes, workflow.edges), {
      readStored: (runId, path, visit) => watch.readStored(runId, path, visit),
      reported: (taskId) => this.#witness.reported(taskId),
      lifeAt: (atMs) => watch.host.lives.filter((begunMs) => begunMs <= atMs).length,
      local,
      mayBeUnheard: (taskId) => this.#witness.mayBeUnheard(taskId),
      run: (runId) => this.#runs.get(runId),
      artifactOf: (name) => artifactNamed(name, workflows.length),
    });
  }

  #crash({ what, shard }: Crash): void {
    const name = `xx-${shard}`;
    if (what === "all") this.#installation.crash();
    else this.#installation.hosts.get(name)?.lose(what === "evicted");
    if (what === "wrecked") this.#watches.get(name)?.wreck(this.#choices);
  }
}
