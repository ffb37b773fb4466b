/** The store of points on real workerd: each number once, segments, retention, tenants, lost objects, and production. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { PointStore, RETENTION_DAYS, SEGMENT_POINTS } from "#store/analytics/point-store.ts";
import type { AnalyticsRpc } from "#store/analytics/protocol.ts";
import { prepareQuery, resultOf } from "#telemetry/analytics/query.ts";
import { at } from "#telemetry/analytics/vector.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import type { NumberedPoint } from "#telemetry/point.ts";
import { type PointSlice, sliceOf } from "#telemetry/point-text.ts";
import { makePoint } from "#telemetry/points.ts";

const DAY_MS = 86_400_000;

type Stub = DurableObjectStub & AnalyticsRpc;

function store(name: string): Stub {
  return (env.ANALYTICS as unknown as DurableObjectNamespace).getByName(name) as Stub;
}

function numbered(seq: number, fields: object = {}, atMs = Date.now()): NumberedPoint {
  const all = { tenant: "acme", total_ms: seq, run_id: `run_${seq}`, ...fields };
  return { ...makePoint("weir_run", atMs, "acme|x", all), seq, part: 0 };
}

const many = (from: number, count: number, fields: object = {}) =>
  Array.from({ length: count }, (_, index) => numbered(from + index, fields));

/** Writes points as their sources do. */
function write(stub: Stub, source: string, points: readonly NumberedPoint[]): Promise<number> {
  return stub.write(source, sliceOf(points) as PointSlice);
}

async function ask(stub: Stub, sql: string, tenant: string | null = null): Promise<Record<string, unknown>[]> {
  const reply = await stub.query(tenant, sql);
  if (!reply.ok) throw new Error(reply.problem.message);
  return JSON.parse(reply.text).data;
}

const total = "SELECT count() AS n, sum(total_ms) AS ms, count(DISTINCT run_id) AS runs FROM weir_run";

describe("points are taken once", () => {
  test("a repeated, an overlapping and an older write change nothing", async () => {
    const stub = store("once");
    expect(await write(stub, "shard", many(1, 10))).toBe(10);
    expect(await write(stub, "shard", many(1, 10))).toBe(0);
    expect(await write(stub, "shard", many(6, 10))).toBe(5);
    expect(await write(stub, "shard", many(1, 3))).toBe(0);
    expect(await ask(stub, total)).toEqual([{ n: "15", ms: 120, runs: "15" }]);
  });

  test("points of one number are told apart by their part, and sources by their name", async () => {
    const stub = store("parts");
    const parts = [0, 1, 2].map((part) => ({ ...numbered(1), part }));
    expect(await write(stub, "one", parts.slice(0, 2))).toBe(2);
    expect(await write(stub, "one", parts)).toBe(1);
    expect(await write(stub, "two", parts)).toBe(3);
    expect((await stub.stats()).points).toBe(6);
  });

  test("what was taken survives the loss of the object, packed or not", async () => {
    const stub = store("lost");
    await write(stub, "shard", many(1, SEGMENT_POINTS + 5));
    await write(stub, "shard", many(SEGMENT_POINTS + 6, 7));
    const before = await ask(stub, total);
    expect(before).toMatchObject([{ n: String(SEGMENT_POINTS + 12), runs: String(SEGMENT_POINTS + 12) }]);
    await evictDurableObject(stub);
    expect(await ask(stub, total)).toEqual(before);
    expect(await write(stub, "shard", many(1, SEGMENT_POINTS))).toBe(0);
  });
});

describe("segments", () => {
  test("every column comes back as it was written, whichever way it was packed", async () => {
    const stub = store("packed");
    const points = Array.from({ length: SEGMENT_POINTS }, (_, index) =>
      numbered(index + 1, {
        tenant: index % 300 === 0 ? "globex" : "acme",
        error_type: ["", "ünïcode 🌊", "a\nb\t\"'\\", "\0"][index % 4] ?? "",
        cost_usd: index / 7,
        attempt: index % 3,
        stored_bytes: 5,
      }),
    );
    const asked =
      "SELECT run_id, tenant, error_type, cost_usd, attempt, stored_bytes, retries, trigger, index1, dataset, timestamp, _sample_interval FROM weir_run ORDER BY total_ms LIMIT 9000";
    await write(stub, "shard", points.slice(0, -1));
    const loose = await ask(stub, asked);
    await write(stub, "shard", points.slice(-1));
    const packed = await ask(stub, asked);
    expect(packed.slice(0, -1)).toEqual(loose);
    const rows = await runInDurableObject(stub, (_, state) =>
      state.storage.sql
        .exec("SELECT (SELECT count(*) FROM segment) AS s, (SELECT count(*) FROM arrival) AS a")
        .toArray(),
    );
    expect(rows).toEqual([{ s: 1, a: 0 }]);
  });

  test("values too long for one row make more segments, and a lone point always fits", async () => {
    const stub = store("wide");
    const wide = Array.from({ length: 60 }, (_, index) =>
      numbered(index + 1, { workflow: `${index} ${"\0".repeat(15_000)}` }),
    );
    await write(stub, "shard", wide);
    const asked = "SELECT count(DISTINCT workflow) AS n, min(length(workflow)) > 15000 AS whole FROM weir_run";
    expect(await ask(stub, asked)).toEqual([{ n: "60", whole: 1 }]);
    const [{ n } = { n: 0 }] = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM segment").toArray(),
    );
    expect(n).toBeGreaterThan(1);
  });

  test("a window of time reads only the segments that it touches", async () => {
    const stub = store("window");
    const now = Date.now();
    for (const [day, from] of [
      [5, 1],
      [3, 20_001],
      [1, 40_001],
    ] as const) {
      const points = Array.from({ length: SEGMENT_POINTS }, (_, index) =>
        numbered(from + index, {}, now - day * DAY_MS),
      );
      await write(stub, "shard", points);
    }
    await runInDurableObject(stub, (_, state) => {
      // A segment that must not be read cannot be.
      state.storage.sql.exec("UPDATE segment_column SET entries = 'rubbish' WHERE segment IN (1, 3)");
    });
    const inner = "timestamp > NOW() - INTERVAL '4' DAY AND timestamp < NOW() - INTERVAL '2' DAY";
    expect(await ask(stub, `SELECT count(DISTINCT run_id) AS n FROM weir_run WHERE ${inner}`)).toEqual([
      { n: String(SEGMENT_POINTS) },
    ]);
    expect(await ask(stub, `SELECT count(DISTINCT run_id) AS n FROM (SELECT * FROM weir_run) WHERE ${inner}`)).toEqual([
      { n: String(SEGMENT_POINTS) },
    ]);
  });
});

