/** Figures on their way to a Meter: what has been added since the last batch, and gauges as they stand, as one text. */

/** The latest observation of a bucket that is worth a look: its value in the metric's unit, and the run it was made of. */
export interface Exemplar {
  bucket: number;
  value: number;
  run_id: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface HistogramDelta {
  sum: number;
  /** By bucket, not cumulative; one more than there are bounds. */
  counts: number[];
  exemplars: Exemplar[];
}

/** Everything by name, so that two versions side by side understand each other. */
export interface MetricBatch {
  counters: [metric: string, labels: string[], by: number][];
  histograms: [metric: string, labels: string[], delta: HistogramDelta][];
  gauges: [metric: string, labels: string[], value: number][];
}

export function batchText(batch: MetricBatch): string {
  return JSON.stringify(batch);
}

export function parseBatch(text: string): MetricBatch {
  return JSON.parse(text) as MetricBatch;
}

/** How many figures a batch holds: what is lost with it. */
export function figuresIn({ counters, histograms, gauges }: MetricBatch): number {
  return counters.length + histograms.length + gauges.length;
}
