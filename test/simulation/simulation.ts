/**
 * One scenario from its beginning to its end: the real coordinator, engine and consumers in a simulated platform, with
 * everything checked after every step. The same scenario always goes the same way.
 */
import type { RunEvent } from "#engine/events.ts";
import { parseShardName } from "#kernel/ids.ts";
import { type ShardNamespace, Shards } from "#store/shards.ts";
import { createLogger } from "#telemetry/log.ts";
import { Coordinator } from "../../workers/coordinator.ts";
import { knockAtShards } from "../../workers/watchdog.ts";
import { Client } from "./actors/client.ts";
import { Workers } from "./actors/workers.ts";
import { watchCaches } from "./checks/cached-runs.ts";
import { isInjected } from "./checks/injected.ts";
import { ProjectionWatch } from "./checks/projection-watch.ts";
import { ShardWatch } from "./checks/shard-watch.ts";
import { Witness } from "./checks/witness.ts";
import { DefinitionModel } from "./model/definition-model.ts";
import { RunModel } from "./model/run-model.ts";
import { must, Violation } from "./model/violation.ts";
import { Choices } from "./platform/choices.ts";
import { SimulatedDatabase } from "./platform/database.ts";
import { Faults } from "./platform/faults.ts";
import { virtualise } from "./platform/globals.ts";
import { Invocation } from "./platform/invocation.ts";
import { beginBoot } from "./platform/modules/boot.ts";
import { type Instance, ObjectHost } from "./platform/object-host.ts";
import { SimulatedQueue } from "./platform/queue.ts";
import { Timeline } from "./platform/timeline.ts";
import { Trace } from "./platform/trace.ts";
import { tune } from "./platform/tuning.ts";
import type { Crash, Scenario } from "./scenario/scenario.ts";

/** When every scenario begins. */
export const BEGIN_MS = 1_790_000_000_000;
/** Longest that anything may take once trouble is over: a task of which nothing is heard takes most of a day. */
const PATIENCE_MS = 3 * 24 * 3_600_000;
/** Steps of a scenario that will never end. */
const STEPS_MAX = 200_000;
const MINUTE_MS = 60_000;
/** How many steps go by between two looks at whether all is over. */
const LOOK_STEPS = 16;
/** Nothing happens for this long: another moment to look. */
const PAUSE_MS = 1_000;

