import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCsv, startDataServer } from "../../examples/data-server.mjs";
import { expectedOutputs } from "../../examples/flight-delays.expected.mjs";
import { expectedOutputs as secondSource } from "../../examples/second-source.expected.mjs";
import { expectedOutputs as threeSources } from "../../examples/three-sources.expected.mjs";

let server: Awaited<ReturnType<typeof startDataServer>>;
beforeAll(async () => {
  server = await startDataServer();
});
afterAll(() => server.close());

const read = async (name: string) => (await fetch(`${server.url}${name}`)).json();

describe("data server", () => {
  test("serves every dataset it lists", async () => {
    const unknown = await fetch(`${server.url}/nothing`);
    expect(unknown.status).toBe(404);
    const { available } = (await unknown.json()) as { available: string[] };
    expect(available).toEqual([
      "/flights.json",
      "/weather.json",
      "/airports.json",
      "/earthquakes.json",
      "/stocks.json",
    ]);
    for (const name of available) expect((await fetch(`${server.url}${name}`)).status).toBe(200);
  });

  test("a CSV becomes rows with numbers", async () => {
    const weather = (await read("/weather.json")) as unknown[];
    expect(weather).toHaveLength(1_461);
    expect(weather[1]).toEqual({
      date: "2012-01-02",
      precipitation: 10.9,
      temp_max: 10.6,
      temp_min: 2.8,
      wind: 4.5,
      weather: "rain",
    });
  });

  test("an unchanged dataset is not sent twice", async () => {
    const first = await fetch(`${server.url}/flights.json`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    await first.arrayBuffer();
    const again = await fetch(`${server.url}/flights.json`, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("HEAD has the headers and no body, other methods are refused", async () => {
    const head = await fetch(`${server.url}/flights.json`, { method: "HEAD" });
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100_000);
    expect(await head.text()).toBe("");
    expect((await fetch(`${server.url}/flights.json`, { method: "POST" })).status).toBe(405);
  });
});

test("quoted, empty and textual cells of a CSV", () => {
  expect(parseCsv('a,b,c\n,"x, ""y""",-1.5\r\n007x,,2\n')).toEqual([
    { a: "", b: 'x, "y"', c: -1.5 },
    { a: "007x", b: "", c: 2 },
  ]);
});

describe("flight-delays", () => {
  test("the expected figures are those of the datasets", async () => {
    const { report } = expectedOutputs(
      (await read("/flights.json")) as { delay: number }[],
      (await read("/weather.json")) as { precipitation: number }[],
    );
    // Counted once by hand with awk over the files of vega-datasets 3.2.1.
    expect(report.flights).toEqual({
      late: 229,
      average_delay_minutes: 15_825 / 229,
      longest_delay_minutes: 365,
    });
    expect(report.seattle.wet_days).toBe(623);
    expect(report.seattle.rainfall_mm).toBeCloseTo(4_426, 6);
    expect(report.judgement.verdict).toBe("severe");
  });

  test("its edges join nodes that exist", async () => {
    const { workflow } = JSON.parse(
      await readFile(new URL("../../examples/flight-delays.json", import.meta.url), "utf8"),
    );
    const ids = new Set(workflow.nodes.map((node: { id: string }) => node.id));
    expect(ids.size).toBe(workflow.nodes.length);
    for (const { from, to } of workflow.edges) expect([ids.has(from), ids.has(to)]).toEqual([true, true]);
  });
});

test("the figures of the other examples are those of the datasets", async () => {
  const { report } = threeSources(
    (await read("/airports.json")) as never,
    (await read("/earthquakes.json")) as never,
    (await read("/weather.json")) as never,
    "AK",
  );
  // Counted once by hand with Python over the files of vega-datasets 3.2.1.
  expect(report).toEqual({
    airports: { count: 263, northernmost: "Wiley Post Will Rogers Memorial" },
    earthquakes: { strong: 85, strongest: 6.4 },
    weather: { hottest: 35.6, days_of_snow: 26 },
  });
  expect(secondSource((await read("/flights.json")) as never).report).toMatchObject({
    far_and_late: 58,
    total_delay_minutes: 3840,
  });
});
