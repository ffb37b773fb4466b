/** The tenant's feed over HTTP: many at once, cut at random, through a SIGKILL, over both transports, and what is refused. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Weir } from "weir/client";
import { FeedReader } from "../support/feed-reader.ts";
import { expectError, follow } from "../support/follow.ts";
import { inFlight } from "../support/in-flight.ts";
import { Seeded } from "../support/seeded.ts";
import { slowChain } from "../support/slow-chain.ts";
import { openSocket } from "../support/stream-reader.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const SUBSCRIBERS = 2_000;
const RUNS = 12;

let weir: WeirProcess;
let client: Weir;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir({ env: { WEIR_LIMITS: "off", WEIR_ALLOWED_ORIGINS: "https://dash.example.com" } });
  client = new Weir({ url: weir.url, key: weir.key });
});

afterAll(async () => {
  await weir.stop();
});

/** Starts runs one after the other; gives the number of each one's last event once all have ended. */
async function runThem(count: number, everyMs: number): Promise<Map<string, number>> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    ids.push((await client.runs.start({ definition: slowChain(3, 200) })).run_id);
    await sleep(everyMs);
  }
  for (const id of ids) await client.runs.wait(id);
  const last = new Map<string, number>();
  for (const id of ids) {
    last.set(id, (await api.events(id)).at(-1)?.seq ?? 0);
  }
  return last;
}

/** Every run from its first event to its last, and nothing else about it. */
function expectAll(reader: FeedReader, last: ReadonlyMap<string, number>): void {
  expect(reader.problems).toEqual([]);
  expect(reader.resets).toBe(0);
  for (const [id, seq] of last) {
    expect([id, reader.seqs.get(id)]).toEqual([id, seq]);
    expect(reader.items.find(({ run_id }) => run_id === id)?.after).toBe(0);
  }
}

async function allTold(readers: readonly FeedReader[], last: ReadonlyMap<string, number>): Promise<void> {
  const isTold = (reader: FeedReader) => [...last].every(([id, seq]) => reader.seqs.get(id) === seq);
  await expect.poll(() => readers.every(isTold), { timeout: 60_000, interval: 100 }).toBe(true);
}

describe("the feed", () => {
  test("2,000 subscribers get every change once and in order, each cut at random", async () => {
    const random = new Seeded(11);
    const readers = Array.from(
      { length: SUBSCRIBERS },
      () => new FeedReader(weir, { cutAfter: () => random.between(3, 40) }),
    );
    await inFlight(SUBSCRIBERS, 50, (index) => (readers[index] as FeedReader).start());
    const last = await runThem(RUNS, 200);
    await allTold(readers, last);
    for (const reader of readers) {
      expectAll(reader, last);
      reader.stop();
    }
    expect(readers.filter(({ connections }) => connections > 1).length).toBeGreaterThan(SUBSCRIBERS / 2);
  }, 300_000);

  test("goes on after a SIGKILL of workerd where it was", async () => {
    const readers = Array.from({ length: 50 }, () => new FeedReader(weir));
    await Promise.all(readers.map((reader) => reader.start()));
    const running = runThem(10, 200);
    await sleep(1_200);
    await weir.kill9Workerd();
    const last = await running;
    await allTold(readers, last);
    for (const reader of readers) {
      expectAll(reader, last);
      expect(reader.connections).toBeGreaterThan(1);
      reader.stop();
    }
  });

  test("goes on where it was after a pause in which nobody listened", async () => {
    const reader = new FeedReader(weir);
    await reader.start();
    reader.stop();
    const last = await runThem(3, 0);
    const again = new FeedReader(weir);
    again.cursor = reader.cursor;
    await again.start();
    await allTold([again], last);
    expectAll(again, last);
    again.stop();
  });

  test("tells who begins without a cursor what the list may lack, and the list tells the rest", async () => {
    const running = runThem(5, 50);
    await sleep(400);
    const reader = new FeedReader(weir);
    await reader.start();
    const listed = new Map((await client.runs.list({ limit: 200 })).items.map((run) => [run.run_id, run.seq]));
    const last = await running;
    const stateOf = (id: string) => Math.max(listed.get(id) ?? 0, reader.seqs.get(id) ?? 0);
    await expect.poll(() => [...last].every(([id, seq]) => stateOf(id) === seq)).toBe(true);
    reader.stop();
  });

  test("is told by the client over server-sent events, and goes on through a SIGKILL", async () => {
    const ending = new AbortController();
    const seqs = new Map<string, number>();
    const problems: unknown[] = [];
    const types: string[] = [];
    const reading = (async () => {
      for await (const frame of client.feed({ signal: ending.signal })) {
        types.push(frame.type);
        if (frame.type !== "runs") continue;
        for (const { run_id: id, after, seq } of frame.runs) {
          if ((seqs.get(id) ?? after) !== after) problems.push([id, after, seq]);
          seqs.set(id, seq);
        }
      }
    })().catch((error) => error);
    await expect.poll(() => types).toContain("ready");
    const running = runThem(5, 200);
    await sleep(500);
    await weir.kill9Workerd();
    const last = await running;
    await expect.poll(() => [...last].every(([id, seq]) => seqs.get(id) === seq), { timeout: 20_000 }).toBe(true);
    expect(problems).toEqual([]);
    expect(types.filter((type) => type === "ready")).toHaveLength(1);
    ending.abort();
    expect(await reading).toMatchObject({ code: "aborted" });
  });

  test("belongs to its tenant", async () => {
    expect([200, 201]).toContain((await api.post("/tenants", { id: "listener" })).status);
    const { body } = await api.post("/keys", { name: "k", scopes: ["read"], tenant: "listener" });
    const reader = new FeedReader({ url: weir.url, key: body.key });
    const own = new FeedReader(weir);
    await Promise.all([reader.start(), own.start()]);
    const last = await runThem(1, 0);
    await allTold([own], last);
    await sleep(300);
    expect(reader.items).toEqual([]);
    for (const one of [reader, own]) one.stop();
  });
});

