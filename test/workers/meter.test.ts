/** A Meter: what a source tells is taken once, whatever is lost on the way, and nothing that was taken is lost. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ARRIVALS_MAX } from "#store/meter/meter-store.ts";
import type { MeterView } from "#store/meter/protocol.ts";
import { objectStorage, tasksInFlight } from "#telemetry/catalogue/platform-metrics.ts";
import { nodeDuration, runsActive, runsStarted } from "#telemetry/catalogue/run-metrics.ts";
import { batchText } from "#telemetry/metrics/batch.ts";
import { Tally } from "#telemetry/metrics/tally.ts";
import { KEY } from "./support.ts";

const meter = (name: string) => env.METER.getByName(name);

const batch = (fill: (tally: Tally) => void) => {
  const tally = new Tally();
  fill(tally);
  return batchText(tally.take());
};
const started = (by: number) => batch((tally) => tally.count(runsStarted, ["flow", "api"], by));

async function viewOf(name: string): Promise<MeterView> {
  return JSON.parse(await meter(name).view()) as MeterView;
}

async function counted(name: string, metric = runsStarted.name): Promise<number> {
  const { series } = await viewOf(name);
  const family = series.find(([found]) => found === metric)?.[1] ?? [];
  return family.reduce((sum, [, , value]) => sum + value, 0);
}

describe("what a source tells", () => {
  test("is taken once: a repeated call, and one that begins elsewhere, change nothing", async () => {
    const one = meter("once");
    expect(await one.take("shard", 0, 5, started(5))).toBe(5);
    expect(await one.take("shard", 0, 5, started(5))).toBe(5);
    expect(await one.take("shard", 3, 8, started(5))).toBe(5);
    expect(await one.take("shard", 7, 9, started(2))).toBe(5);
    expect(await counted("once")).toBe(5);
    expect(await one.take("shard", 5, 9, started(4))).toBe(9);
    expect(await one.take("other", 0, 1, started(1))).toBe(1);
    expect(await counted("once")).toBe(10);
  });

  test("outlives the object, folded or not", async () => {
    for (let n = 0; n < ARRIVALS_MAX + 20; n++) {
      await meter("kept").take(
        "shard",
        n,
        n + 1,
        batch((tally) => {
          tally.count(runsStarted, ["flow", "api"]);
          tally.observe(nodeDuration, ["http"], n % 2);
        }),
      );
      if (n === 10 || n === ARRIVALS_MAX + 5) await evictDurableObject(meter("kept"));
    }
    const before = await viewOf("kept");
    await evictDurableObject(meter("kept"));
    expect(await viewOf("kept")).toEqual(before);
    expect(await counted("kept")).toBe(ARRIVALS_MAX + 20);
    const [, , sum, counts] = before.series.find(([name]) => name === nodeDuration.name)?.[1][0] ?? [];
    expect([sum, counts?.reduce((all, count) => all + count, 0)]).toEqual([(ARRIVALS_MAX + 20) / 2, ARRIVALS_MAX + 20]);
    const rows = await runInDurableObject(meter("kept"), (_, state) =>
      state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM arrival").one(),
    );
    expect(rows.n).toBe(20);
  });

  test("that could not be written is not there, in memory either", async () => {
    const one = meter("refusing");
    await one.take("shard", 0, 1, started(1));
    const rename = (from: string, to: string) =>
      runInDurableObject(one, (_, state) => void state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`));
    await rename("source", "source_away");
    const refused = await one.take("shard", 1, 2, started(1)).then(
      () => null,
      (error: Error) => error.message,
    );
    expect(refused).toMatch(/no such table/);
    await rename("source_away", "source");
    expect(await counted("refusing")).toBe(1);
    expect(await one.take("shard", 1, 2, started(1))).toBe(2);
    expect(await counted("refusing")).toBe(2);
  });
});

describe("gauges", () => {
  const set = (fill: (tally: Tally) => void) => batch(fill);
  const gaugesOf = async (name: string) =>
    Object.fromEntries((await viewOf(name)).gauges.map(([metric, labels, value]) => [`${metric} ${labels}`, value]));

  test("of several sources become one: a sum, or the largest; each source replaces its own", async () => {
    const one = meter("gauges");
    await one.add(
      "a",
      set((tally) => tally.set(runsActive, ["running"], 3)),
    );
    await one.add(
      "b",
      set((tally) => tally.set(runsActive, ["running"], 4)),
    );
    await one.add(
      "a",
      set((tally) => tally.set(runsActive, ["running"], 1)),
    );
    await one.add(
      "a",
      set((tally) => tally.set(objectStorage, ["coordinator"], 10)),
    );
    await one.add(
      "b",
      set((tally) => tally.set(objectStorage, ["coordinator"], 7)),
    );
    const expected = { [`${runsActive.name} running`]: 5, [`${objectStorage.name} coordinator`]: 10 };
    expect(await gaugesOf("gauges")).toEqual(expected);
    await evictDurableObject(one);
    expect(await gaugesOf("gauges")).toEqual(expected);
  });

  test("that their source has not repeated in time are gone, those that hold are not", async () => {
    const one = meter("expiring");
    await one.add(
      "isolate",
      set((tally) => tally.set(tasksInFlight, ["http-worker"], 9)),
    );
    await one.add(
      "shard",
      set((tally) => tally.set(runsActive, ["paused"], 2)),
    );
    await runInDurableObject(one, (_, state) => void state.storage.sql.exec("UPDATE gauge SET at = at - 86400000"));
    await evictDurableObject(one);
    expect(await gaugesOf("expiring")).toEqual({ [`${runsActive.name} paused`]: 2 });
  });
});

describe("/metrics", () => {
  const scrape = () =>
    exports.default.fetch(new Request("http://weir/metrics", { headers: { Authorization: `Bearer ${KEY}` } }));

  test("is the sum of all Meters, and 503 when one does not answer", async () => {
    for (const [n, name] of ["meter-0", "meter-1", "meter-2", "meter-3"].entries()) {
      await meter(name).take(
        "test",
        0,
        1,
        batch((tally) => tally.count(runsStarted, ["summed", "api"], n + 1)),
      );
    }
    const whole = await scrape();
    expect(whole.status).toBe(200);
    expect(await whole.text()).toContain('weir_runs_started_total{workflow="summed",trigger="api"} 10\n');
    await scheduler.wait(1_100);
    // What can be called of an object stands in its class.
    const view = await runInDurableObject(meter("meter-2"), (instance) => {
      const methods = Object.getPrototypeOf(instance);
      const own: typeof methods.view = methods.view;
      methods.view = function (this: typeof instance) {
        return Object.is(this, instance) ? Promise.reject(new Error("gone")) : own.call(this);
      };
      return { methods, own };
    });
    const partial = await scrape();
    expect(partial.status).toBe(503);
    expect(await partial.json()).toMatchObject({
      error: { code: "unavailable", message: expect.stringContaining("meter-2") },
    });
    view.methods.view = view.own;
    expect((await scrape()).status).toBe(200);
  });
});
