/**
 * Series in memory, and how batches add to them. Decides which label sets get a series of their own: a metric has at
 * most so many, then what would be one more is counted under `__other__`. The same batches always give the same series.
 */
import { closedCombinations, hasOpenLabel, type Metric } from "#telemetry/catalogue/metric.ts";
import { seriesOverflow } from "#telemetry/catalogue/platform-metrics.ts";
import type { Exemplar, MetricBatch } from "./batch.ts";
import { keyOf } from "./label-set.ts";
import { keep } from "./tally.ts";

/** Series of a metric. */
export const SERIES_MAX = 1_000;

/** Different values of the label `workflow`, over all metrics. */
export const WORKFLOWS_MAX = 200;

/** What all that has no series of its own is counted under. */
export const OTHER = "__other__";

/** A counter, or a histogram when it has counts. */
export interface Series {
  labels: string[];
  /** When it was first added to, in milliseconds since the epoch. */
  since: number;
  /** Of a counter; of a histogram its sum. */
  value: number;
  counts: number[] | null;
  exemplars: Exemplar[];
}

export type Find = (name: string) => Metric | null;

export class SeriesBook {
  readonly #find: Find;
  readonly #families = new Map<string, Map<string, Series>>();
  readonly #workflows = new Set<string>();
  readonly #changed = new Map<Series, string>();

  /** `find`: the catalogue; figures of metrics that it does not hold are left out. */
  constructor(find: Find) {
    this.#find = find;
  }

  get size(): number {
    let size = 0;
    for (const family of this.#families.values()) size += family.size;
    return size;
  }

  families(): ReadonlyMap<string, ReadonlyMap<string, Series>> {
    return this.#families;
  }

  /** A series as it was kept. */
  restore(name: string, series: Series): void {
    const metric = this.#find(name);
    if (metric !== null) this.#keep(metric, this.#family(name), series);
  }

  /** Adds a batch's counters and histograms. */
  add({ counters, histograms }: MetricBatch, nowMs: number): void {
    for (const [name, labels, by] of counters) {
      const series = this.#seriesFor(name, labels, nowMs, by);
      if (series !== null) series.value += by;
    }
    for (const [name, labels, { sum, counts, exemplars }] of histograms) {
      const observations = counts.reduce((total, count) => total + count, 0);
      const series = this.#seriesFor(name, labels, nowMs, observations);
      if (series === null) continue;
      series.value += sum;
      series.counts ??= new Array(counts.length).fill(0);
      for (const [bucket, count] of counts.entries()) series.counts[bucket] = (series.counts[bucket] ?? 0) + count;
      for (const exemplar of exemplars) keep(series.exemplars, exemplar);
    }
  }

  /** Series that were added to since they were last asked for, with the names of their metrics. */
  takeChanged(): [name: string, series: Series][] {
    const changed = [...this.#changed].map(([series, name]): [string, Series] => [name, series]);
    this.#changed.clear();
    return changed;
  }

  #family(name: string): Map<string, Series> {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = new Map();
      this.#families.set(name, family);
    }
    return family;
  }

  #seriesFor(name: string, labels: string[], nowMs: number, by: number): Series | null {
    const metric = this.#find(name);
    if (metric === null || metric.labels.length !== labels.length) return null;
    const family = this.#family(name);
    const known = family.get(keyOf(labels));
    if (known !== undefined) {
      this.#changed.set(known, name);
      return known;
    }
    const admitted = this.#admit(metric, family, labels);
    if (admitted !== labels) {
      const overflow = this.#seriesFor(seriesOverflow.name, [name], nowMs, by);
      if (overflow !== null) overflow.value += by;
    }
    const key = keyOf(admitted);
    let series = family.get(key);
    if (series === undefined) {
      series = { labels: admitted, since: nowMs, value: 0, counts: null, exemplars: [] };
      this.#keep(metric, family, series);
    }
    this.#changed.set(series, name);
    return series;
  }

  #keep(metric: Metric, family: Map<string, Series>, series: Series): void {
    family.set(keyOf(series.labels), series);
    const workflow = series.labels[workflowLabel(metric)];
    if (workflow !== undefined && workflow !== OTHER) this.#workflows.add(workflow);
  }

  /** The labels themselves when they may have a series, else those that stand for them. */
  #admit(metric: Metric, family: ReadonlyMap<string, Series>, labels: string[]): string[] {
    const bounded = this.#withinWorkflows(metric, labels);
    if (bounded !== labels && family.has(keyOf(bounded))) return bounded;
    // Room is kept for what stands for the others: each combination of closed labels once.
    const isOpen = hasOpenLabel(metric);
    const room = SERIES_MAX - (isOpen ? Math.min(closedCombinations(metric), SERIES_MAX / 2) : 1);
    if (family.size < room) return bounded;
    const other = labels.map((value, index) => (isOpen && metric.labels[index]?.values !== null ? value : OTHER));
    if (family.size < SERIES_MAX - 1 || family.has(keyOf(other))) return other;
    return labels.map(() => OTHER);
  }

  #withinWorkflows(metric: Metric, labels: string[]): string[] {
    const at = workflowLabel(metric);
    const workflow = labels[at];
    if (workflow === undefined || workflow === OTHER || this.#workflows.has(workflow)) return labels;
    return this.#workflows.size < WORKFLOWS_MAX ? labels : labels.with(at, OTHER);
  }
}

function workflowLabel({ labels }: Metric): number {
  return labels.findIndex(({ name }) => name === "workflow");
}
