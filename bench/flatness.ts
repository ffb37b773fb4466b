/**
 * Whether a step costs the same however long the run's history is (invariant 15): one run that loops thousands of times
 * over an HTTP node, the gaps between its steps early and late, and how long its detail takes to read at the end.
 */
import { quantile } from "./statistics.ts";
import type { Target } from "./target.ts";

const ITERATIONS = 5_000;

/** Gaps on each side that a median is taken of. */
const WINDOW = 200;

/** Steps before the first window: compiling and first connections are not the history's doing. */
const SETTLED_AFTER = 10;

/** The goal of design and README: late over early. */
const RATIO_MAX = 1.2;
const DETAIL_MS_MAX = 1_000;

export async function measureFlatness(target: Target, server: string): Promise<string> {
  const definition = {
    nodes: [
      { id: "step", type: "http", config: { url: `http://${server}/step/\${$iteration}` } },
      { id: "again", type: "loop", config: { max_iterations: ITERATIONS, loop_back_to: "step" } },
    ],
    edges: [{ from: "step", to: "again" }],
  };
  const runId = await target.startAndFollow(definition);
  const ends = await target.timesOf(runId, "node.completed", "step");
  if (ends.length !== ITERATIONS) throw new Error(`the step ran ${ends.length} times, not ${ITERATIONS}`);
  const gaps = ends.slice(1).map((at, index) => at - (ends[index] ?? at));
  const early = meanOf(gaps.slice(SETTLED_AFTER, SETTLED_AFTER + WINDOW));
  const late = meanOf(gaps.slice(-WINDOW));
  const median = (part: readonly number[]) =>
    quantile(
      part.toSorted((left, right) => left - right),
      0.5,
    );
  const [earlyMedian, lateMedian] = [
    median(gaps.slice(SETTLED_AFTER, SETTLED_AFTER + WINDOW)),
    median(gaps.slice(-WINDOW)),
  ];
  const startedAt = performance.now();
  await target.detailsOf(runId);
  const detailMs = performance.now() - startedAt;
  const ratio = lateMedian / earlyMedian;
  return [
    `${ITERATIONS} iterations of one HTTP node, gaps between its ends (event times have whole milliseconds):`,
    `  steps ${SETTLED_AFTER}–${SETTLED_AFTER + WINDOW}: median ${earlyMedian} ms, mean ${early.toFixed(2)} ms`,
    `  last ${WINDOW}: median ${lateMedian} ms, mean ${late.toFixed(2)} ms`,
    `  late over early: ${ratio.toFixed(2)} by median, ${(late / early).toFixed(2)} by mean (goal ≤ ${RATIO_MAX})`,
    `  the run's detail afterwards: ${detailMs.toFixed(0)} ms (goal ≤ ${DETAIL_MS_MAX})`,
  ].join("\n");
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
