/**
 * A queue: takes batches of messages and hands them to a consumer, at least once when nothing goes wrong and in no
 * particular order. Loses, repeats and delays where faults say so.
 */
import type { Choices } from "./choices.ts";
import type { Faults } from "./faults.ts";
import { Invocation } from "./invocation.ts";
import type { ObjectLife } from "./object-life.ts";
import type { Owner, Timeline } from "./timeline.ts";

export interface QueueParts {
  timeline: Timeline;
  choices: Choices;
  faults: Faults;
  /** Longest ordinary delay of a message, in milliseconds. */
  delayMs: number;
  /** What is due by a multiple of this is handed over together. */
  batchMs: number;
  maxBatchSize: number;
  maxRetries: number;
  retryDelayMs: number;
  /** Locally one batch is handed over at a time. */
  oneAtATime: boolean;
  /** Where messages go that exhausted their retries. */
  deadLetters: SimulatedQueue | null;
  consume(batch: object, invocation: Invocation): Promise<void>;
  onTaken(body: unknown): void;
  /** A message has exhausted its retries. */
  onDead(body: unknown): void;
  /** A message may never be worked off. */
  onLost(body: unknown): void;
}

interface Kept {
  id: string;
  body: unknown;
  attempts: number;
  visibleAtMs: number;
}

/** The platform ends an invocation after this. */
const WALL_TIME_MS = 900_000;
/** How late a message may be when it is late. */
const LATE_MS = 120_000;

export class SimulatedQueue {
  readonly name: string;
  readonly #parts: QueueParts;
  #messages: Kept[] = [];
  #count = 0;
  #batches = 0;
  readonly #inFlight = new Map<Invocation, Kept[]>();
  /** Invocations that may still do something, in the background too. */
  readonly #living = new Set<Invocation>();
  #isHandingOver = false;

  constructor(name: string, parts: QueueParts) {
    this.name = name;
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0 && this.#inFlight.size === 0;
  }

  /** As a binding's `sendBatch`; from an object it waits until what the object wrote is durable. */
  sendBatch(requests: readonly { body: unknown }[]): Promise<void> {
    const { timeline, choices, faults, delayMs } = this.#parts;
    const sender = timeline.current;
    const bodies = structuredClone(requests.map((request) => request.body));
    const about = `${this.name}/${this.#batches++}`;
    return new Promise((resolve, reject) => {
      whenDurable(sender, () => {
        const takeMs = choices.between(`take/${about}`, 0, Math.min(delayMs, 10));
        timeline.in(takeMs, timeline.platform, () => {
          const refused = faults.happens("send.refused", about);
          if (!refused) for (const body of bodies) this.#take(body);
          const isTold = !refused && !faults.happens("send.doubted", about);
          timeline.in(choices.between(`taken/${about}`, 0, 5), sender, () =>
            isTold ? resolve() : reject(new Error("Queue sendBatch failed")),
          );
        });
      });
    });
  }

  /** Messages of a process that has died are gone with it, and so are its invocations. */
  clear(): void {
    this.#messages = [];
    for (const invocation of this.#living) invocation.isAlive = false;
    this.#living.clear();
    this.#inFlight.clear();
    this.#isHandingOver = false;
  }

  #take(body: unknown): void {
    const { faults, onTaken, onLost } = this.#parts;
    const about = `${this.name}/${this.#count}`;
    onTaken(body);
    if (faults.happens("message.lost", about)) onLost(body);
    else this.#keep(body);
    if (faults.happens("message.repeated", about)) this.#keep(body);
    if (faults.happens("message.poison", about)) this.#keep({ v: 1, poison: about });
  }

