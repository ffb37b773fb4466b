/** Bounds of the feed: what is kept and told, who is slowed down or let go, and that shards tell only those who listen. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { cursorText, FRAME_RUNS_MAX, FRAME_UNITS_MAX, feedRequest, framesOf, parseCursor } from "#store/fanout/feed.ts";
import { FeedLog, RETAINED_MS, RETAINED_UNITS_MAX } from "#store/fanout/feed-log.ts";
import type { FanoutRpc, FeedPage } from "#store/fanout/protocol.ts";
import { migrateFanout } from "#store/fanout/schema.ts";
import { Tickets } from "#store/fanout/tickets.ts";
import { Feed, type FeedParts } from "../../workers/coordinator/feed.ts";
import { LEASE_MS } from "../../workers/fanout/call-round.ts";
import {
  BLIND_UNITS,
  LISTENERS_MAX,
  Listener,
  MESSAGE_UNITS_MAX,
  OVERLAP_MS,
  STALLED_MS,
  WINDOW_UNITS,
} from "../../workers/fanout/listeners.ts";
import { eventually, inlineRun, shard, startRequest } from "./support.ts";

const fanoutOf = (tenant: string) => env.FANOUT.getByName(tenant) as unknown as DurableObjectStub & FanoutRpc;

/** Does something with the storage of a fanout that nobody listens to. */
function inside<Value>(tenant: string, work: (storage: DurableObjectStorage) => Value): Promise<Value> {
  return runInDurableObject(fanoutOf(tenant), (_, { storage }) => {
    migrateFanout(storage);
    return work(storage);
  });
}

const page = (after: number | null, through: number, items: string[] = ['{"n":1}'], isCut = false): FeedPage => ({
  shard: "xx-0",
  after,
  through,
  items,
  is_cut: isCut,
});

describe("the log of a feed", () => {
  test("takes a page once, and only where it stands in the shard's log", () =>
    inside("once", (storage) => {
      const log = new FeedLog(storage);
      expect([log.take(page(null, 0), 1), log.through("xx-0")]).toEqual([false, null]);
      expect([log.take(page(5, 7), 1), log.take(page(5, 7), 1), log.take(page(6, 9), 1)]).toEqual([true, false, false]);
      expect([log.through("xx-0"), log.head.seq]).toEqual([7, 1]);
      expect([log.take(page(7, 9, []), 1), log.through("xx-0"), log.head.seq]).toEqual([false, 9, 1]);
      expect([log.take(page(9, 10, [], true), 1), log.after(1, 9)[0]?.text]).toEqual([
        true,
        expect.stringContaining('"type":"reset"'),
      ]);
      const again = new FeedLog(storage);
      expect([again.head, again.through("xx-0")]).toEqual([log.head, 10]);
    }));

  test("keeps a frame for ten minutes, and the newest for ever", () =>
    inside("old", (storage) => {
      const log = new FeedLog(storage);
      const start = log.head;
      log.take(page(0, 1), 1_000);
      log.take(page(1, 2), 1_000 + RETAINED_MS - 1);
      expect(log.holdsAfter(start)).toBe(true);
      log.take(page(2, 3), 1_000 + RETAINED_MS);
      expect([log.holdsAfter(start), log.holdsAfter({ ...start, seq: 1 }), log.frames]).toEqual([false, true, 2]);
      log.take(page(3, 4, []), 1_000 + 9 * RETAINED_MS);
      expect([log.frames, log.head.seq]).toEqual([1, 3]);
    }));

  test("keeps so much text and not one unit more", () =>
    inside("much", (storage) => {
      const log = new FeedLog(storage);
      const start = log.head;
      const big = "x".repeat(RETAINED_UNITS_MAX / 32);
      let through = 0;
      const add = (item: string) => log.take(page(through, ++through, [item]), 1);
      for (let n = 0; n < 31; n++) add(big);
      const frameUnits = log.after(0, 1)[0]?.text.length ?? 0;
      add(
        "y".repeat(
          RETAINED_UNITS_MAX -
            log.after(0, 99).reduce((sum, { text }) => sum + text.length, 0) -
            (frameUnits - big.length) -
            1,
        ),
      );
      expect(log.holdsAfter(start)).toBe(true);
      add("z");
      expect(log.holdsAfter(start)).toBe(false);
    }));

  test("forgets everything when it begins anew: no cursor from before is held", () =>
    inside("anew", (storage) => {
      const log = new FeedLog(storage);
      log.take(page(0, 1), 1);
      const before = log.head;
      log.restart();
      expect([log.holdsAfter(before), log.through("xx-0"), log.frames, log.head.seq]).toEqual([false, null, 0, 0]);
      log.take(page(3, 4), 1);
      expect(log.holdsAfter(before)).toBe(false);
    }));
});

