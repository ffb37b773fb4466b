/** Series: sums hold whatever is added in whichever pieces, and there are never more of them than there may be. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { metricNamed } from "#telemetry/catalogue/catalogue.ts";
import { seriesOverflow } from "#telemetry/catalogue/platform-metrics.ts";
import { nodeDuration, nodesEnded, runsEnded, runsStarted } from "#telemetry/catalogue/run-metrics.ts";
import { httpRequests } from "#telemetry/catalogue/traffic-metrics.ts";
import { batchText, type MetricBatch, parseBatch } from "#telemetry/metrics/batch.ts";
import { LABEL_LENGTH_MAX } from "#telemetry/metrics/label-set.ts";
import { OTHER, SERIES_MAX, SeriesBook, WORKFLOWS_MAX } from "#telemetry/metrics/series-book.ts";
import { bucketOf, Tally } from "#telemetry/metrics/tally.ts";
import { holds } from "../support/property.ts";

const NOW = 1_790_000_000_000;

function bookOf(...batches: MetricBatch[]): SeriesBook {
  const book = new SeriesBook(metricNamed);
  for (const batch of batches) book.add(batch, NOW);
  return book;
}

function batchOf(fill: (tally: Tally) => void): MetricBatch {
  const tally = new Tally();
  fill(tally);
  return parseBatch(batchText(tally.take()));
}

const seriesOf = (book: SeriesBook, name: string) => [...(book.families().get(name)?.values() ?? [])];
const sumOf = (book: SeriesBook, name: string) => seriesOf(book, name).reduce((sum, { value }) => sum + value, 0);

/** Something that is counted, by one of few label sets. */
const counted = fc.record({
  workflow: fc.constantFrom("a", "b", "c"),
  trigger: fc.constantFrom("api", "agent", "nobody"),
  by: fc.integer({ min: 0, max: 1_000 }),
});

describe("a tally", () => {
  test("gives the same series whole or in pieces", () => {
    holds(
      fc.property(fc.array(counted, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (all, pieces) => {
        const fill = (some: typeof all) =>
          batchOf((tally) => {
            for (const { workflow, trigger, by } of some) tally.count(runsStarted, [workflow, trigger], by);
          });
        const parts = Array.from({ length: pieces }, (_, index) => fill(all.filter((_, at) => at % pieces === index)));
        const whole = bookOf(fill(all));
        const pieced = bookOf(...parts);
        const plain = (book: SeriesBook) =>
          seriesOf(book, runsStarted.name)
            .map(({ labels, value }) => `${labels} ${value}`)
            .sort();
        expect(plain(pieced)).toEqual(plain(whole));
        expect(sumOf(whole, runsStarted.name)).toBe(all.reduce((sum, { by }) => sum + by, 0));
      }),
      200,
    );
  });

  test("puts every observation into one bucket, the first whose bound is not below it", () => {
    holds(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 }), (values) => {
        const book = bookOf(
          batchOf((tally) => {
            for (const value of values) tally.observe(nodeDuration, ["http"], value);
          }),
        );
        const [series] = seriesOf(book, nodeDuration.name);
        expect(series?.counts?.reduce((sum, count) => sum + count, 0)).toBe(values.length);
        for (const [bucket, bound] of nodeDuration.buckets.entries()) {
          const below = values.filter((value) => value <= bound).length;
          expect(series?.counts?.slice(0, bucket + 1).reduce((sum, count) => sum + count, 0)).toBe(below);
        }
      }),
      200,
    );
    expect(bucketOf([1, 2], 1)).toBe(0);
    expect(bucketOf([1, 2], 1.1)).toBe(1);
    expect(bucketOf([1, 2], 3)).toBe(2);
  });

  test("an open label is cut and freed of control characters, a closed one holds what it may hold", () => {
    const batch = batchOf((tally) => {
      tally.count(httpRequests, ["BREW", `/a\nb\u0000${"x".repeat(200)}`, "2xx"]);
      tally.count(nodesEnded, ["teapot", "completed", "none"]);
    });
    const [[, [method, route] = []] = []] = batch.counters;
    expect(method).toBe("other");
    expect(route?.length).toBe(LABEL_LENGTH_MAX);
    expect(route?.startsWith("/a_b_x")).toBe(true);
    expect(batch.counters[1]?.[1]).toEqual(["other", "completed", "none"]);
  });

  test("what cannot be a figure is not counted", () => {
    const batch = batchOf((tally) => {
      tally.count(runsStarted, ["a", "api"], Number.NaN);
      tally.count(runsStarted, ["a", "api"], -1);
      tally.observe(nodeDuration, ["http"], Number.POSITIVE_INFINITY);
    });
    expect(batch).toEqual({ counters: [], histograms: [], gauges: [] });
  });
});