  #keep(body: unknown, attempts = 1): void {
    const { timeline, choices, faults, delayMs } = this.#parts;
    const id = `${this.name}-${this.#count++}`;
    const afterMs = faults.happens("message.late", id)
      ? choices.between(`late/${id}`, delayMs, LATE_MS)
      : choices.between(`message/${id}`, 0, delayMs);
    this.#put({ id, body, attempts, visibleAtMs: timeline.nowMs + afterMs });
  }

  #put(message: Kept): void {
    const { timeline, batchMs } = this.#parts;
    this.#messages.push(message);
    timeline.at(Math.ceil(message.visibleAtMs / batchMs) * batchMs, timeline.platform, () => this.#handOver());
  }

  #handOver(): void {
    const { timeline, choices, maxBatchSize, oneAtATime } = this.#parts;
    if (oneAtATime && this.#isHandingOver) return;
    const number = this.#batches++;
    const due = this.#messages.filter((message) => message.visibleAtMs <= timeline.nowMs);
    if (due.length === 0) return;
    const size = choices.between(`size/${this.name}/${number}`, 1, maxBatchSize);
    const batch = choices.shuffled(`order/${this.name}/${number}`, due).slice(0, size);
    this.#messages = this.#messages.filter((message) => !batch.includes(message));
    // What is due as well goes into a batch of its own.
    if (batch.length < due.length) timeline.in(0, timeline.platform, () => this.#handOver());
    this.#run(batch, number);
  }

  #run(batch: Kept[], number: number): void {
    const { timeline, choices, faults, retryDelayMs, oneAtATime, consume, onLost } = this.#parts;
    const invocation = new Invocation(`${this.name}/batch-${number}`);
    const fates = new Map<string, "ack" | { retryMs: number }>();
    this.#inFlight.set(invocation, batch);
    this.#living.add(invocation);
    this.#isHandingOver = true;
    const messages = batch.map(({ id, body, attempts }) => ({
      id,
      body: structuredClone(body),
      attempts,
      timestamp: new Date(),
      ack: () => fates.set(id, "ack"),
      retry: (options: { delaySeconds?: number } = {}) =>
        fates.set(id, { retryMs: (options.delaySeconds ?? retryDelayMs / 1000) * 1000 }),
    }));
    const wasLost = () => {
      if (!this.#inFlight.delete(invocation)) return;
      invocation.isAlive = false;
      // The neighbours that were acknowledged come again too.
      for (const message of batch) this.#retry(message, retryDelayMs);
      this.#handedOver();
    };
    invocation.lose = wasLost;
    invocation.bodies = batch.map(({ body }) => body);
    if (faults.happens("batch.lost", `${this.name}/${number}`)) {
      // Locally a message counts as acknowledged while its task goes on in the background.
      if (oneAtATime) for (const { body } of batch) onLost(body);
      timeline.in(choices.between(`lost/${this.name}/${number}`, 0, 2_000), timeline.platform, wasLost);
    }
    const wall = timeline.in(WALL_TIME_MS, timeline.platform, wasLost);
    timeline.as(invocation, () => {
      void consume({ queue: this.name, messages, retryAll: () => undefined }, invocation).then(() => {
        if (!this.#inFlight.delete(invocation)) return;
        timeline.cancel(wall);
        for (const message of batch) {
          const fate = fates.get(message.id) ?? "ack";
          if (fate !== "ack") this.#retry(message, fate.retryMs);
        }
        this.#handedOver();
      }, wasLost);
    });
  }

  #handedOver(): void {
    const { timeline } = this.#parts;
    this.#isHandingOver = false;
    timeline.in(0, timeline.platform, () => this.#handOver());
  }

  #retry(message: Kept, afterMs: number): void {
    const { timeline, maxRetries, deadLetters, onDead } = this.#parts;
    const attempts = message.attempts + 1;
    if (attempts > maxRetries + 1) {
      onDead(message.body);
      deadLetters?.acceptDead(message.body);
    } else this.#put({ ...message, attempts, visibleAtMs: timeline.nowMs + afterMs });
  }

  /** What another queue gave up on. */
  acceptDead(body: unknown): void {
    this.#keep(body);
  }
}

/** Only objects hold back what they say until it is durable. */
export function whenDurable(sender: Owner, act: () => void): void {
  if ("whenDurable" in sender) (sender as ObjectLife).whenDurable(act);
  else act();
}
