/** What was seen outside of the log: messages that queues took, requests that workers made, results that shards were told. */
import type { TaskAddress, TaskOutcome, TaskResult } from "#engine/task.ts";
import { isEqualJson, type JsonObject } from "#kernel/json.ts";
import type { TaskMessage } from "#store/task-message.ts";
import type { RunModel } from "../model/run-model.ts";
import { must } from "../model/violation.ts";

export interface WitnessParts {
  onViolation(error: unknown): void;
  /** Transactions fail here for no reason of their own. */
  mayFailCommits: boolean;
}

export class Witness {
  readonly #reported = new Map<string, TaskOutcome[]>();
  readonly #unheard = new Set<string>();
  readonly #parts: WitnessParts;
  readonly #dead = new Set<string>();
  readonly #broken = new Set<string>();
  readonly #runs: ReadonlyMap<string, RunModel>;

  constructor(runs: ReadonlyMap<string, RunModel>, parts: WitnessParts) {
    this.#runs = runs;
    this.#parts = parts;
  }

  reported(taskId: string): readonly TaskOutcome[] {
    return this.#reported.get(taskId) ?? [];
  }

  /** Whether a message of this task was lost, or whoever took it: then only its deadline helps. */
  mayBeUnheard(taskId: string): boolean {
    return this.#unheard.has(taskId);
  }

  lost(body: unknown): void {
    this.#unheard.add(idOf(body as TaskMessage));
  }

  /** A message of this task has exhausted its queue's retries. */
  died(body: unknown): void {
    this.#dead.add(idOf(body as TaskMessage));
  }

  /** The worker's own code fails at this task. */
  breaks(task: TaskMessage): void {
    this.#broken.add(idOf(task));
  }

  /** A shard is told results. */
  told(results: readonly TaskResult[]): void {
    for (const { outcome, ...address } of results) {
      const id = idOf(address);
      const outcomes = this.#reported.get(id) ?? [];
      this.#reported.set(id, outcomes);
      outcomes.push(outcome);
      // Invariant 12: what harms one task is not held against its neighbours.
      const code = outcome.ok ? null : outcome.error.code;
      must(code !== "dead_lettered" || this.#dead.has(id), "12", () => `${id} is given up and was not out of retries`);
      must(code !== "internal" || this.#broken.has(id), "12", () => `${id} fails by what another task did`);
    }
  }

  /** A shard has answered what became of results. */
  taken(results: readonly TaskResult[], outcomes: readonly string[]): void {
    outcomes.forEach((outcome, index) => {
      const { run_id = "" } = results[index] ?? {};
      const mayFail = this.#parts.mayFailCommits || this.#runs.get(run_id)?.isWrecked === true;
      must(
        outcome !== "failed" || mayFail,
        "12",
        () => `a result of ${run_id} is not taken, and nothing is wrong with it`,
      );
    });
  }

  /** A queue took a message: what it asks for must stand in the log by now. */
  handed(body: unknown): void {
    const { run_id, path, visit, attempt } = body as TaskMessage;
    const isInLog = this.#runs
      .get(run_id)
      ?.log.some(
        (event) =>
          event.type === "node.queued" && event.node === path && event.visit === visit && event.attempt === attempt,
      );
    must(
      isInLog === true,
      "effects",
      () => `a queue was handed ${path}/${visit}/${attempt} of ${run_id}, which no log holds`,
    );
  }

  /** A worker executes a task: every attempt of a visit makes the same request, under the same key. */
  executes(task: TaskMessage, config: JsonObject): void {
    try {
      this.#judgeRequest(task, config);
    } catch (error) {
      // A worker's consumer takes what is thrown for a failure of the task.
      this.#parts.onViolation(error);
    }
  }

  #judgeRequest(task: TaskMessage, config: JsonObject): void {
    const expected = this.#runs.get(task.run_id)?.configs.get(`${task.path}/${task.visit}`);
    must(
      expected !== undefined,
      "effects",
      () => `a worker executes ${task.path} of ${task.run_id}, which was never queued`,
    );
    const isIt = isEqualJson({ ...config, secrets: [] }, { ...expected, secrets: [] });
    must(
      isIt,
      "3",
      () => `${task.path}/${task.visit}: a worker is given ${JSON.stringify(config)}, not ${JSON.stringify(expected)}`,
    );
  }
}

function idOf({ run_id, path, visit, attempt }: TaskAddress): string {
  return `${run_id}/${path}/${visit}/${attempt}`;
}
