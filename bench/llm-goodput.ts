/**
 * How much of what a provider allows gets through when it suddenly allows a quarter: a simulated provider, agents that
 * come back when they are told to, and the real gate, all on a clock that only the events move. No machine's speed is in
 * it. `node bench/llm-goodput.ts` prints a table.
 */
import { pathToFileURL } from "node:url";
import { ModelGate } from "../src/agent/model-gate.ts";

export interface Provider {
  /** Calls a second that it allows, before and after the change. */
  before: number;
  after: number;
  /** Calls at once that it takes beyond its rate. */
  burst: number;
  callMs: number;
  /** Seconds that its refusals say to wait; null: they say nothing. */
  retryAfterS: number | null;
}

export interface Goodput {
  /** Calls that got through after the change, of what was allowed then. */
  share: number;
  refused: number;
  waits: number;
  /** Attempts of one agent that counted, at most: a refusal by the provider is one. */
  attemptsMax: number;
}

const CHANGE_AT = 120_000;
const END_AT = 720_000;
const REFUSAL_MS = 40;
const BACKOFF_MS = 1_000;

/** `agents` ask again as soon as they have an answer: there is always more to do than is allowed. */
export function simulate(provider: Provider, agents: number, random: () => number): Goodput {
  const gate = new ModelGate({ requestsPerMinute: null, tokensPerMinute: null });
  const queue = new Agenda();
  const counts = { good: 0, refused: 0, waits: 0, attemptsMax: 0 };
  let level = provider.burst;
  let levelAt = 0;
  const allows = (nowMs: number): boolean => {
    const rate = nowMs < CHANGE_AT ? provider.before : provider.after;
    level = Math.min(provider.burst, level + ((nowMs - levelAt) / 1000) * rate);
    levelAt = nowMs;
    if (level < 1) return false;
    level -= 1;
    return true;
  };
  const isCounted = (nowMs: number) => nowMs >= CHANGE_AT;

  const ask = (agent: number, call: number, attempt: number, nowMs: number): void => {
    const callId = `${agent}/${call}/${attempt}`;
    const wait = gate.enter({ callId, tokens: 1_000 }, nowMs);
    if (wait > 0) {
      if (isCounted(nowMs)) counts.waits += 1;
      queue.add(nowMs + wait, (at) => ask(agent, call, attempt, at));
      return;
    }
    if (!allows(nowMs)) {
      if (isCounted(nowMs)) {
        counts.refused += 1;
        counts.attemptsMax = Math.max(counts.attemptsMax, attempt + 1);
      }
      const retryAfterMs = provider.retryAfterS === null ? null : provider.retryAfterS * 1000;
      queue.add(nowMs + REFUSAL_MS, (at) => {
        gate.leave(callId, { isThrottled: true, retryAfterMs, rate: null }, at);
        const backoff = random() * BACKOFF_MS * 2 ** attempt;
        queue.add(at + Math.max(backoff, retryAfterMs ?? 0), (then) => ask(agent, call, attempt + 1, then));
      });
      return;
    }
    const took = provider.callMs * (0.5 + random());
    queue.add(nowMs + took, (at) => {
      gate.leave(callId, { isThrottled: false, retryAfterMs: null, rate: null }, at);
      if (isCounted(at)) counts.good += 1;
      ask(agent, call + 1, 0, at);
    });
  };
  for (let agent = 0; agent < agents; agent++) queue.add(random() * 1000, (at) => ask(agent, 0, 0, at));
  queue.runUntil(END_AT);
  const allowed = ((END_AT - CHANGE_AT) / 1000) * provider.after;
  return {
    share: counts.good / allowed,
    refused: counts.refused,
    waits: counts.waits,
    attemptsMax: counts.attemptsMax,
  };
}

/** What is to happen, by time: a binary heap. */
class Agenda {
  readonly #heap: { at: number; order: number; act: (at: number) => void }[] = [];
  #order = 0;

  add(at: number, act: (at: number) => void): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#order++, act });
    for (let index = heap.length - 1; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  runUntil(endAt: number): void {
    for (let next = this.#take(); next !== undefined && next.at <= endAt; next = this.#take()) next.act(next.at);
  }

  #take() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      const children = [2 * index + 1, 2 * index + 2].filter((child) => child < heap.length);
      const smallest = children.reduce((best, child) => (this.#isBefore(child, best) ? child : best), index);
      if (smallest === index) return first;
      this.#swap(index, smallest);
      index = smallest;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(left: number, right: number): void {
    const heap = this.#heap;
    const [a, b] = [heap[left], heap[right]];
    if (a === undefined || b === undefined) return;
    heap[left] = b;
    heap[right] = a;
  }
}

/** Providers as they are: with and without Retry-After, fast and slow answers, strict and lenient. */
export const PROVIDERS: Record<string, Provider> = {
  "10/s, 2 s calls, Retry-After 1": { before: 10, after: 2.5, burst: 5, callMs: 2_000, retryAfterS: 1 },
  "10/s, 2 s calls, no Retry-After": { before: 10, after: 2.5, burst: 5, callMs: 2_000, retryAfterS: null },
  "40/s, 3 s calls, Retry-After 2": { before: 40, after: 10, burst: 20, callMs: 3_000, retryAfterS: 2 },
  "10/s, 0.5 s calls, Retry-After 1": { before: 10, after: 2.5, burst: 3, callMs: 500, retryAfterS: 1 },
  "4/s, 8 s calls, Retry-After 5": { before: 4, after: 1, burst: 5, callMs: 8_000, retryAfterS: 5 },
};

export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write("provider                                 agents  goodput  refused  waits  attempts\n");
  for (const [name, provider] of Object.entries(PROVIDERS)) {
    for (const agents of [50, 200]) {
      const { share, refused, waits, attemptsMax } = simulate(provider, agents, seeded(7));
      const cells = [name.padEnd(40), String(agents).padStart(6), `${(share * 100).toFixed(1)} %`.padStart(8)];
      const rest = [String(refused).padStart(8), String(waits).padStart(6), String(attemptsMax).padStart(9)];
      process.stdout.write(`${[...cells, ...rest].join(" ")}\n`);
    }
  }
}
