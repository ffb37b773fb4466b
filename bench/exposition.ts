/**
 * How long `/metrics` takes to make with many series, once the Meters have answered: `node bench/exposition.ts [series]
 * [meters]`. Reading the Meters' answers, putting them together and writing the text are all in it.
 */
import { familiesOf } from "../src/store/meter/merge.ts";
import type { MeterView } from "../src/store/meter/protocol.ts";
import { METRICS } from "../src/telemetry/catalogue/catalogue.ts";
import { render } from "../src/telemetry/exposition/render.ts";
import { quantile } from "./statistics.ts";

const SERIES = Number(process.argv[2] ?? 5_000);
const METERS = Number(process.argv[3] ?? 1);
const REPETITIONS = 50;

/** Lines of the text are counted as series, as Prometheus does: a histogram has one for each of its buckets. */
function viewOf(series: number): string {
  const view: MeterView = { series: [], gauges: [], flushed_at: Date.now() };
  const counted = METRICS.filter(({ type, feed }) => type !== "gauge" && feed !== "scrape");
  let left = series;
  for (let round = 0; left > 0; round++) {
    for (const { name, type, labels, buckets } of counted) {
      const values = labels.map((label) => label.values?.[round % label.values.length] ?? `${label.name}-${round}`);
      if (round > 0 && labels.every((label) => label.values !== null)) continue;
      const counts = type === "histogram" ? Array.from({ length: buckets.length + 1 }, (_, at) => at) : null;
      const exemplars = counts === null ? [] : [{ bucket: 0, value: 0.001, run_id: `run_${round}`, at: Date.now() }];
      const family = view.series.find(([found]) => found === name)?.[1];
      const one: MeterView["series"][number][1][number] = [values, round, round * 7 + 0.5, counts, exemplars];
      if (family === undefined) view.series.push([name, [one]]);
      else family.push(one);
      left -= counts === null ? 1 : counts.length + 2;
    }
  }
  return JSON.stringify(view);
}

const texts = Array.from({ length: METERS }, () => viewOf(SERIES));
for (const format of ["text", "openMetrics"] as const) {
  const times: number[] = [];
  let lines = 0;
  for (let i = 0; i < REPETITIONS + 10; i++) {
    const begun = performance.now();
    const views = texts.map((text, n): [string, MeterView] => [`meter-${n}`, JSON.parse(text)]);
    const text = render(familiesOf(views, []), format, (runId) => runId);
    if (i >= 10) times.push(performance.now() - begun);
    lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  }
  times.sort((left, right) => left - right);
  process.stdout.write(
    `${format}: ${lines} series from ${METERS} Meters, p50 ${quantile(times, 0.5).toFixed(1)} ms, ` +
      `p95 ${quantile(times, 0.95).toFixed(1)} ms (goal ≤ 20 ms for 5,000)\n`,
  );
}