describe("retention", () => {
  test("points older than ninety days are not answered, and go with the next segment", async () => {
    const stub = store("old");
    const old = Date.now() - RETENTION_DAYS * DAY_MS - 5_000;
    const young = old + 10_000;
    await write(stub, "shard", [numbered(1, {}, old), numbered(2, {}, young)]);
    expect(await ask(stub, "SELECT run_id FROM weir_run")).toEqual([{ run_id: "run_2" }]);
    const before = Array.from({ length: SEGMENT_POINTS }, (_, index) => numbered(10 + index, {}, old));
    await write(stub, "shard", before);
    await write(stub, "shard", many(20_000, SEGMENT_POINTS));
    expect((await stub.stats()).points).toBeLessThanOrEqual(2 * SEGMENT_POINTS + 2);
    expect(await ask(stub, "SELECT count() AS n FROM weir_run WHERE run_id != 'run_2'")).toEqual([
      { n: String(SEGMENT_POINTS) },
    ]);
  });

  test("beyond the bound of bytes the oldest segments go", async () => {
    await runInDurableObject(store("full"), (_, state) => {
      const small = new PointStore(state.storage.sql, 700_000);
      const now = Date.now();
      for (let segment = 0; segment < 4; segment++) {
        const points = many(1 + segment * SEGMENT_POINTS, SEGMENT_POINTS).map((point) => ({
          ...point,
          at: now - (10 - segment) * 60_000,
        }));
        small.insert(sliceOf(points) as PointSlice, now);
      }
      expect(small.stats().bytes).toBeLessThanOrEqual(700_000);
      const { plan } = prepareQuery(
        "SELECT min(total_ms) AS least, max(total_ms) AS most FROM weir_run",
        null,
        now / 1_000,
      );
      const { values } = resultOf(plan, small.source(null, now), new WorkBudget(() => 0));
      expect(at(values[1] as never, 0)).toBe(4 * SEGMENT_POINTS);
      expect(Number(at(values[0] as never, 0))).toBeGreaterThan(SEGMENT_POINTS);
    });
  });
});

describe("tenants", () => {
  test("the object itself fences, whatever text it is handed", async () => {
    const stub = store("tenants");
    await write(stub, "a", many(1, 5, { tenant: "acme" }));
    await write(stub, "b", many(1, 7, { tenant: "globex" }));
    await write(stub, "c", many(1, SEGMENT_POINTS, { tenant: "initech" }));
    expect(await ask(stub, "SELECT tenant, count() AS n FROM weir_run GROUP BY tenant", "acme")).toEqual([
      { tenant: "acme", n: "5" },
    ]);
    expect(await ask(stub, "SELECT count() AS n FROM weir_run WHERE blob1 = 'globex'", "acme")).toEqual([{ n: "0" }]);
    expect(await ask(stub, "SELECT count() AS n FROM weir_run", "nobody")).toEqual([{ n: "0" }]);
    expect(await ask(stub, "SELECT count() AS n FROM weir_run")).toEqual([{ n: String(SEGMENT_POINTS + 12) }]);
  });

  test("a query that is wrong is an answer with its place", async () => {
    expect(await store("tenants").query("acme", "SELECT 1,\n nope FROM weir_run")).toEqual({
      ok: false,
      problem: { line: 2, column: 2, message: expect.stringContaining('no column "nope"') },
    });
  });
});

describe("in production", () => {
  test("points go to the dataset that they are of, each number once, and none is kept", async () => {
    const stub = store("points-production");
    const written: unknown[] = [];
    await runInDurableObject(stub, (instance) => {
      const own = instance as unknown as { env: Record<string, unknown> };
      const binding = (name: string) => ({ writeDataPoint: (point: unknown) => written.push([name, point]) });
      own.env = { ...own.env, WEIR_ANALYTICS: "", AE_RUN: binding("run"), AE_NODE: binding("node") };
    });
    const node = { ...makePoint("weir_node", 1, "acme|x", { tenant: "acme", node_type: "http" }), seq: 2, part: 0 };
    expect(await write(stub, "shard", [numbered(1), node])).toBe(2);
    expect(await write(stub, "shard", [numbered(1), node])).toBe(0);
    expect(written).toEqual([
      ["run", { indexes: ["acme|x"], blobs: expect.arrayContaining(["acme", "run_1"]), doubles: [1] }],
      ["node", { indexes: ["acme|x"], blobs: [...["acme", ...Array(9).fill("")], "http"], doubles: [] }],
    ]);
    expect((await stub.stats()).points).toBe(0);
  });
});
