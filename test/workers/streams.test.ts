/** Bounds of streams in a shard: who is slowed down, who is let go and from where it resumes, and how many may watch. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { streamRequest } from "#store/shard/stream.ts";
import {
  MESSAGE_UNITS_MAX,
  PAGE_EVENTS,
  type StreamParts,
  Streams,
  UNREAD_UNITS_MAX,
  VIEWERS_MAX,
} from "../../workers/coordinator/streams.ts";
import { BLIND_UNITS, STALLED_MS, Viewer, WINDOW_UNITS } from "../../workers/coordinator/viewer.ts";
import { inlineRun, KEY, runOf, shard, startRequest, TENANT } from "./support.ts";

const sent = { send: () => undefined, close: () => undefined, serializeAttachment: () => undefined };
const socket = sent as unknown as WebSocket;
const memory = { runId: "run_1", format: "events" as const, cursor: 0, unread: 0, heardAt: null };
const text = (units: number) => ["x".repeat(units)];

describe("a viewer", () => {
  test("that never says what it has read is let go once it was sent 8 MB, and not one unit before", () => {
    const viewer = new Viewer(socket, memory);
    viewer.send(text(BLIND_UNITS - 1), 7);
    expect([viewer.isReady, viewer.isStalled(0)]).toEqual([true, false]);
    viewer.send(text(1), 8);
    expect([viewer.isReady, viewer.isStalled(0), viewer.cursor]).toEqual([false, true, 8]);
  });

  test("that says what it has read waits while its window is full, and is let go after a minute of silence", () => {
    const viewer = new Viewer(socket, memory);
    viewer.acknowledge(0, 1_000);
    viewer.send(text(WINDOW_UNITS - 1), 7);
    expect(viewer.isReady).toBe(true);
    viewer.send(text(1), 8);
    expect(viewer.isReady).toBe(false);
    expect([viewer.isStalled(999 + STALLED_MS), viewer.isStalled(1_000 + STALLED_MS)]).toEqual([false, true]);
    viewer.acknowledge(7, 2_000);
    expect([viewer.isReady, viewer.unread]).toEqual([true, 1]);
  });

  test("remembers over hibernation how far it came and what is unread", () => {
    let kept: unknown = null;
    const keeping = { ...sent, serializeAttachment: (value: unknown) => (kept = value) } as unknown as WebSocket;
    new Viewer(keeping, memory).send(text(5), 3);
    const again = new Viewer(socket, kept as typeof memory);
    expect([again.cursor, again.unread]).toEqual([3, 5]);
    again.acknowledge(3, 1);
    expect(again.unread).toBe(0);
  });
});

describe("a shard", () => {
  test("turns away the viewer above its bound, and takes one again when another has left", async () => {
    const { stub, address } = shard(11);
    const delayed = { nodes: [{ id: "a", type: "delay", config: { duration_ms: 600_000 } }] };
    const { run_id: runId } = runOf(await stub.start(TENANT, await startRequest(address, delayed)));
    const open = () => stub.fetch(streamRequest({ tenant: TENANT, runId, after: 1_000, format: "events" }));
    const sockets: WebSocket[] = [];
    for (let from = 0; from < VIEWERS_MAX; from += 100) {
      for (const { webSocket } of await Promise.all(Array.from({ length: 100 }, open))) {
        webSocket?.accept();
        if (webSocket !== null) sockets.push(webSocket);
      }
    }
    expect([sockets.length, (await open()).status, (await stub.stats()).viewers]).toEqual([
      VIEWERS_MAX,
      503,
      VIEWERS_MAX,
    ]);
    sockets[0]?.close();
    await expect.poll(async () => (await stub.stats()).viewers).toBe(VIEWERS_MAX - 1);
    const { status, webSocket } = await open();
    expect(status).toBe(101);
    webSocket?.accept();
    for (const one of [...sockets, webSocket]) one?.close();
  }, 60_000);

  test("does not show a run to another tenant", async () => {
    const { stub, address } = shard(12);
    const { run_id: runId } = runOf(await stub.start(TENANT, await startRequest(address, inlineRun)));
    const answer = await stub.fetch(streamRequest({ tenant: "other", runId, after: 0, format: "events" }));
    expect(answer.status).toBe(404);
  });
});

/** Streams of a shard with one run, whose log is what `events` gives; and the sockets that watch it. */
function streamsOf(
  viewers: number,
  events: (after: number, limit: number) => { seq: number; type: string }[],
  seq: number,
) {
  const watching = Array.from({ length: viewers }, () => {
    const told: string[] = [];
    const closed: [number, string][] = [];
    const watched = {
      told,
      closed,
      send: (data: string) => void told.push(data),
      close: (code: number, reason: string) => void closed.push([code, reason]),
      serializeAttachment: () => undefined,
      deserializeAttachment: () => ({ ...memory, heardAt: Date.now() }),
    };
    return watched;
  });
  const streams = new Streams({
    ctx: { getWebSockets: () => watching },
    runs: { events: (_: string, after: number, limit: number) => events(after, limit) },
    load: () => ({ state: { seq, status: "running", tenant: TENANT } }),
    logger: { error: () => undefined },
    recorder: { set: () => undefined, count: () => undefined },
    source: "test",
  } as unknown as StreamParts);
  return { streams, watching, as: (index: number) => watching[index] as unknown as WebSocket };
}