describe("a flood of label values", () => {
  const flood = (count: number) =>
    batchOf((tally) => {
      for (let n = 0; n < count; n++) tally.count(httpRequests, ["GET", `/route/${n}`, "2xx"]);
    });

  test("ends in __other__ with its closed labels, is counted, and loses nothing", () => {
    const book = bookOf(flood(3_000));
    const series = seriesOf(book, httpRequests.name);
    expect(series.length).toBeLessThanOrEqual(SERIES_MAX);
    expect(sumOf(book, httpRequests.name)).toBe(3_000);
    const other = series.find(({ labels }) => labels[1] === OTHER);
    expect(other?.labels).toEqual(["GET", OTHER, "2xx"]);
    const [overflow] = seriesOf(book, seriesOverflow.name);
    expect(overflow).toMatchObject({ labels: [httpRequests.name], value: other?.value });
  });

  test("a metric never has more series than there may be, whatever comes in which order", () => {
    const value = fc.integer({ min: 0, max: 2_000 });
    holds(
      fc.property(fc.array(fc.tuple(value, value, value), { maxLength: 60 }), (seeds) => {
        const book = bookOf(
          flood(SERIES_MAX - 50),
          batchOf((tally) => {
            for (const [route, method, code] of seeds) {
              const methods = httpRequests.labels[0].values ?? [];
              const codes = httpRequests.labels[2].values ?? [];
              const labels = [methods[method % methods.length], `/r/${route}`, codes[code % codes.length]] as const;
              tally.count(httpRequests, labels as [string, string, string]);
            }
          }),
        );
        expect(seriesOf(book, httpRequests.name).length).toBeLessThanOrEqual(SERIES_MAX);
        expect(sumOf(book, httpRequests.name)).toBe(SERIES_MAX - 50 + seeds.length);
      }),
      200,
    );
  });

  test("at most so many workflows have series of their own, over all metrics", () => {
    const book = bookOf(
      batchOf((tally) => {
        for (let n = 0; n < WORKFLOWS_MAX + 10; n++) tally.count(runsStarted, [`w${n}`, "api"]);
      }),
      batchOf((tally) => tally.count(runsEnded, [`w${WORKFLOWS_MAX + 1}`, "completed", "none"])),
      batchOf((tally) => tally.count(runsEnded, ["w0", "completed", "none"])),
    );
    const names = seriesOf(book, runsStarted.name).map(({ labels }) => labels[0]);
    expect(names).toHaveLength(WORKFLOWS_MAX + 1);
    expect(seriesOf(book, runsStarted.name).at(-1)).toMatchObject({ labels: [OTHER, "api"], value: 10 });
    expect(seriesOf(book, runsEnded.name).map(({ labels }) => labels[0])).toEqual([OTHER, "w0"]);
  });

  test("one more than fits is the first that does not", () => {
    const room = SERIES_MAX - 40;
    expect(seriesOf(bookOf(flood(room)), seriesOverflow.name)).toEqual([]);
    expect(sumOf(bookOf(flood(room + 1)), seriesOverflow.name)).toBe(1);
  });
});

describe("a book", () => {
  test("leaves out what its catalogue does not have", () => {
    const book = bookOf({ counters: [["weir_of_tomorrow_total", ["x"], 3]], histograms: [], gauges: [] });
    expect(book.size).toBe(0);
  });

  test("made again from its series it goes on as it was", () => {
    holds(
      fc.property(fc.array(counted, { maxLength: 30 }), fc.array(counted, { maxLength: 30 }), (first, then) => {
        const fill = (some: typeof first) =>
          batchOf((tally) => {
            for (const { workflow, trigger, by } of some) tally.count(runsStarted, [workflow, trigger], by);
          });
        const whole = bookOf(fill(first), fill(then));
        const restored = new SeriesBook(metricNamed);
        for (const [name, series] of bookOf(fill(first)).takeChanged()) restored.restore(name, structuredClone(series));
        restored.add(fill(then), NOW);
        expect(seriesOf(restored, runsStarted.name)).toEqual(seriesOf(whole, runsStarted.name));
      }),
      200,
    );
  });
});
