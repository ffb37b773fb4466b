/** Logs that one socket subscribes to: how many, how much unread, and what happens when one is cut. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SUBSCRIBED_UNITS_MAX, SUBSCRIPTIONS_MAX, Subscriptions } from "#api/subscriptions.ts";
import { FakeSocket } from "../support/fake-socket.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(answer: (runId: string, after: number) => FakeSocket | null = () => new FakeSocket()) {
  const opened: { runId: string; after: number; log: FakeSocket | null }[] = [];
  const told: { type: string; [name: string]: unknown }[] = [];
  const counts = { tooMuch: 0 };
  const subscriptions = new Subscriptions({
    open: async (runId, after) => {
      const log = answer(runId, after);
      opened.push({ runId, after, log });
      return log as unknown as (WebSocket & { accept(): void }) | null;
    },
    send: (text) => told.push(JSON.parse(text)),
    tooMuch: () => {
      counts.tooMuch += 1;
    },
  });
  return { subscriptions, opened, told, counts };
}

const padded = (seq: number, units: number) => {
  const text = JSON.stringify({ seq, pad: "" });
  return JSON.stringify({ seq, pad: "x".repeat(units - text.length - '"run_id":"r",'.length) });
};

describe("a socket", () => {
  test("subscribes to so many runs, and to one more once another has ended", async () => {
    const { subscriptions, opened, told } = open();
    for (let n = 0; n < SUBSCRIPTIONS_MAX; n++) await subscriptions.add(`run_${n}`, 0);
    expect([subscriptions.size, told.filter(({ type }) => type === "error")]).toEqual([SUBSCRIPTIONS_MAX, []]);
    await subscriptions.add("run_more", 0);
    expect(told.at(-1)).toMatchObject({ type: "error", run_id: "run_more", code: "rate_limited" });
    await subscriptions.add("run_0", 5);
    expect(told.at(-1)).toEqual({ type: "subscribed", run_id: "run_0", after: 5 });
    opened[1]?.log?.end(1000);
    await subscriptions.add("run_more", 0);
    expect(told.at(-1)).toEqual({ type: "subscribed", run_id: "run_more", after: 0 });
  });

  test("may have so much unread; what was read counts no more", async () => {
    const { subscriptions, opened, counts } = open();
    await subscriptions.add("r", 0);
    const log = opened[0]?.log;
    log?.tell(padded(1, SUBSCRIBED_UNITS_MAX - 100));
    subscriptions.acknowledge("r", 1);
    expect(log?.said).toEqual(['{"ack":1}']);
    log?.tell(padded(2, SUBSCRIBED_UNITS_MAX));
    expect(counts.tooMuch).toBe(0);
    log?.tell('{"seq":3}');
    expect(counts.tooMuch).toBe(1);
  });
});

describe("a log", () => {
  test("that is cut is opened again behind its last event, and given up after ten times without a new one", async () => {
    const { subscriptions, opened, told } = open();
    await subscriptions.add("r", 0);
    opened[0]?.log?.tell('{"seq":4,"type":"node.started"}');
    for (let n = 0; n < 10; n++) {
      opened.at(-1)?.log?.end(1006);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(opened.slice(1).map(({ after }) => after)).toEqual(Array.from({ length: 10 }, () => 4));
    opened.at(-1)?.log?.tell('{"seq":5,"type":"node.completed"}');
    opened.at(-1)?.log?.end(1012);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(opened.at(-1)?.after).toBe(5);
    for (let n = 0; n < 10; n++) {
      opened.at(-1)?.log?.end(1006);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(told.at(-1)).toEqual({ type: "cut", run_id: "r", after: 5 });
    expect(told.filter(({ type }) => type === "subscribed")).toHaveLength(1);
    expect(subscriptions.size).toBe(0);
  });

  test("of an absent run is an error; one that nobody follows any more is closed and heard no more", async () => {
    const absent = open(() => null);
    await absent.subscriptions.add("r", 0);
    expect(absent.told).toEqual([expect.objectContaining({ type: "error", run_id: "r", code: "not_found" })]);
    const { subscriptions, opened, told } = open();
    await subscriptions.add("r", 0);
    subscriptions.end();
    opened[0]?.log?.tell('{"seq":1}');
    expect([opened[0]?.log?.isClosed, told.filter(({ seq }) => seq === 1)]).toEqual([true, []]);
  });

  test("ends, or lags so far that its shard let it go: the client is told which", async () => {
    const { subscriptions, opened, told } = open();
    await subscriptions.add("a", 2);
    await subscriptions.add("b", 3);
    opened[0]?.log?.end(1000);
    opened[1]?.log?.end(4008);
    expect(told.slice(-2)).toEqual([
      { type: "ended", run_id: "a", after: 2 },
      { type: "cut", run_id: "b", after: 3 },
    ]);
  });
});