describe("what viewers are told", () => {
  test("comes in pages, and all of it", async () => {
    const limits: number[] = [];
    const total = PAGE_EVENTS + 1;
    const { streams, watching } = streamsOf(
      1,
      (after, limit) => {
        limits.push(limit);
        return Array.from({ length: Math.min(limit, total - after) }, (_, n) => ({
          seq: after + n + 1,
          at: 0,
          type: "x",
        }));
      },
      total,
    );
    streams.changed("run_1");
    // Sockets of the test before may still be closing.
    await expect.poll(() => watching[0]?.told.length, { timeout: 10_000 }).toBe(total);
    expect(limits).toEqual([PAGE_EVENTS, PAGE_EVENTS]);
  });

  test("is bounded in what all of them have unread: the one with the most is let go, with where it resumes", async () => {
    // One event fills a viewer's window: so many of them fit, and one more.
    const fitting = UNREAD_UNITS_MAX / WINDOW_UNITS;
    const pad = "x".repeat(WINDOW_UNITS);
    const { streams, watching } = streamsOf(fitting, () => [{ seq: 1, at: 0, type: "x", pad } as never], 1);
    streams.changed("run_1");
    await expect.poll(() => watching.filter(({ told }) => told.length === 1).length).toBe(fitting);
    const closed = watching.flatMap(({ closed }) => closed);
    expect(closed.length).toBeGreaterThan(0);
    expect(closed.length).toBeLessThanOrEqual(2);
    expect(closed[0]).toEqual([4008, expect.stringMatching(/after=1$/)]);
    const { streams: fewer, watching: all } = streamsOf(
      fitting - 1,
      () => [{ seq: 1, at: 0, type: "x", pad } as never],
      1,
    );
    fewer.changed("run_1");
    await expect.poll(() => all.filter(({ told }) => told.length === 1).length).toBe(fitting - 1);
    expect(all.flatMap(({ closed }) => closed)).toEqual([]);
  });

  test("a viewer's message may have so many characters", () => {
    const { streams, watching, as } = streamsOf(1, () => [], 0);
    const ping = (units: number) => `{"type":"ping"}${" ".repeat(units - '{"type":"ping"}'.length)}`;
    streams.heard(as(0), ping(MESSAGE_UNITS_MAX));
    streams.heard(as(0), ping(MESSAGE_UNITS_MAX + 1));
    expect(watching[0]?.told.map((text) => Object.keys(JSON.parse(text))[0])).toEqual(["type", "error"]);
  });
});

describe("an archived run", () => {
  test("streams from its archive and ends", async () => {
    const runId = "run_xx00001ARZ3NDEKTSV4RRFFQ69G5FAV";
    const events = [
      { seq: 1, at: 1, type: "run.started" },
      { seq: 2, at: 2, type: "run.completed" },
    ];
    const gzip = new Blob([JSON.stringify({ v: 1, details: {}, events })])
      .stream()
      .pipeThrough(new CompressionStream("gzip"));
    await env.DB.prepare("INSERT INTO run_archives (run_id, chunk, tenant, data) VALUES (?, 0, ?, ?)")
      .bind(runId, TENANT, await new Response(gzip).arrayBuffer())
      .run();
    const ask = (query: string, headers = {}) =>
      exports.default.fetch(`https://weir.test/api/v1/runs/${runId}/stream${query}`, {
        headers: { Authorization: `Bearer ${KEY}`, ...headers },
      });
    const ids = [...(await (await ask("")).text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => id);
    expect(ids).toEqual(["1", "2"]);
    expect((await ask("", { "Last-Event-ID": "2" })).status).toBe(204);
    const { webSocket } = await ask("?after=1", { Upgrade: "websocket" });
    const told: unknown[] = [];
    const closed = new Promise((resolve) => webSocket?.addEventListener("close", ({ code }) => resolve(code)));
    webSocket?.addEventListener("message", ({ data }) => told.push(JSON.parse(data as string).seq));
    webSocket?.accept();
    expect([await closed, told]).toEqual([1000, [2]]);
  });
});
