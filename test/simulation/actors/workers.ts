/** The Worker's consumers: the real code that works batches off, with a seeded stand-in for what a task does. */
import { drizzle } from "drizzle-orm/d1";
import { type NodeError, nodeError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import type { Shards } from "#store/shards.ts";
import type { TaskMessage } from "#store/task-message.ts";
import type { Logger } from "#telemetry/log.ts";
import { handleDeadLetters } from "../../../workers/consumers/dead-letter.ts";
import { type Execution, handleTaskBatch, type TaskWorker } from "../../../workers/consumers/task-batch.ts";
import type { Witness } from "../checks/witness.ts";
import type { Choices } from "../platform/choices.ts";
import type { SimulatedDatabase } from "../platform/database.ts";
import type { Faults } from "../platform/faults.ts";
import type { Invocation } from "../platform/invocation.ts";
import type { Answers } from "../scenario/scenario.ts";
import { answerOfAgent } from "./agent-answers.ts";

export interface WorkerParts {
  choices: Choices;
  faults: Faults;
  answers: Answers;
  /** Tasks take multiples of this, so that some end together. */
  stepMs: number;
  witness: Witness;
  shards: Shards;
  database: SimulatedDatabase;
  logger: Logger;
  local: boolean;
}

/** A slow task takes this long at most; then its own time limit ends many of them. */
const SLOW_MS = [600, 25_000] as const;
const QUICK_MS = [0, 60] as const;

export class Workers {
  readonly #parts: WorkerParts;
  readonly #database;
  readonly #executions = new Map<string, number>();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#database = drizzle(parts.database as unknown as D1Database);
  }

  tasks(batch: object, invocation: Invocation): Promise<void> {
    const { shards, logger, local } = this.#parts;
    const goOnInBackground = local ? (work: Promise<void>) => invocation.waitUntil(work) : null;
    const services = { database: this.#database, shards, logger, goOnInBackground };
    return handleTaskBatch(batch as MessageBatch, this.#worker(invocation), services);
  }

  deadLetters(batch: object): Promise<void> {
    const { shards, logger } = this.#parts;
    return handleDeadLetters(batch as MessageBatch, { database: this.#database, shards, logger });
  }

  #worker(invocation: Invocation): TaskWorker {
    return {
      name: "http-worker",
      parallelism: this.#parts.local ? 50 : 6,
      describeSystem: () => ({}),
      execute: (task, config, signal) => {
        this.#parts.witness.executes(task, config);
        return this.#execute(task, "task" in config, signal, invocation);
      },
    };
  }

  async #execute(task: TaskMessage, isAgent: boolean, signal: AbortSignal, invocation: Invocation): Promise<Execution> {
    const { choices, faults, answers, witness, local, stepMs } = this.#parts;
    // The local process would die with it.
    if (!local && choices.chance(`kills/${idOf(task)}`, answers.kills)) {
      await pause(choices.between(`kills/${idOf(task)}/after`, ...QUICK_MS));
      invocation.lose();
      await new Promise(() => undefined);
    }
    const about = this.#about(task);
    if (faults.happens("task.hangs", about)) {
      // Its batch waits for it, and so does what the queue was told of the others.
      for (const body of [task, ...invocation.bodies]) witness.lost(body);
      await aborted(signal);
    }
    const [least, most] = choices.chance(`slow/${about}`, answers.slow) ? SLOW_MS : QUICK_MS;
    const takesMs = Math.floor(choices.between(`takes/${about}`, least, most) / stepMs) * stepMs;
    const inTime = takesMs <= task.timeout_ms;
    await Promise.race([pause(Math.min(takesMs, task.timeout_ms)), aborted(signal)]);
    if (!inTime) return answer({ ok: false, error: nodeError("timeout", `no answer in ${task.timeout_ms} ms`) });
    const kind = choices.fraction(`answer/${about}`);
    const { retryable, fatal, throws } = answers;
    if (kind < retryable) return answer({ ok: false, error: retryableError(choices, about) });
    if (kind < retryable + fatal)
      return answer({ ok: false, error: nodeError("http_status", "answered 404", { retryable: false }) });
    if (kind < retryable + fatal + throws) {
      witness.breaks(task);
      throw new TypeError("the stand-in has a bug");
    }
    if (isAgent) return answer(answerOfAgent(choices, about, task));
    return answer({ ok: true, output: this.#output(about) });
  }

  /** Names this execution among all of the same attempt. */
  #about(task: TaskMessage): string {
    const id = idOf(task);
    const count = this.#executions.get(id) ?? 0;
    this.#executions.set(id, count + 1);
    return `${id}/${count}`;
  }

  #output(about: string): Json {
    const { choices, answers } = this.#parts;
    const v = choices.between(`v/${about}`, 0, 9);
    if (choices.chance(`large/${about}`, answers.large)) return { v, text: "x".repeat(5_000) };
    const list = Array.from({ length: choices.between(`list/${about}`, 0, 4) }, (_, index) => (v + index) % 10);
    return choices.pick<Json>(`shape/${about}`, [
      { v },
      { v, list },
      { v, list },
      { list },
      { v: "text" },
      list,
      v,
      null,
    ]);
  }
}

function idOf({ run_id, path, visit, attempt }: TaskMessage): string {
  return `${run_id.slice(-3)}/${path}/${visit}/${attempt}`;
}

function answer(outcome: Execution["outcome"]): Execution {
  return { outcome, bytesIn: 0, bytesOut: 0 };
}

function retryableError(choices: Choices, about: string): NodeError {
  return choices.pick(`error/${about}`, [
    nodeError("network", "connection reset"),
    nodeError("http_status", "answered 503", { retryable: true }),
    nodeError("http_status", "answered 429", {
      retryable: true,
      retry_after_ms: choices.between(`after/${about}`, 1, 90_000),
    }),
  ]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });
}
