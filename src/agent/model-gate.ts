/**
 * How many calls a model is asked at once, learned from its answers: one more while it keeps up, a tenth fewer when it
 * has had too much (AIMD), and within the requests and tokens a minute that it states or that are set. Whoever does not
 * fit is told when to come again; nobody is held.
 */
import type { RateFacts } from "./model.ts";

export interface RateLimits {
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
}

export const CALLS_AT_ONCE_START = 20;
export const CALLS_AT_ONCE_MAX = 500;

/** What is left of the calls at once after too much, and what a round of answers adds: `bench/llm-goodput.ts` tried them. */
const DECREASE = 0.9;
const INCREASE = 0.5;

/** How long a call takes while none has ended yet. */
const DURATION_DEFAULT_MS = 2_000;
/** Share of the newest call in the average. */
const DURATION_WEIGHT = 0.1;

/** Bounds of what somebody is told to wait. */
export const WAIT_MS_MIN = 100;
export const WAIT_MS_MAX = 60_000;

/** A call that takes so many times longer than usual, and this long at least, no longer counts as under way. */
const LOST_FACTOR = 10;
const LOST_MS_MIN = 60_000;

/** A minute's allowance that may be used at once. */
const BURST_SHARE = 0.1;

export interface GateCall {
  callId: string;
  tokens: number;
}

export class ModelGate {
  readonly #limits: RateLimits;
  readonly #underWay = new Map<string, number>();
  #atOnce = CALLS_AT_ONCE_START;
  #durationMs = DURATION_DEFAULT_MS;
  /** The next time that is still free for somebody who waits. */
  #nextFreeAt = 0;
  #decreasedAt = 0;
  #closedUntil = 0;
  #succeededSinceThrottle = true;
  readonly #requests = new Allowance();
  readonly #tokens = new Allowance();

  /** `limits`: what is set; what a provider states counts where nothing is. */
  constructor(limits: RateLimits) {
    this.#limits = limits;
    this.#requests.perMinute = limits.requestsPerMinute;
    this.#tokens.perMinute = limits.tokensPerMinute;
  }

  get atOnce(): number {
    return this.#atOnce;
  }

  /** 0: the call may be made, and counts as under way. Else milliseconds to wait before asking again. */
  enter({ callId, tokens }: GateCall, nowMs: number): number {
    this.#forgetLost(nowMs);
    const wait = Math.max(
      this.#closedUntil - nowMs,
      this.#requests.waitMs(1, nowMs),
      this.#tokens.waitMs(tokens, nowMs),
      this.#underWay.size < Math.floor(this.#atOnce) ? 0 : this.#turnInMs(nowMs),
    );
    if (wait > 0) return Math.min(Math.max(Math.ceil(wait), WAIT_MS_MIN), WAIT_MS_MAX);
    this.#requests.take(1, nowMs);
    this.#tokens.take(tokens, nowMs);
    this.#underWay.set(callId, nowMs);
    return 0;
  }

  /** The call is over. `tokens` is what was asked for when it entered and what it really took. */
  leave(
    callId: string,
    how: { isThrottled: boolean; retryAfterMs: number | null; rate: RateFacts | null },
    nowMs: number,
  ): void {
    const startedAt = this.#underWay.get(callId);
    const isHalfFull = this.#underWay.size * 2 >= this.#atOnce;
    this.#underWay.delete(callId);
    if (how.rate !== null) this.#learnLimits(how.rate);
    if (how.isThrottled) this.#throttled(how.retryAfterMs, nowMs);
    else {
      this.#succeededSinceThrottle = true;
      if (startedAt !== undefined) {
        this.#durationMs += (nowMs - startedAt - this.#durationMs) * DURATION_WEIGHT;
      }
      if (isHalfFull) this.#atOnce = Math.min(this.#atOnce + INCREASE / this.#atOnce, CALLS_AT_ONCE_MAX);
    }
  }

  #throttled(retryAfterMs: number | null, nowMs: number): void {
    // Calls that were under way together are refused together: that is one piece of news.
    if (nowMs - this.#decreasedAt >= this.#durationMs / 2) {
      this.#atOnce = Math.max(1, this.#atOnce * DECREASE);
      this.#decreasedAt = nowMs;
    }
    // Nothing got through since the last refusal: there is no point in asking before the provider says.
    if (!this.#succeededSinceThrottle) {
      const wait = Math.min(retryAfterMs ?? this.#durationMs, WAIT_MS_MAX);
      this.#closedUntil = Math.max(this.#closedUntil, nowMs + wait);
    }
    this.#succeededSinceThrottle = false;
  }

  /** Gives out times as far apart as calls end, so that those who wait do not all come back together. */
  #turnInMs(nowMs: number): number {
    const apart = this.#durationMs / Math.max(1, Math.floor(this.#atOnce));
    this.#nextFreeAt = Math.max(nowMs, this.#nextFreeAt) + apart;
    // However short calls are: who does not fit waits.
    return Math.max(this.#nextFreeAt - nowMs, WAIT_MS_MIN);
  }

  #learnLimits(rate: RateFacts): void {
    this.#requests.perMinute = this.#limits.requestsPerMinute ?? rate.requestsPerMinute;
    this.#tokens.perMinute = this.#limits.tokensPerMinute ?? rate.tokensPerMinute;
  }

  #forgetLost(nowMs: number): void {
    const lostAfter = Math.max(LOST_MS_MIN, this.#durationMs * LOST_FACTOR);
    for (const [callId, startedAt] of this.#underWay) {
      // In the order in which they began.
      if (nowMs - startedAt < lostAfter) break;
      this.#underWay.delete(callId);
    }
  }
}

/** So much a minute, evenly, with a little at once (a token bucket). Null: without bound. */
class Allowance {
  perMinute: number | null = null;
  #level: number | null = null;
  #at = 0;

  waitMs(amount: number, nowMs: number): number {
    if (this.perMinute === null) return 0;
    this.#fill(nowMs);
    // More than the bucket holds is let in when it is full.
    const needed = Math.min(amount, this.#capacity);
    const missing = needed - (this.#level ?? 0);
    return missing <= 0 ? 0 : (missing / this.perMinute) * 60_000;
  }

  take(amount: number, nowMs: number): void {
    if (this.perMinute === null) return;
    this.#fill(nowMs);
    this.#level = (this.#level ?? 0) - amount;
  }

  get #capacity(): number {
    return Math.max(1, (this.perMinute ?? 0) * BURST_SHARE);
  }

  #fill(nowMs: number): void {
    const { perMinute } = this;
    if (perMinute === null) return;
    const gained = ((nowMs - this.#at) / 60_000) * perMinute;
    this.#level = this.#level === null ? this.#capacity : Math.min(this.#capacity, this.#level + gained);
    this.#at = nowMs;
  }
}
