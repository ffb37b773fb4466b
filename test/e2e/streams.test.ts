/** Streams of runs over HTTP: many at once, cut at random, through a SIGKILL, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError, follow } from "../support/follow.ts";
import { inFlight } from "../support/in-flight.ts";
import { Seeded } from "../support/seeded.ts";
import { slowChain } from "../support/slow-chain.ts";
import { openSocket, readToEnd, type Transport } from "../support/stream-reader.ts";
import { startWeir, type WeirProcess } from "../support/weir-process.ts";

const SUBSCRIBERS = 200;
const TICKS = 12;

let weir: WeirProcess;
const api = follow(() => weir);

beforeAll(async () => {
  weir = await startWeir();
});

afterAll(async () => {
  await weir.stop();
});

async function logOf(runId: string): Promise<number[]> {
  return (await api.events(runId)).map(({ seq }) => seq);
}

const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq);

describe("a run's stream", () => {
  test.each<Transport>(["sse", "websocket"])(
    "200 subscribers by %s get every event once and in order, each cut at random",
    async (transport) => {
      const random = new Seeded(7);
      const runId = await api.start(slowChain(TICKS, 250));
      const readings = await inFlight(SUBSCRIBERS, SUBSCRIBERS, () =>
        readToEnd(weir, runId, transport, (connection) =>
          connection > 4 ? Number.POSITIVE_INFINITY : random.between(1, 12),
        ),
      );
      const log = await logOf(runId);
      expect(log.length).toBeGreaterThan(TICKS * 4);
      for (const { events } of readings) expect(seqs(events)).toEqual(log);
      expect(readings.filter(({ connections }) => connections > 1).length).toBeGreaterThan(SUBSCRIBERS / 2);
    },
  );

  test("of a run that has ended gives its log and ends", async () => {
    const { run_id: runId } = await api.run(slowChain(1, 1));
    for (const transport of ["sse", "websocket"] as const) {
      const { events, connections } = await readToEnd(weir, runId, transport);
      expect([seqs(events), connections]).toEqual([await logOf(runId), 1]);
    }
  });

  test("an EventSource that comes back after the end is told to stay away", async () => {
    const { run_id: runId } = await api.run(slowChain(1, 1));
    const last = String((await logOf(runId)).at(-1));
    expect((await api.get(`/runs/${runId}/stream`, { "last-event-id": last })).status).toBe(204);
    const again = await api.get(`/runs/${runId}/stream?after=${last}`);
    expect([again.status, again.body]).toEqual([200, "retry: 1000\n\n"]);
  });

  test("begins anew when a failed run is taken up again, and ends after its second end", async () => {
    const failing = { nodes: [{ id: "a", type: "transform", config: { expression: "inputs.absent.more" } }] };
    const { run_id: runId } = await api.run(failing);
    const config = { expression: "1 + 1" };
    expect((await api.post(`/runs/${runId}/nodes/a/replay`, { config })).status).toBe(202);
    await api.end(runId);
    const answer = await api.get(`/runs/${runId}/stream`);
    const types = [...answer.body.matchAll(/"type":"(run\.[a-z]+)"/g)].map(([, type]) => type);
    expect(types).toContain("run.failed");
    expect(types.at(-1)).toBe("run.completed");
  });

  test("answers pings and says what a viewer may say", async () => {
    const runId = await api.start(slowChain(1, 1_500));
    const socket = openSocket(weir, `/api/v1/runs/${runId}/stream?after=1000`);
    const told: string[] = [];
    await new Promise((resolve) => {
      socket.addEventListener("open", () => {
        for (const text of ['{"type":"ping"}', '{ "type": "ping" }', "what?", "[1]", "null", '{"ack":"x"}'])
          socket.send(text);
      });
      socket.addEventListener("message", ({ data }) => told.push(data as string));
      socket.addEventListener("close", resolve);
    });
    const pong = { type: "pong" };
    const refused = { error: { code: "invalid", message: expect.stringContaining("ack") } };
    expect(told.map((text) => JSON.parse(text))).toEqual([pong, pong, refused, refused, refused, refused]);
  });
});

describe("what is refused", () => {
  const nowhere = "run_xx00001ARZ3NDEKTSV4RRFFQ69G5FAV";

  test("an absent run, a malformed id, a bad cursor, no key: before any stream begins", async () => {
    const { run_id: runId } = await api.run(slowChain(1, 1));
    for (const id of [nowhere, "nope"]) expectError(await api.get(`/runs/${id}/stream`), 404, "not_found");
    for (const query of ["after=-1", "after=x", "after=1.5", "after=1e400", "from=1"]) {
      expectError(await api.get(`/runs/${runId}/stream?${query}`), 422, "invalid");
    }
    expectError(await api.get(`/runs/${runId}/stream`, { "last-event-id": "x" }), 422, "invalid");
    expectError(await api.get(`/runs/${runId}/stream`, { authorization: "" }), 401, "unauthenticated");
  });

  test("another tenant's run is an absent one", async () => {
    const { run_id: runId } = await api.run(slowChain(1, 1));
    const made = await api.post("/tenants", { id: "stranger" });
    expect([200, 201]).toContain(made.status);
    const key = await api.post("/keys", { name: "k", scopes: ["read"], tenant: "stranger" });
    expect(key.status).toBe(201);
    expectError(await api.get(`/runs/${runId}/stream`, { authorization: `Bearer ${key.body.key}` }), 404, "not_found");
  });

  test("an upgrade is refused with a status, not with a socket that closes", async () => {
    const opened: string[] = [];
    for (const [path, key] of [
      [`/api/v1/runs/${nowhere}/stream`, weir.key],
      [`/api/v1/runs/${nowhere}/stream?after=-1`, weir.key],
      [`/api/v1/runs/${nowhere}/stream`, "weir_wrong"],
    ] as const) {
      const socket = openSocket({ url: weir.url, key }, path);
      await new Promise((resolve) => {
        socket.addEventListener("open", () => opened.push(path));
        socket.addEventListener("error", resolve);
      });
    }
    expect(opened).toEqual([]);
  });
});

describe("SIGKILL", () => {
  test("of workerd while 50 streams are open: all resume and end with exactly the log", async () => {
    const runId = await api.start(slowChain(20, 300));
    let killed: Promise<unknown> | undefined;
    const readings = await inFlight(50, 50, (n) =>
      readToEnd(weir, runId, n % 2 === 0 ? "sse" : "websocket", () => {
        killed ??= new Promise((resolve) => setTimeout(resolve, 1_500)).then(() => weir.kill9Workerd());
        return Number.POSITIVE_INFINITY;
      }),
    );
    await killed;
    const log = await logOf(runId);
    for (const { events, connections } of readings) {
      expect(seqs(events)).toEqual(log);
      expect(connections).toBeGreaterThan(1);
    }
  });
});
