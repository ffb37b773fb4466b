/** What several Meters hold, as one: sums that only grow, and never more series than there may be. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { familiesOf } from "#store/meter/merge.ts";
import type { MeterView } from "#store/meter/protocol.ts";
import { metricNamed } from "#telemetry/catalogue/catalogue.ts";
import { objectStorage } from "#telemetry/catalogue/platform-metrics.ts";
import { nodeDuration, runsActive, runsStarted } from "#telemetry/catalogue/run-metrics.ts";
import { httpRequests } from "#telemetry/catalogue/traffic-metrics.ts";
import { batchText, parseBatch } from "#telemetry/metrics/batch.ts";
import { keyOf } from "#telemetry/metrics/label-set.ts";
import { OTHER, SERIES_MAX, SeriesBook } from "#telemetry/metrics/series-book.ts";
import { Tally } from "#telemetry/metrics/tally.ts";
import { holds } from "../support/property.ts";

type Views = [string, MeterView][];

/** A Meter without its object. */
class Meter {
  readonly #book = new SeriesBook(metricNamed);

  add(nowMs: number, fill: (tally: Tally) => void): void {
    const tally = new Tally();
    fill(tally);
    this.#book.add(parseBatch(batchText(tally.take())), nowMs);
  }

  view(gauges: MeterView["gauges"] = []): MeterView {
    const series = [...this.#book.families()].map(([name, family]): MeterView["series"][number] => [
      name,
      [...family.values()].map(({ labels, since, value, counts, exemplars }) => [
        labels,
        since,
        value,
        counts,
        exemplars,
      ]),
    ]);
    return { series, gauges, flushed_at: 1_000 };
  }
}

const samplesOf = (views: Views, name: string) =>
  familiesOf(views, []).find(({ metric }) => metric.name === name)?.samples ?? [];
const total = (views: Views, name: string) => samplesOf(views, name).reduce((sum, { value }) => sum + value, 0);

describe("several Meters", () => {
  test("are summed by label set, histograms by bucket", () => {
    const [one, other] = [new Meter(), new Meter()];
    one.add(1, (tally) => tally.count(runsStarted, ["a", "api"], 2));
    one.add(1, (tally) => tally.observe(nodeDuration, ["http"], 0.05));
    other.add(2, (tally) => tally.count(runsStarted, ["a", "api"], 3));
    other.add(2, (tally) => tally.count(runsStarted, ["b", "agent"]));
    other.add(2, (tally) => tally.observe(nodeDuration, ["http"], 0.3));
    const views: Views = [
      ["meter-0", one.view()],
      ["meter-1", other.view()],
    ];
    const started = samplesOf(views, runsStarted.name).filter(({ value }) => value > 0);
    expect(started.map(({ labels, value }) => [labels, value])).toEqual([
      [["a", "api"], 5],
      [["b", "agent"], 1],
    ]);
    const [took] = samplesOf(views, nodeDuration.name);
    expect(took?.counts?.slice(0, 3)).toEqual([1, 1, 0]);
    expect(took?.value).toBeCloseTo(0.35, 9);
  });

  test("have gauges as their metric puts them together", () => {
    const gauges = (running: number, bytes: number, at: number): MeterView["gauges"] => [
      [runsActive.name, ["running"], running, at],
      [objectStorage.name, ["coordinator"], bytes, at],
    ];
    const views: Views = [
      ["meter-0", new Meter().view(gauges(2, 10, 1))],
      ["meter-1", new Meter().view(gauges(3, 7, 2))],
    ];
    expect(samplesOf(views, runsActive.name).find(({ labels }) => labels[0] === "running")?.value).toBe(5);
    expect(samplesOf(views, objectStorage.name).find(({ labels }) => labels[0] === "coordinator")?.value).toBe(10);
  });

  test("show every metric of the catalogue, with zeros where nothing has happened", () => {
    const families = familiesOf([["meter-0", new Meter().view()]], []);
    const started = families.find(({ metric }) => metric.name === runsActive.name);
    expect(started?.samples.map(({ labels, value }) => [labels[0], value])).toEqual([
      ["queued", 0],
      ["running", 0],
      ["waiting", 0],
      ["paused", 0],
    ]);
  });

  test("lose nothing, only grow, and keep what was shown, whatever comes to which of them", () => {
    const route = fc.integer({ min: 0, max: 3_000 });
    const step = fc.record({ meter: fc.integer({ min: 0, max: 3 }), routes: fc.array(route, { maxLength: 400 }) });
    holds(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const meters = [new Meter(), new Meter(), new Meter(), new Meter()];
        const views = (): Views => meters.map((meter, n) => [`meter-${n}`, meter.view()]);
        let before = new Map<string, number>();
        let counted = 0;
        for (const [at, { meter, routes }] of steps.entries()) {
          meters[meter]?.add(at, (tally) => {
            for (const each of routes) tally.count(httpRequests, ["GET", `/r/${each}`, "2xx"]);
          });
          counted += routes.length;
          expect(total(views(), httpRequests.name)).toBe(counted);
          const samples = samplesOf(views(), httpRequests.name);
          expect(samples.filter(({ value }) => value > 0).length).toBeLessThanOrEqual(SERIES_MAX);
          const now = new Map(samples.map(({ labels, value }) => [keyOf(labels), value]));
          for (const [key, value] of before) expect(now.get(key) ?? -1).toBeGreaterThanOrEqual(value);
          before = now;
        }
      }),
      20,
    );
  });

  test("that are flooded from all sides end in __other__ together", () => {
    const meters = [new Meter(), new Meter()];
    for (const [at, meter] of meters.entries()) {
      meter.add(at, (tally) => {
        for (let n = 0; n < 900; n++) tally.count(httpRequests, ["GET", `/${at}/${n}`, "2xx"]);
      });
    }
    const views: Views = meters.map((meter, n) => [`meter-${n}`, meter.view()]);
    const samples = samplesOf(views, httpRequests.name);
    expect(samples.length).toBeLessThanOrEqual(SERIES_MAX + 1);
    expect(samples.find(({ labels }) => labels[1] === OTHER)?.value).toBeGreaterThan(800);
    expect(total(views, "weir_metrics_series_overflow_total")).toBe(
      samples.find(({ labels }) => labels[1] === OTHER)?.value,
    );
  });
});
