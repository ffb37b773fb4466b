/** Spreads seeds over threads, a few at a time, until they are done or one has failed. */
import { Worker } from "node:worker_threads";
import type { PlantedBug } from "./planted-bugs.ts";
import type { Answer, Order, SeedFailure, ThreadData } from "./seed-thread.ts";

/** Seeds that a thread is handed at once. */
const PORTION = 20;

export interface Tally {
  seeds: number;
  steps: number;
  events: number;
  failures: SeedFailure[];
}

export class Threads {
  readonly #threads: Worker[];

  constructor(count: number, bug: PlantedBug | null) {
    const workerData: ThreadData = { bug };
    this.#threads = Array.from(
      { length: count },
      () => new Worker(new URL("./seed-thread.ts", import.meta.url).pathname, { workerData }),
    );
  }

  async run(order: { from: number; seeds: number; goOn: boolean }, onProgress: (tally: Tally) => void): Promise<Tally> {
    const tally: Tally = { seeds: 0, steps: 0, events: 0, failures: [] };
    let next = order.from;
    const until = order.from + order.seeds;
    const lane = async (thread: Worker) => {
      while (next < until && (order.goOn || tally.failures.length === 0)) {
        const from = next;
        const seeds = Math.min(PORTION, until - from);
        next += seeds;
        const answer = await ask(thread, { do: "run", from, seeds });
        if (answer.done !== "run") continue;
        tally.seeds += answer.seeds;
        tally.steps += answer.steps;
        tally.events += answer.events;
        tally.failures.push(...answer.failures);
        onProgress(tally);
      }
    };
    await Promise.all(this.#threads.map(lane));
    tally.failures.sort((left, right) => left.seed - right.seed);
    return tally;
  }

  async tell(seed: number, shrinks: boolean): Promise<string> {
    const [thread] = this.#threads;
    if (thread === undefined) return "";
    const answer = await ask(thread, { do: "tell", seed, shrinks });
    return answer.done === "tell" ? answer.report : "";
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

function ask(thread: Worker, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      thread.off("message", answered);
      thread.off("error", failed);
    };
    const answered = (answer: Answer) => {
      settle();
      resolve(answer);
    };
    const failed = (error: unknown) => {
      settle();
      reject(error as Error);
    };
    thread.on("message", answered);
    thread.on("error", failed);
    thread.postMessage(order);
  });
}
