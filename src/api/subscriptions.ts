/**
 * Logs of runs that one socket subscribes to, each from its shard's stream: passed on event by event with the run's id,
 * taken up again where they were cut, and bounded in what was sent and not read.
 */

import { ApiError } from "#kernel/errors.ts";
import { CLOSE_ENDED, CLOSE_SLOW } from "#store/shard/stream.ts";
import { quietly } from "./quietly.ts";

/** Runs that one socket may subscribe to at a time. */
export const SUBSCRIPTIONS_MAX = 100;

/** Text of events that one socket may have unread. */
export const SUBSCRIBED_UNITS_MAX = 8 * 1_048_576;

/** A log that was cut is opened again after this, so often without a new event. */
const REOPEN_MS = 500;
const REOPENS_MAX = 10;

type LogSocket = WebSocket & { accept(): void };

export interface SubscriptionParts {
  /** A socket that tells a run's log after an event, one a message; null: there is no such run. */
  open(runId: string, after: number): Promise<LogSocket | null>;
  send(text: string): void;
  /** More is unread than may be. */
  tooMuch(): void;
}

interface Subscription {
  runId: string;
  after: number;
  socket: LogSocket | null;
  /** What is unread, piece by piece: only while the client says what it reads. */
  pieces: { seq: number; units: number }[];
  reopens: number;
}

export class Subscriptions {
  readonly #parts: SubscriptionParts;
  readonly #byRun = new Map<string, Subscription>();
  #unread = 0;
  #isOver = false;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byRun.size;
  }

  /** Begins anew when the run is subscribed to already. */
  async add(runId: string, after: number): Promise<void> {
    this.remove(runId);
    if (this.#byRun.size >= SUBSCRIPTIONS_MAX) {
      return this.#refuse(runId, "rate_limited", `a socket may subscribe to ${SUBSCRIPTIONS_MAX} runs at a time`);
    }
    const subscription: Subscription = { runId, after, socket: null, pieces: [], reopens: 0 };
    this.#byRun.set(runId, subscription);
    await this.#open(subscription, true);
  }

  remove(runId: string): void {
    const subscription = this.#byRun.get(runId);
    if (subscription === undefined) return;
    this.#byRun.delete(runId);
    this.#forgetUnread(subscription);
    quietly(() => subscription.socket?.close(CLOSE_ENDED));
  }

  /** The client has read a run's events up to one. */
  acknowledge(runId: string, seq: number): void {
    const subscription = this.#byRun.get(runId);
    if (subscription === undefined) return;
    while (subscription.pieces[0] !== undefined && subscription.pieces[0].seq <= seq) {
      this.#unread -= subscription.pieces.shift()?.units ?? 0;
    }
    quietly(() => subscription.socket?.send(JSON.stringify({ ack: seq })));
  }

  /** The client is gone. */
  end(): void {
    this.#isOver = true;
    for (const runId of [...this.#byRun.keys()]) this.remove(runId);
  }

  async #open(subscription: Subscription, isFirst: boolean): Promise<void> {
    const { runId, after } = subscription;
    try {
      const socket = await this.#parts.open(runId, after);
      if (!this.#isCurrent(subscription)) return quietly(() => socket?.close(CLOSE_ENDED));
      if (socket === null) {
        this.#byRun.delete(runId);
        return this.#refuse(runId, "not_found", `there is no run "${runId}"`);
      }
      if (isFirst) this.#tell({ type: "subscribed", run_id: runId, after });
      subscription.socket = socket;
      socket.addEventListener("message", ({ data }) => this.#heard(subscription, data));
      socket.addEventListener("close", ({ code }) => this.#closed(subscription, socket, code));
      socket.addEventListener("error", () => this.#closed(subscription, socket, 1006));
      socket.accept();
    } catch (error) {
      if (!this.#isCurrent(subscription)) return;
      if (!isFirst) return this.#reopen(subscription);
      this.#byRun.delete(runId);
      if (error instanceof ApiError) this.#refuse(runId, error.code, error.message);
      else this.#refuse(runId, "unavailable", "the run's log cannot be read now; subscribe again shortly");
    }
  }

  #heard(subscription: Subscription, data: unknown): void {
    if (!this.#isCurrent(subscription) || typeof data !== "string") return;
    // What has no number is a remark that the log does not hold.
    const seq = Number(/^\{"seq":(\d+)/.exec(data)?.[1] ?? subscription.after);
    const text = `{"run_id":"${subscription.runId}",${data.slice(1)}`;
    subscription.after = seq;
    subscription.reopens = 0;
    subscription.pieces.push({ seq, units: text.length });
    this.#unread += text.length;
    this.#parts.send(text);
    if (this.#unread > SUBSCRIBED_UNITS_MAX) this.#parts.tooMuch();
  }

  #closed(subscription: Subscription, socket: LogSocket, code: number): void {
    if (!this.#isCurrent(subscription) || subscription.socket !== socket) return;
    const { runId, after } = subscription;
    subscription.socket = null;
    if (code === CLOSE_ENDED || code === CLOSE_SLOW) {
      this.#byRun.delete(runId);
      // What was sent of it may still be unread, but it is the client's: nothing follows.
      this.#forgetUnread(subscription);
      this.#tell({ type: code === CLOSE_ENDED ? "ended" : "cut", run_id: runId, after });
    } else this.#reopen(subscription);
  }

  #reopen(subscription: Subscription): void {
    subscription.reopens += 1;
    if (subscription.reopens <= REOPENS_MAX) {
      setTimeout(() => this.#isCurrent(subscription) && void this.#open(subscription, false), REOPEN_MS);
      return;
    }
    const { runId, after } = subscription;
    this.#byRun.delete(runId);
    this.#forgetUnread(subscription);
    this.#tell({ type: "cut", run_id: runId, after });
  }

  #forgetUnread({ pieces }: Subscription): void {
    for (const { units } of pieces.splice(0)) this.#unread -= units;
  }

  #isCurrent(subscription: Subscription): boolean {
    return !this.#isOver && this.#byRun.get(subscription.runId) === subscription;
  }

  #refuse(runId: string, code: string, message: string): void {
    this.#tell({ type: "error", run_id: runId, code, message });
  }

  #tell(message: object): void {
    this.#parts.send(JSON.stringify(message));
  }
}
