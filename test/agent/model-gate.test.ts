/** How many calls a model is asked at once: what raises it, what lowers it, what those who wait are told. */
import { describe, expect, test } from "vitest";
import { CALLS_AT_ONCE_MAX, CALLS_AT_ONCE_START, ModelGate, WAIT_MS_MAX, WAIT_MS_MIN } from "#agent/model-gate.ts";
import { PROVIDERS, seeded, simulate } from "../../bench/llm-goodput.ts";

const FREE = { requestsPerMinute: null, tokensPerMinute: null };
const WELL = { isThrottled: false, retryAfterMs: null, rate: null };

const enter = (gate: ModelGate, callId: string, nowMs: number, tokens = 1) => gate.enter({ callId, tokens }, nowMs);

/** Lets in as many as it takes, and answers with their ids. */
function fill(gate: ModelGate, nowMs: number): string[] {
  const ids: string[] = [];
  for (let index = 0; enter(gate, `${nowMs}/${index}`, nowMs) === 0; index++) ids.push(`${nowMs}/${index}`);
  return ids;
}

describe("model gate", () => {
  test("lets in so many at first, and one more for two rounds of answers", () => {
    const gate = new ModelGate(FREE);
    expect(fill(gate, 0)).toHaveLength(CALLS_AT_ONCE_START);
    for (let round = 0; round < 2; round++) {
      for (const id of fill(gate, round * 1000)) gate.leave(id, WELL, round * 1000 + 500);
    }
    for (let index = 0; index < CALLS_AT_ONCE_START; index++) gate.leave(`0/${index}`, WELL, 2000);
    expect(gate.atOnce).toBeGreaterThan(CALLS_AT_ONCE_START);
  });

  test("never asks more at once than the bound", () => {
    const gate = new ModelGate(FREE);
    for (let round = 0; round < 5_000 && gate.atOnce < CALLS_AT_ONCE_MAX; round++) {
      for (const id of fill(gate, round)) gate.leave(id, WELL, round);
    }
    expect(gate.atOnce).toBe(CALLS_AT_ONCE_MAX);
    expect(fill(gate, 100_000)).toHaveLength(CALLS_AT_ONCE_MAX);
  });

  test("few calls that go well are no reason to ask more", () => {
    const gate = new ModelGate(FREE);
    for (let index = 0; index < 1_000; index++) {
      enter(gate, `${index}`, index);
      gate.leave(`${index}`, WELL, index);
    }
    expect(gate.atOnce).toBe(CALLS_AT_ONCE_START);
  });

  test("refusals of one moment are one piece of news", () => {
    const gate = new ModelGate(FREE);
    const ids = fill(gate, 10_000);
    for (const id of ids) gate.leave(id, { ...WELL, isThrottled: true }, 10_050);
    expect(gate.atOnce).toBeCloseTo(CALLS_AT_ONCE_START * 0.9, 9);
  });

  test("after two refusals in a row nothing is asked before the provider says", () => {
    const gate = new ModelGate(FREE);
    for (const id of ["a", "b"]) enter(gate, id, 10_000);
    gate.leave("a", { ...WELL, isThrottled: true, retryAfterMs: 5_000 }, 10_000);
    expect(enter(gate, "c", 10_000)).toBe(0);
    gate.leave("b", { ...WELL, isThrottled: true, retryAfterMs: 5_000 }, 10_000);
    expect(enter(gate, "d", 10_000)).toBe(5_000);
    expect(enter(gate, "d", 15_000)).toBe(0);
  });

  test("who waits is told a time of its own, within bounds", () => {
    const gate = new ModelGate(FREE);
    fill(gate, 0);
    const waits = Array.from({ length: 2_000 }, (_, index) => enter(gate, `w${index}`, 0));
    expect(waits[0]).toBeGreaterThanOrEqual(WAIT_MS_MIN);
    expect(waits.at(-1)).toBe(WAIT_MS_MAX);
    expect(waits).toEqual([...waits].sort((left, right) => left - right));
  });

  test("requests and tokens a minute hold, whether they are set or stated by the provider", () => {
    const set = new ModelGate({ requestsPerMinute: 60, tokensPerMinute: null });
    // A tenth of a minute's may come at once.
    expect(fill(set, 0)).toHaveLength(6);
    expect(enter(set, "next", 0)).toBe(1_000);
    expect(enter(set, "next", 1_000)).toBe(0);

    const stated = new ModelGate(FREE);
    enter(stated, "first", 0);
    const rate = { requestsPerMinute: null, tokensPerMinute: 10_000, remainingRequests: null, remainingTokens: null };
    stated.leave("first", { ...WELL, rate }, 0);
    expect(enter(stated, "second", 0, 1_000)).toBe(0);
    expect(enter(stated, "third", 0, 1_000)).toBe(6_000);
    // More than ever fits at once is let in when the allowance is full.
    expect(enter(stated, "huge", 60_000, 50_000)).toBe(0);
  });

  test("calls whose end nobody heard of do not hold up others for ever", () => {
    const gate = new ModelGate(FREE);
    fill(gate, 0);
    expect(enter(gate, "later", 59_000)).toBeGreaterThan(0);
    expect(enter(gate, "later", 61_000)).toBe(0);
  });
});

describe("model gate, simulated providers", () => {
  test.each(Object.entries(PROVIDERS))("%s: a quarter of the rate is used to nine tenths", (_, provider) => {
    for (const agents of [50, 200]) {
      expect(simulate(provider, agents, seeded(11)).share).toBeGreaterThan(0.9);
    }
  });
});
