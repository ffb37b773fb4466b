/**
 * Weir as it is installed on the simulated platform: its objects, queues, database, consumers and watchdog; and how its
 * process dies.
 */
import { type ShardNamespace, Shards } from "#store/shards.ts";
import { createLogger } from "#telemetry/log.ts";
import { Coordinator } from "../../workers/coordinator.ts";
import { knockAtShards } from "../../workers/watchdog.ts";
import { TENANT } from "./actors/connection.ts";
import { Workers } from "./actors/workers.ts";
import type { Witness } from "./checks/witness.ts";
import type { Choices } from "./platform/choices.ts";
import { SimulatedDatabase } from "./platform/database.ts";
import type { Faults } from "./platform/faults.ts";
import { Invocation } from "./platform/invocation.ts";
import { forgetIsolate } from "./platform/isolate-memory.ts";
import { beginBoot } from "./platform/modules/boot.ts";
import { type Instance, ObjectHost } from "./platform/object-host.ts";
import { SimulatedQueue } from "./platform/queue.ts";
import type { Timeline } from "./platform/timeline.ts";
import type { Trace } from "./platform/trace.ts";
import { artifactId, tagOf } from "./scenario/artifacts.ts";
import type { Scenario } from "./scenario/scenario.ts";

const MINUTE_MS = 60_000;

type Environment = ConstructorParameters<typeof Coordinator>[1];

export interface InstallationParts {
  scenario: Scenario;
  timeline: Timeline;
  choices: Choices;
  faults: Faults;
  trace: Trace;
  witness: Witness;
  /** When trouble ends. */
  healedMs: number;
  /** An object is there for the first time. */
  onHost(host: ObjectHost): void;
  /** It was lost with what it had not flushed. */
  onLost(host: ObjectHost): void;
  onWrite(): void;
  onBug(error: unknown): void;
}

export class Installation {
  readonly database: SimulatedDatabase;
  readonly shards: Shards;
  readonly hosts = new Map<string, ObjectHost>();
  readonly #parts: InstallationParts;
  readonly #queues: SimulatedQueue[];
  readonly #logger = createLogger({ service: "simulation", level: "error", asLines: false });
  readonly #environment: Environment;
  #boot = 1;

  constructor(parts: InstallationParts) {
    this.#parts = parts;
    const { scenario, onWrite } = parts;
    const { local, shards } = scenario;
    this.database = new SimulatedDatabase({ ...parts, delayMs: scenario.delays.database, onWrite });
    const namespace = { getByName: (name: string) => this.#stub(name) } as unknown as ShardNamespace;
    this.shards = new Shards(namespace, { shards, previousShards: null, shardsEver: shards, region: "xx" });
    const services = { shards: this.shards, database: this.database, logger: this.#logger, local };
    this.#queues = this.#makeQueues(
      new Workers({ ...parts, ...services, answers: scenario.answers, stepMs: scenario.delays.batch }),
    );
    this.#environment = this.#makeEnvironment();
    this.#storeWorkflows();
    forgetIsolate();
    beginBoot(1);
    this.#scheduleWatchdog(MINUTE_MS);
  }

  /** No message is left anywhere. */
  get isIdle(): boolean {
    return this.#queues.every((queue) => queue.isEmpty);
  }

  /** The process dies, and its queues with it. */
  crash(): void {
    this.#boot += 1;
    beginBoot(this.#boot);
    forgetIsolate();
    for (const host of this.hosts.values()) host.lose();
    for (const queue of this.#queues) queue.clear();
  }

  close(): void {
    this.database.close();
    for (const host of this.hosts.values()) host.disk.close();
  }

  #storeWorkflows(): void {
    this.#parts.scenario.workflows.forEach((workflow, index) => {
      const { database } = this;
      const [id, tag, now] = [artifactId(index), tagOf(index), this.#parts.timeline.nowMs];
      const text = JSON.stringify(workflow);
      database.look(
        "INSERT INTO artifacts (tenant, id, content, created_at) VALUES (?, ?, ?, ?)",
        TENANT,
        id,
        text,
        now,
      );
      database.look(
        "INSERT INTO tags (tenant, name, artifact_id, version, revision, created_at, updated_at) VALUES (?, ?, ?, 1, 1, ?, ?)",
        ...[TENANT, tag, id, now, now],
      );
    });
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
    const known = this.hosts.get(name);
    if (known !== undefined) return known;
    const { scenario, witness, onHost, onLost, onBug, ...world } = this.#parts;
    const host: ObjectHost = new ObjectHost(name, {
      ...world,
      delays: scenario.delays,
      build: (context) => new Coordinator(context as DurableObjectState, this.#environment) as unknown as Instance,
      onCall: (method, values) => {
        if (method === "tasksEnded") witness.told(values[0] as Parameters<Witness["told"]>[0]);
      },
      onAnswer: (method, values, value) => {
        if (method === "tasksEnded") witness.taken(values[0] as Parameters<Witness["told"]>[0], value as string[]);
      },
      onLost,
      onBug,
    });
    this.hosts.set(name, host);
    onHost(host);
    return host;
  }

  #makeEnvironment(): Environment {
    const [http, dead] = this.#queues;
    return {
      DB: this.database,
      WEIR_HTTP: http,
      WEIR_AGENT: http,
      WEIR_DEAD: dead,
      COORDINATOR_SHARDS: String(this.#parts.scenario.shards),
      WEIR_LOCAL: this.#parts.scenario.local ? "1" : "",
      // What analytics is handed is tested by itself.
      WEIR_TELEMETRY: "off",
      LOG_LEVEL: "error",
    } as unknown as Environment;
  }

  #makeQueues(workers: Workers): SimulatedQueue[] {
    const { scenario, witness, timeline, choices, faults } = this.#parts;
    const { delays, local } = scenario;
    const shared = {
      timeline,
      choices,
      faults,
      delayMs: delays.message,
      batchMs: delays.batch,
      maxBatchSize: 100,
      oneAtATime: local,
    };
    const dead = new SimulatedQueue("weir-dead", {
      ...shared,
      maxRetries: 100,
      retryDelayMs: 60_000,
      deadLetters: null,
      consume: (batch) => workers.deadLetters(batch),
      onDead: () => undefined,
      onTaken: () => undefined,
      onLost: () => undefined,
    });
    const http = new SimulatedQueue("weir-http", {
      ...shared,
      maxRetries: 10,
      retryDelayMs: 5_000,
      deadLetters: dead,
      consume: (batch, invocation) => workers.tasks(batch, invocation),
      onDead: (body) => witness.died(body),
      onTaken: (body) => witness.handed(body),
      onLost: (body) => witness.lost(body),
    });
    return [http, dead];
  }

  #scheduleWatchdog(everyMs: number): void {
    const { timeline, healedMs, scenario, onBug } = this.#parts;
    timeline.in(everyMs, timeline.platform, () => {
      const isQuiet = timeline.nowMs > healedMs;
      this.#scheduleWatchdog(isQuiet ? everyMs * 2 : everyMs);
      const invocation = new Invocation("watchdog");
      timeline.as(invocation, () => {
        const d1 = this.database as unknown as D1Database;
        void knockAtShards(d1, this.shards, this.#logger, scenario.local).catch(onBug);
      });
    });
  }
}