type Environment = ConstructorParameters<typeof Coordinator>[1];

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
  readonly #hosts = new Map<string, ObjectHost>();
  readonly #watches = new Map<string, ShardWatch>();
  readonly #database: SimulatedDatabase;
  readonly #projection: ProjectionWatch;
  readonly #witness = new Witness(this.#runs);
  readonly #queues: SimulatedQueue[];
  readonly #shards: Shards;
  readonly #logger;
  readonly #client: Client;
  readonly #environment: Environment;
  #violation: Violation | null = null;
  #boot = 1;

  constructor(scenario: Scenario, traced: boolean) {
    this.#scenario = scenario;
    this.#trace = new Trace(this.#timeline, traced);
    const { seed, local, shards, rates, faults, healMs } = scenario;
    this.#choices = new Choices(seed);
    this.#faults = new Faults(this.#choices, this.#timeline, this.#trace, {
      rates,
      untilMs: BEGIN_MS + healMs,
      only: faults,
    });
    const world = { timeline: this.#timeline, choices: this.#choices, faults: this.#faults };
    this.#database = new SimulatedDatabase({
      ...world,
      delayMs: scenario.delays.database,
      onWrite: () => this.#projection.touch(),
    });
    this.#projection = new ProjectionWatch(this.#database, this.#runs);
    const namespace = { getByName: (name: string) => this.#stub(name) } as unknown as ShardNamespace;
    this.#shards = new Shards(namespace, { shards, previousShards: null, shardsEver: shards, region: "xx" });
    this.#logger = createLogger({ service: "simulation", level: "error", asLines: false });
    const workers = new Workers({
      ...world,
      answers: scenario.answers,
      witness: this.#witness,
      shards: this.#shards,
      database: this.#database,
      logger: this.#logger,
      local,
    });
    this.#queues = this.#makeQueues(workers);
    this.#environment = this.#makeEnvironment();
    const onViolation = (error: unknown) => this.#note(error);
    this.#client = new Client({ ...world, scenario, shards: this.#shards, runs: this.#runs, onViolation });
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
    beginBoot(1);
    let steps = 0;
    try {
      for (const crash of this.#scenario.crashes) {
        this.#timeline.at(BEGIN_MS + crash.atMs, this.#timeline.platform, () => this.#crash(crash));
      }
      this.#scheduleWatchdog(MINUTE_MS);
      steps = await this.#goOn();
      if (this.#violation === null) this.#judgeEnd();
    } catch (error) {
      this.#note(error);
    } finally {
      process.off("unhandledRejection", onRejection);
      restore();
      this.#close();
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
    const healedMs = BEGIN_MS + this.#scenario.healMs;
    let isReading = false;
    for (let step = 1; ; step++) {
      if (!(await this.#timeline.step())) throw new Violation("1", "nothing will ever happen again");
      for (const watch of this.#watches.values()) watch.look();
      this.#projection.look();
      if (this.#violation !== null) return step;
      const nextMs = this.#timeline.nextMs ?? Number.POSITIVE_INFINITY;
      const isPause = step % LOOK_STEPS === 0 || nextMs - this.#timeline.nowMs > PAUSE_MS;
      if (isPause && this.#timeline.nowMs >= healedMs && this.#isOver()) {
        if (isReading) return step;
        isReading = true;
        this.#client.readAll();
      }
      if (this.#timeline.nowMs > healedMs + PATIENCE_MS || step > STEPS_MAX) throw this.#stuck();
    }
  }

  #isOver(): boolean {
    if (!this.#client.isDone || !this.#queues.every((queue) => queue.isEmpty)) return false;
    for (const run of this.#runs.values()) if (!run.isTerminal && !run.isIdle) return false;
    return this.#projection.isUpToDate;
  }

  #judgeEnd(): void {
    for (const id of this.#client.accepted.values()) {
      must(this.#runs.has(id), "1", () => `${id} was accepted, and no log holds it`);
    }
    this.#client.judgeReadings();
    for (const watch of this.#watches.values()) watch.reload();
  }

  /** What has not ended though it should have. */
  #stuck(): Violation {
    const open = [...this.#runs.values()].filter((run) => !run.isTerminal);
    const nodes = open.flatMap((run) => [...run.active].map((node) => `${run.runId} ${node.id} ${node.status}`));
    const rest = [
      this.#client.isDone ? [] : ["the client waits"],
      this.#queues.filter((queue) => !queue.isEmpty).map((queue) => `${queue.name} holds messages`),
      this.#projection.isUpToDate ? [] : ["D1 is not up to date"],
    ].flat();
    const runs = open.map((run) => `${run.runId} is ${run.visibleStatus()}`);
    return new Violation("1", `it never ends: ${[...runs, ...nodes, ...rest].join("; ")}`);
  }

  #note(error: unknown): void {
    if (this.#violation !== null || isInjected(error)) return;
    if (error instanceof Violation) this.#violation = error;
    else this.#violation = new Violation("bugs", error instanceof Error ? String(error.stack) : String(error));
  }

  #stub(name: string): object {
    const host = this.#host(name);
    return new Proxy(
      {},
      {
        get:
          (_, method) =>
          (...values: unknown[]) =>
            host.call(String(method), values),
      },
    );
  }

  #host(name: string): ObjectHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const { delays, rates, faults } = this.#scenario;
    const host = new ObjectHost(name, {
      timeline: this.#timeline,
      choices: this.#choices,
      faults: this.#faults,
      trace: this.#trace,
      delays,
      build: (context) => new Coordinator(context as DurableObjectState, this.#environment) as unknown as Instance,
      onCall: (method, values) => {
        if (method === "tasksEnded") this.#witness.told(values[0] as Parameters<Witness["told"]>[0]);
      },
      onLost: () => watch.forgetLost(),
      onBug: (error) => this.#note(error),
    });
    const watch = new ShardWatch({
      host,
      runs: this.#runs,
      trace: this.#trace,
      begin: (first) => this.#beginRun(first, watch),
      snapshotEvents: this.#scenario.bounds.SNAPSHOT_EVENTS_MIN,
      mayRepeatWrites: (rates["commit.fails"] ?? 0) > 0 || faults !== null,
    });
    this.#hosts.set(name, host);
    this.#watches.set(name, watch);
    return host;
  }

  #makeEnvironment(): Environment {
    const [http, dead] = this.#queues;
    return {
      DB: this.#database,
      WEIR_HTTP: http,
      WEIR_AGENT: http,
      WEIR_DEAD: dead,
      COORDINATOR_SHARDS: String(this.#scenario.shards),
      WEIR_LOCAL: this.#scenario.local ? "1" : "",
      // What analytics is handed is tested by itself.
      WEIR_TELEMETRY: "off",
      LOG_LEVEL: "error",
    } as unknown as Environment;
  }

  #beginRun(first: RunEvent, watch: ShardWatch): RunModel {
    must(first.type === "run.queued", "6", () => `a log begins with ${first.type}`);
    const workflow = this.#scenario.workflows[Number(first.artifact_id.slice("sha256:".length))];
    must(workflow !== undefined, "views", () => `a run of ${first.artifact_id}, which is not there`);
    const address = parseShardName(watch.host.name);
    must(address !== null, "views", () => `a shard is called ${watch.host.name}`);
    return new RunModel(first.run_id, watch.host.name, new DefinitionModel(workflow.nodes, workflow.edges), {
      readStored: (runId, path, visit) => watch.readStored(runId, path, visit),
      reported: (taskId) => this.#witness.reported(taskId),
      lifeAt: (atMs) => watch.host.lives.filter((begunMs) => begunMs <= atMs).length,
      local: this.#scenario.local,
      mayBeUnheard: (taskId) => this.#witness.mayBeUnheard(taskId),
    });
  }

  #makeQueues(workers: Workers): SimulatedQueue[] {
    const { delays, local } = this.#scenario;
    const shared = {
      timeline: this.#timeline,
      choices: this.#choices,
      faults: this.#faults,
      delayMs: delays.message,
      maxBatchSize: 100,
      oneAtATime: local,
    };
    const dead = new SimulatedQueue("weir-dead", {
      ...shared,
      maxRetries: 100,
      retryDelayMs: 60_000,
      deadLetters: null,
      consume: (batch) => workers.deadLetters(batch),
      onTaken: () => undefined,
      onLost: () => undefined,
    });
    const http = new SimulatedQueue("weir-http", {
      ...shared,
      maxRetries: 10,
      retryDelayMs: 5_000,
      deadLetters: dead,
      consume: (batch, invocation) => workers.tasks(batch, invocation),
      onTaken: (body) => this.#witness.taken(body),
      onLost: (body) => this.#witness.lost(body),
    });
    return [http, dead];
  }

  #scheduleWatchdog(everyMs: number): void {
    const timeline = this.#timeline;
    timeline.in(everyMs, timeline.platform, () => {
      const isQuiet = timeline.nowMs > BEGIN_MS + this.#scenario.healMs;
      this.#scheduleWatchdog(isQuiet ? everyMs * 2 : everyMs);
      const invocation = new Invocation("watchdog");
      timeline.as(invocation, () => {
        const d1 = this.#database as unknown as D1Database;
        void knockAtShards(d1, this.#shards, this.#logger, this.#scenario.local).catch((error) => this.#note(error));
      });
    });
  }

  #crash({ what, shard }: Crash): void {
    if (what !== "all") {
      this.#hosts.get(`xx-${shard}`)?.lose(what === "evicted");
      return;
    }
    this.#boot += 1;
    beginBoot(this.#boot);
    for (const host of this.#hosts.values()) host.lose();
    for (const queue of this.#queues) queue.clear();
  }

  #close(): void {
    this.#database.close();
    for (const host of this.#hosts.values()) host.disk.close();
  }
}
