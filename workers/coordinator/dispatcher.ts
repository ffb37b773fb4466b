/**
 * Hands tasks to the queues after their transition is committed, and remembers up to which row of the log all of
 * them have been handed over. What a reset interrupts stands above that position and is sent again.
 */
import type { Task } from "#engine/task.ts";
import { cutBatches, type TaskMessage, taskMessage } from "#store/task-message.ts";
import type { Logger } from "#telemetry/log.ts";

/** Pause before a refused batch is offered to the queue again; grows with each refusal up to thirty times. */
export const RESEND_DELAY_MS = 1_000;
const RESEND_DELAYS_MAX = 30;

export interface TaskQueues {
  http: Queue<TaskMessage>;
  agent: Queue<TaskMessage>;
}

export class Dispatcher {
  readonly #queues: TaskQueues;
  readonly #logger: Logger;
  #collected: Task[] = [];
  #collectedRow = 0;
  /** Sends under way and the lowest row of the log that each stands for. */
  readonly #open = new Map<symbol, number>();

  constructor(queues: TaskQueues, logger: Logger) {
    this.#queues = queues;
    this.#logger = logger;
  }

  /** Takes the tasks of the transition in row `rowId`; all that one commit brings travels together. */
  send(tasks: readonly Task[], rowId: number): void {
    if (tasks.length === 0) return;
    if (this.#collected.length === 0) {
      this.#collectedRow = rowId;
      queueMicrotask(() => {
        const send = Symbol("send");
        this.#open.set(send, this.#collectedRow);
        const collected = this.#collected;
        this.#collected = [];
        void this.#deliver(collected).finally(() => this.#open.delete(send));
      });
    }
    this.#collected.push(...tasks);
  }

  /** The row up to which every task has been taken by its queue; `lastId` is the newest row. */
  sentThrough(lastId: number): number {
    let through = this.#collected.length === 0 ? lastId : this.#collectedRow - 1;
    for (const row of this.#open.values()) through = Math.min(through, row - 1);
    return through;
  }

  /** Sends that no queue has taken yet. */
  get unsent(): number {
    return this.#open.size;
  }

  async #deliver(tasks: readonly Task[]): Promise<void> {
    for (const queue of ["http", "agent"] as const) {
      const messages = tasks.filter((task) => task.queue === queue).map((task) => taskMessage(task, Date.now()));
      for (const batch of cutBatches(messages)) await this.#deliverBatch(queue, batch);
    }
  }

  async #deliverBatch(queue: keyof TaskQueues, batch: readonly { message: TaskMessage }[]): Promise<void> {
    const requests = batch.map(({ message }) => ({ body: message, contentType: "json" as const }));
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#queues[queue].sendBatch(requests);
        return;
      } catch (error) {
        this.#logger.warn("a queue refused a batch", { queue, messages: batch.length, attempt, error });
        await scheduler.wait(RESEND_DELAY_MS * Math.min(attempt, RESEND_DELAYS_MAX));
      }
    }
  }
}