/** A socket of the feed and everything that it was told. */
async function open(query = "", headers: Record<string, string> = {}, key = weir.key) {
  const socket = openSocket({ url: weir.url, key }, `/api/v1/ws${query}`, headers);
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they are told and assert on it
  const told: any[] = [];
  socket.addEventListener("message", ({ data }) => told.push(JSON.parse(data as string)));
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true));
    socket.addEventListener("error", () => resolve(false));
  });
  const say = (message: unknown) => socket.send(typeof message === "string" ? message : JSON.stringify(message));
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  return { socket, told, isOpen, say, closed };
}

describe("on the feed's socket", () => {
  test("the log of a run comes from where it is asked for to its end", async () => {
    const { told, say, socket } = await open();
    const id = await api.start(slowChain(2, 300));
    say({ subscribe: { run_id: id, after: 2 } });
    const about = (type?: string) =>
      told.filter((one) => one.run_id === id && (type === undefined || one.type === type));
    await expect.poll(() => about("ended"), { timeout: 10_000 }).toHaveLength(1);
    const log = (await api.events(id)).slice(2);
    expect(about()).toEqual([
      { type: "subscribed", run_id: id, after: 2 },
      ...log.map((event) => ({ run_id: id, ...event })),
      { type: "ended", run_id: id, after: log.at(-1).seq },
    ]);
    socket.close();
  });

  test("a run that is not followed any more is silent, and can be followed again", async () => {
    const { told, say, socket } = await open();
    const id = await api.start(slowChain(6, 250));
    const seqs = () => told.flatMap((one) => (one.run_id === id && one.seq !== undefined ? [one.seq] : []));
    say({ subscribe: { run_id: id } });
    await expect.poll(seqs).toContain(3);
    say({ unsubscribe: { run_id: id } });
    await sleep(300);
    const had = seqs().length;
    await sleep(600);
    expect(seqs()).toHaveLength(had);
    say({ subscribe: { run_id: id, after: Math.max(...seqs()) } });
    await expect.poll(() => told.some((one) => one.type === "ended"), { timeout: 10_000 }).toBe(true);
    expect(seqs()).toEqual((await api.events(id)).map(({ seq }) => seq));
    socket.close();
  });

  test("absent runs, pings and nonsense are answered, and change nothing", async () => {
    const { told, say, socket } = await open();
    const nowhere = "run_xx00001ARZ3NDEKTSV4RRFFQ69G5FAV";
    const said = [
      '{"type":"ping"}',
      '{ "type": "ping" }',
      "what?",
      "[]",
      "null",
      { subscribe: {} },
      { subscribe: { run_id: "x", from: 1 } },
      { ack: "what" },
      { subscribe: { run_id: nowhere } },
      { unsubscribe: { run_id: "x" } },
      `{"ack":"${"1".repeat(1_000)}"}`,
    ];
    for (const one of said) say(one);
    await expect.poll(() => told.filter(({ type }) => type === "pong")).toHaveLength(2);
    await expect.poll(() => told.filter(({ type }) => type === "error")).toHaveLength(8);
    const codes = told.filter(({ type }) => type === "error").map(({ code }) => code);
    expect(codes.filter((code) => code === "not_found")).toHaveLength(1);
    expect(codes.filter((code) => code === "invalid")).toHaveLength(7);
    socket.close();
  });

  test("a cursor from another life is answered by a reset, and the feed goes on", async () => {
    const { told, socket } = await open("?after=abc.7");
    await expect.poll(() => told.map(({ type }) => type)).toContain("ready");
    expect(told[0]).toMatchObject({ type: "reset", code: "gone", cursor: expect.any(String) });
    const id = await api.start(slowChain(1, 1));
    const runs = () => told.flatMap((one) => one.runs ?? []);
    await expect.poll(() => runs().some((run) => run.run_id === id)).toBe(true);
    socket.close();
  });
});