describe("a frame", () => {
  test("holds so many runs, and so much text as long as that is not one run alone", () => {
    const small = Array.from({ length: FRAME_RUNS_MAX + 1 }, () => "{}");
    expect(framesOf(small).map((items) => items.length)).toEqual([FRAME_RUNS_MAX, 1]);
    const half = "x".repeat(FRAME_UNITS_MAX / 2);
    expect(framesOf([half, half, "y"]).map((items) => items.length)).toEqual([2, 1]);
    expect(framesOf(["x".repeat(FRAME_UNITS_MAX + 1), "y"]).map((items) => items.length)).toEqual([1, 1]);
  });

  test("has a cursor that is read again, and nothing else is one", () => {
    expect(parseCursor(cursorText({ epoch: "a1", seq: 7 }))).toEqual({ epoch: "a1", seq: 7 });
    for (const text of ["", "a", "a.", ".1", "A.1", "a.-1", "a.1.2", `a.${"9".repeat(16)}`]) {
      expect(parseCursor(text)).toBeNull();
    }
  });
});

test("a ticket is taken in once, and not after its time", () =>
  inside("tickets", ({ sql }) => {
    const tickets = new Tickets(sql);
    expect([tickets.take("n", 100, 99), tickets.take("n", 100, 99), tickets.take("m", 100, 100)]).toEqual([
      true,
      false,
      false,
    ]);
    tickets.take("o", 300, 200);
    expect(sql.exec("SELECT nonce FROM ticket").toArray()).toEqual([{ nonce: "o" }]);
  }));

const deaf = { send: () => undefined, close: () => undefined, serializeAttachment: () => undefined };
const memory = { epoch: "e", cursor: 0, unread: 0, heardAt: null };

