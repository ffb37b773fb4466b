/** Bounds of streams in a shard: who is slowed down, who is let go and from where it resumes, and how many may watch. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { streamRequest } from "#store/shard/stream.ts";
import { VIEWERS_MAX } from "../../workers/coordinator/streams.ts";
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