describe("who may listen", () => {
  test("a ticket opens one socket, once, and nothing else", async () => {
    const { status, body } = await api.post("/ws-tickets");
    expect([status, Date.parse(body.expires_at) > Date.now()]).toEqual([201, true]);
    const query = `?ticket=${body.ticket}`;
    const bare = (path: string) => fetch(`${weir.url}/api/v1${path}`);
    expect((await bare(`/runs${query}`)).status).toBe(401);
    const socket = new WebSocket(`${weir.url.replace(/^http/, "ws")}/api/v1/ws${query}`);
    expect(await new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)))).toMatch(
      /"type":"(ready|runs)"/,
    );
    socket.close();
    const again = await bare(`/feed${query}`);
    expect([again.status, (await again.json()).error.code]).toEqual([401, "unauthenticated"]);
    for (const ticket of ["x", `${body.ticket.slice(0, -2)}xx`]) {
      expect((await bare(`/feed?ticket=${ticket}`)).status).toBe(401);
    }
    const id = await api.start(slowChain(1, 1));
    const { body: other } = await api.post("/ws-tickets");
    const stream = await bare(`/runs/${id}/stream?ticket=${other.ticket}`);
    expect([stream.status, (await stream.text()).includes("run.completed")]).toEqual([200, true]);
  });

  test("pages of unknown origins may not, Weir's own and listed ones may", async () => {
    const isOpen = async (origin: string) => {
      const { isOpen, socket } = await open("", { origin });
      socket.close();
      return isOpen;
    };
    expect(await isOpen("https://evil.example")).toBe(false);
    expect(await isOpen("null")).toBe(false);
    expect(await isOpen(weir.url)).toBe(true);
    expect(await isOpen("https://dash.example.com")).toBe(true);
    expectError(await api.get("/feed", { origin: "https://evil.example" }), 403, "forbidden");
  });

  test("without a key, without the scope, without an upgrade, with a bad cursor: refused before anything opens", async () => {
    const { body } = await api.post("/keys", { name: "starts only", scopes: ["run"] });
    expect((await open("", {}, "weir_wrong")).isOpen).toBe(false);
    expect((await open("", {}, body.key)).isOpen).toBe(false);
    expectError(await api.get("/ws"), 400, "bad_request");
    for (const query of ["after=", "after=x", "after=1", "after=a.-1", "from=1"]) {
      expectError(await api.get(`/feed?${query}`), 422, "invalid");
    }
    expectError(await api.get("/feed", { "last-event-id": "x" }), 422, "invalid");
    expectError(await api.post("/ws-tickets", undefined, { authorization: `Bearer ${body.key}` }), 403, "forbidden");
  });
});