describe("a listener", () => {
  test("that never says what it has read has 1 MB, one that does a window, and a minute of silence", () => {
    const blind = new Listener(deaf as unknown as WebSocket, memory);
    blind.send(["x".repeat(BLIND_UNITS - 1)], 1);
    expect([blind.isReady, blind.isStalled(0)]).toEqual([true, false]);
    blind.send(["x"], 2);
    expect([blind.isReady, blind.isStalled(0)]).toEqual([false, true]);
    const reading = new Listener(deaf as unknown as WebSocket, memory);
    reading.acknowledge(0, 1_000);
    reading.send(["x".repeat(WINDOW_UNITS - 1)], 1);
    expect(reading.isReady).toBe(true);
    reading.send(["x"], 2);
    expect([reading.isReady, reading.isStalled(999 + STALLED_MS), reading.isStalled(1_000 + STALLED_MS)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("is turned away above the bound of its tenant, and taken again when another has left", async () => {
    const fanout = fanoutOf("crowd");
    const open = () => fanout.fetch(feedRequest({ tenant: "crowd", after: null }));
    const sockets: WebSocket[] = [];
    for (let from = 0; from < LISTENERS_MAX; from += 100) {
      for (const { webSocket } of await Promise.all(Array.from({ length: 100 }, open))) {
        webSocket?.accept();
        if (webSocket !== null) sockets.push(webSocket);
      }
    }
    expect([sockets.length, (await open()).status, (await fanout.stats()).sockets]).toEqual([
      LISTENERS_MAX,
      503,
      LISTENERS_MAX,
    ]);
    sockets[0]?.close();
    await expect.poll(async () => (await fanout.stats()).sockets).toBe(LISTENERS_MAX - 1);
    const { status, webSocket } = await open();
    expect(status).toBe(101);
    webSocket?.accept();
    for (const one of [...sockets, webSocket]) one?.close();
  }, 120_000);

  test("that says too much, or nonsense, is told what it may say", async () => {
    const { webSocket } = await fanoutOf("talk").fetch(feedRequest({ tenant: "talk", after: null }));
    const told: { type: string }[] = [];
    webSocket?.addEventListener("message", ({ data }) => told.push(JSON.parse(data as string)));
    webSocket?.accept();
    const padded = (units: number) => `{"type":"ping"}${" ".repeat(units - '{"type":"ping"}'.length)}`;
    webSocket?.send(padded(MESSAGE_UNITS_MAX));
    webSocket?.send(padded(MESSAGE_UNITS_MAX + 1));
    webSocket?.send(new Uint8Array(3));
    await expect.poll(() => told.filter(({ type }) => type === "error")).toHaveLength(2);
    expect(told.filter(({ type }) => type === "pong")).toHaveLength(1);
    webSocket?.close();
  });

  test("without a cursor is told what was news within three seconds", () =>
    inside("overlap", (storage) => {
      const log = new FeedLog(storage);
      log.take(page(0, 1), 1_000);
      log.take(page(1, 2), 1_000 + OVERLAP_MS);
      expect(log.since(1_000 + OVERLAP_MS - OVERLAP_MS + 1).seq).toBe(1);
      expect(log.since(1_000).seq).toBe(0);
      expect(log.since(2_000 + OVERLAP_MS).seq).toBe(2);
    }));
});

/** The feed of a shard with a log of `rows` rows, and a fanout that answers as it is told to. */
function feedOf(rows: { count: number; listed: number }, push: FanoutRpc["push"]) {
  let kept = "{}";
  const parts = {
    shard: "xx-0",
    fanouts: { getByName: () => ({ push }) as unknown as FanoutRpc },
    runs: {
      get lastId() {
        return rows.count;
      },
      changesOf: (_: string, from: number, limit: number, scan: number) => {
        if (rows.count - from >= scan || rows.count - from + 1 > limit) return null;
        return Array.from({ length: rows.count - from + 1 }, (_, n) => ({ run_id: "run_1", first_seq: from + n }));
      },
    },
    positions: {
      text: () => kept,
      number: () => rows.listed,
      set: (_: string, value: string) => {
        kept = value;
      },
    },
    load: () => ({
      state: {
        run_id: "run_1",
        seq: rows.count,
        status: "running",
        active: new Set(),
        error: null,
        submitted_at: 0,
        started_at: 0,
        ended_at: null,
      },
    }),
    logger: { warn: () => undefined, error: () => undefined },
  };
  return {
    feed: new Feed(parts as unknown as FeedParts),
    kept: () => kept,
    again: () => new Feed(parts as unknown as FeedParts),
  };
}

describe("a shard", () => {
  const until = () => Date.now() + LEASE_MS;

  test("tells nobody as long as nobody listens, and stops when it hears that nobody does", async () => {
    const pages: FeedPage[] = [];
    const rows = { count: 1, listed: 1 };
    const { feed, kept } = feedOf(rows, async (_, pushed) => {
      pages.push(pushed);
      return { is_listening: pages.length < 2, through: pushed.through };
    });
    feed.changed("t", 1);
    await scheduler.wait(120);
    expect(pages).toEqual([]);
    expect(feed.listen("t", { after: 0, until: until() })).toMatchObject({ after: 0, through: 1, is_cut: false });
    for (const count of [2, 3, 4]) {
      rows.count = count;
      feed.changed("t", count);
      await scheduler.wait(120);
    }
    expect(pages.map(({ after, through }) => [after, through])).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect([feed.tenants, kept()]).toEqual([[], "{}"]);
  });

  test("tells again from where the fanout stands, after a failure, and in its next life", async () => {
    const pages: FeedPage[] = [];
    const answers = [
      () => {
        throw new Error("gone");
      },
      () => ({ is_listening: true, through: 1 }),
      () => ({ is_listening: true, through: 3 }),
      () => ({ is_listening: true, through: 3 }),
      () => ({ is_listening: true, through: 4 }),
    ];
    const rows = { count: 2, listed: 0 };
    const { feed, again } = feedOf(rows, async (_, pushed) => {
      pages.push(pushed);
      return (answers.shift() ?? (() => ({ is_listening: true, through: pushed.through })))();
    });
    feed.listen("t", { after: 2, until: until() });
    rows.count = 3;
    feed.changed("t", 3);
    await expect.poll(() => pages.map(({ after }) => after)).toEqual([2, 2, 1]);
    rows.count = 4;
    again();
    await expect.poll(() => pages.map(({ after, through }) => [after, through])).toContainEqual([3, 4]);
    expect(pages.at(-2)?.after).toBeNull();
  });

  test("that lags too far says that it was cut, goes on from what is listed, and waits when nothing is", () => {
    const rows = { count: 5_001, listed: 4_990 };
    const { feed } = feedOf(rows, async (_, pushed) => ({ is_listening: true, through: pushed.through }));
    expect(feed.listen("t", { after: 1, until: until() })).toMatchObject({ through: 5_001, is_cut: false });
    expect(feed.listen("t", { after: 0, until: until() })).toMatchObject({ through: 4_990, is_cut: true, items: [] });
    rows.listed = 0;
    expect(feed.listen("t", { after: 0, until: until() })).toMatchObject({ through: 0, is_cut: false, items: [] });
  });

  test("that runs tells the fanout of its tenant, each run from its first event on", async () => {
    const { stub, address } = shard(0);
    const { webSocket } = await fanoutOf("default").fetch(feedRequest({ tenant: "default", after: null }));
    const told: { type: string; runs?: { run_id: string; after: number; status: string }[] }[] = [];
    webSocket?.addEventListener("message", ({ data }) => told.push(JSON.parse(data as string)));
    webSocket?.accept();
    await eventually(async () => told.find(({ type }) => type === "ready") ?? null);
    const request = await startRequest(address, inlineRun);
    await stub.start("default", request);
    const item = await eventually(
      async () => told.flatMap(({ runs }) => runs ?? []).find(({ run_id }) => run_id === request.run_id) ?? null,
    );
    expect(item).toMatchObject({ after: 0, status: "completed" });
    webSocket?.close();
  });
});
