/** The two text formats, as their pages define them, and which of them is answered. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closed, counter, gauge, histogram, type Metric, open } from "#telemetry/catalogue/metric.ts";
import { type Format, formatFor } from "#telemetry/exposition/format.ts";
import { render } from "#telemetry/exposition/render.ts";
import { type Family, knownValues, type Sample, withZeros } from "#telemetry/exposition/samples.ts";
import { parseExposition } from "../support/exposition-text.ts";
import { checkMetrics, hasPrometheus } from "../support/prometheus.ts";
import { holds } from "../support/property.ts";

const owner = "a test";
const requests = counter<["route"]>("weir_requests_total", { help: "Requests.", labels: [open("route")], owner });
const temperature = gauge("weir_temperature", { help: 'Of "it",\nin \\ degrees.', owner });
const took = histogram<["kind"]>("weir_took_seconds", {
  help: "How long.",
  labels: [closed("kind", ["a", "b"])],
  buckets: [0.5, 1],
  owner,
});

const plain = (labels: string[], value: number): Sample => ({ labels, value, counts: null, exemplars: [] });
const family = (metric: unknown, ...samples: Sample[]): Family => ({ metric: metric as Metric, samples });
const shown = (families: Family[], format: Format) => render(families, format, (run) => `trace-of-${run}`);

const all = [
  family(requests, plain(['/"a"\\b\nc'], 3)),
  family(temperature, plain([], -1.5)),
  family(took, {
    labels: ["a"],
    value: 3.25,
    counts: [1, 0, 2],
    exemplars: [{ bucket: 2, value: 2.5, run_id: "run_1", at: 1_790_000_000_123 }],
  }),
];

describe("text 0.0.4", () => {
  test("is written as its page says", () => {
    expect(shown(all, "text").split("\n")).toEqual([
      "# HELP weir_requests_total Requests.",
      "# TYPE weir_requests_total counter",
      'weir_requests_total{route="/\\"a\\"\\\\b\\nc"} 3',
      '# HELP weir_temperature Of "it",\\nin \\\\ degrees.',
      "# TYPE weir_temperature gauge",
      "weir_temperature -1.5",
      "# HELP weir_took_seconds How long.",
      "# TYPE weir_took_seconds histogram",
      'weir_took_seconds_bucket{kind="a",le="0.5"} 1',
      'weir_took_seconds_bucket{kind="a",le="1"} 1',
      'weir_took_seconds_bucket{kind="a",le="+Inf"} 3',
      'weir_took_seconds_sum{kind="a"} 3.25',
      'weir_took_seconds_count{kind="a"} 3',
      "",
    ]);
  });
});

describe("OpenMetrics 1.0", () => {
  test("is written as its page says: families without _total, units, exemplars, an end", () => {
    expect(shown(all, "openMetrics").split("\n")).toEqual([
      "# HELP weir_requests Requests.",
      "# TYPE weir_requests counter",
      'weir_requests_total{route="/\\"a\\"\\\\b\\nc"} 3',
      '# HELP weir_temperature Of \\"it\\",\\nin \\\\ degrees.',
      "# TYPE weir_temperature gauge",
      "weir_temperature -1.5",
      "# HELP weir_took_seconds How long.",
      "# TYPE weir_took_seconds histogram",
      "# UNIT weir_took_seconds seconds",
      'weir_took_seconds_bucket{kind="a",le="0.5"} 1',
      'weir_took_seconds_bucket{kind="a",le="1.0"} 1',
      'weir_took_seconds_bucket{kind="a",le="+Inf"} 3 # {trace_id="trace-of-run_1"} 2.5 1790000000.123',
      'weir_took_seconds_sum{kind="a"} 3.25',
      'weir_took_seconds_count{kind="a"} 3',
      "# EOF",
      "",
    ]);
  });
});

describe("what is written", () => {
  test("is read back as it was, whatever a label holds", () => {
    holds(
      fc.property(
        fc.array(fc.string({ unit: "binary" }), { maxLength: 10 }),
        fc.double({ noNaN: true }),
        (routes, value) => {
          const written = shown([family(requests, ...routes.map((route) => plain([route], value)))], "text");
          // Carriage returns and the like are characters as others are: only line feeds end a line.
          const read = parseExposition(written);
          expect(read.map(({ labels }) => labels.route)).toEqual(routes);
          for (const sample of read) expect(sample.value).toBe(value === 0 ? 0 : value);
        },
      ),
      200,
    );
  });

  test("promtool has nothing against it", ({ skip }) => {
    if (!hasPrometheus()) skip();
    expect(checkMetrics(shown([family(requests, plain(["/a"], 3)), all[2] as Family], "text"))).toBe("");
  });
});

describe("zeros", () => {
  test("stand for closed label sets that nothing has happened to, and only for those", () => {
    const one = family(took, { labels: ["a"], value: 1, counts: [1, 0, 0], exemplars: [] });
    const { samples } = withZeros(one, new Map());
    expect(samples.map(({ labels, counts }) => [labels, counts])).toEqual([
      [["a"], [1, 0, 0]],
      [["b"], [0, 0, 0]],
    ]);
  });

  test("are there for each workflow that any metric knows", () => {
    const started = counter<["workflow"]>("weir_started_total", { help: "x", labels: [open("workflow")], owner });
    const ended = counter<["workflow", "how"]>("weir_ended_total", {
      help: "x",
      labels: [open("workflow"), closed("how", ["well", "badly"])],
      owner,
    });
    const known = knownValues([family(started, plain(["a"], 1)), family(ended)]);
    const { samples } = withZeros(family(ended), known);
    expect(samples.map(({ labels }) => labels)).toEqual([
      ["a", "well"],
      ["a", "badly"],
    ]);
  });
});

describe("Accept", () => {
  test.each<[string, Format]>([
    ["", "text"],
    ["*/*", "text"],
    ["text/plain", "text"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "text"],
    ["application/json", "text"],
    ["application/openmetrics-text", "openMetrics"],
    ["application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "openMetrics"],
    ['application/openmetrics-text; version="1.0.0"; charset=utf-8', "openMetrics"],
    ["application/openmetrics-text;version=2.0.0,text/plain;q=0.5", "text"],
    ["application/openmetrics-text;q=0.3,text/plain;q=0.9", "text"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;q=nonsense", "text"],
    // Prometheus 2.42 with native histograms asks for protobuf first.
    [
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited," +
        "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "openMetrics",
    ],
  ])("%s → %s", (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
