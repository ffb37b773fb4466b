/** The port to whoever keeps best-effort figures: told where something happens, at the cost of a look into a map. */
import type { LabelValues, Metric } from "#telemetry/catalogue/metric.ts";

export interface MetricRecorder {
  count<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, by?: number): void;
  observe<Labels extends readonly string[]>(metric: Metric<Labels>, labels: LabelValues<Labels>, value: number): void;
  /** A gauge as it stands. `source`: who says so, where that is not this isolate. */
  set<Labels extends readonly string[]>(
    metric: Metric<Labels>,
    labels: LabelValues<Labels>,
    value: number,
    source?: string,
  ): void;
}

/** Telemetry is off. */
export const NO_METRICS: MetricRecorder = { count() {}, observe() {}, set() {} };
