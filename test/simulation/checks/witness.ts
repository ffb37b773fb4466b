/** What was seen outside of the log: messages that queues took, requests that workers made, results that shards were told. */
import type { TaskAddress, TaskOutcome, TaskResult } from "#engine/task.ts";
import { isEqualJson, type JsonObject } from "#kernel/json.ts";
import type { TaskMessage } from "#store/task-message.ts";
import type { RunModel } from "../model/run-model.ts";
import { must } from "../model/violation.ts";

export class Witness {
  readonly #reported = new Map<string, TaskOutcome[]>();
  readonly #unheard = new Set<string>();
  readonly #runs: ReadonlyMap<string, RunModel>;

  constructor(runs: ReadonlyMap<string, RunModel>) {
    this.#runs = runs;
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

  /** A shard is told results. */
  told(results: readonly TaskResult[]): void {
    for (const { outcome, ...address } of results) {
      const id = idOf(address);
      const outcomes = this.#reported.get(id) ?? [];
      this.#reported.set(id, outcomes);
      outcomes.push(outcome);
    }
  }

  /** A queue took a message: what it asks for must stand in the log by now. */
  taken(body: unknown): void {
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
    const expected = this.#runs.get(task.run_id)?.config(task.path, task.visit);
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
