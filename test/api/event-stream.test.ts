/** Server-sent events from a shard's socket: what is acknowledged, the heartbeat, and when the stream ends. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CHECK_INTERVAL_MS } from "#access/key-watch.ts";
import { eventStream } from "#api/event-stream.ts";
import { STREAM_HEARTBEAT_MS, STREAM_MS_MAX } from "#api/limits.ts";
import { lastIdOf } from "#store/shard/stream.ts";
import { FakeSocket } from "../support/fake-socket.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  isAllowed = true;
});

let isAllowed = true;

function open() {
  const shard = new FakeSocket();
  const reader = eventStream(shard as unknown as Parameters<typeof eventStream>[0], {
    after: 4,
    pieceOf: (text) => (text.startsWith("id: ") ? { text, through: lastIdOf(text) } : null),
    isAllowed: async () => isAllowed,
  }).getReader();
  const next = async () => {
    const { done, value } = await reader.read();
    return done ? null : new TextDecoder().decode(value as Uint8Array);
  };
  return { shard, reader, next };
}

test("acknowledges a piece once the client has taken it, and passes on nothing but events", async () => {
  const { shard, next } = open();
  shard.tell('{"type":"pong"}');
  shard.tell("id: 5\ndata: {}\n\nid: 6\ndata: {}\n\n");
  expect(shard.said).toEqual(['{"ack":4}']);
  expect(await next()).toBe("retry: 1000\n\n");
  expect(await next()).toContain("id: 6");
  shard.tell("id: 7\ndata: {}\n\n");
  expect(await next()).toContain("id: 7");
  expect(shard.said).toContain('{"ack":6}');
});

test("beats every 15 s, ends with the shard's socket", async () => {
  const { shard, next } = open();
  await next();
  const beat = next();
  await vi.advanceTimersByTimeAsync(STREAM_HEARTBEAT_MS);
  expect(await beat).toBe(": heartbeat\n\n");
  shard.dispatchEvent(new Event("close"));
  expect(await next()).toBeNull();
});

test("ends after 14 minutes and not before", async () => {
  const { shard, reader, next } = open();
  const drained = (async () => {
    while ((await next()) !== null);
  })();
  await vi.advanceTimersByTimeAsync(STREAM_MS_MAX - 1);
  expect(shard.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(shard.isClosed).toBe(true);
  await drained;
  await reader.closed;
});

test("lets the shard's socket go when the client leaves", async () => {
  const { shard, reader } = open();
  await reader.cancel();
  await vi.advanceTimersByTimeAsync(STREAM_HEARTBEAT_MS);
  expect(shard.isClosed).toBe(true);
});

test("ends once the key that it was opened with is none any more", async () => {
  const { shard, next } = open();
  await next();
  await vi.advanceTimersByTimeAsync(CHECK_INTERVAL_MS);
  expect(shard.isClosed).toBe(false);
  isAllowed = false;
  await vi.advanceTimersByTimeAsync(CHECK_INTERVAL_MS);
  expect(shard.isClosed).toBe(true);
});
