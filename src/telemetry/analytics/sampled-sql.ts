/** Pieces of queries that weigh each point by how many it stands for: `_sample_interval`, where the platform samples. */
import type { TimeWindow } from "./time-window.ts";

/** How many there were. */
export const N = "sum(_sample_interval)";
export const within = ({ seconds }: TimeWindow) => `timestamp > now() - INTERVAL '${Math.ceil(seconds / 60)}' MINUTE`;
export const step = ({ stepSeconds }: TimeWindow) => `toStartOfInterval(timestamp, INTERVAL '${stepSeconds}' SECOND)`;
export const share = (condition: string) => `100 * sumIf(_sample_interval, ${condition}) / ${N}`;
export const mean = (column: string) => `sum(_sample_interval * ${column}) / ${N}`;
export const quantile = (level: number, column: string) =>
  `quantileExactWeighted(${level})(${column}, _sample_interval)`;
export const percentiles = (column: string) =>
  `${quantile(0.5, column)} AS p50_ms, ${quantile(0.95, column)} AS p95_ms, ${quantile(0.99, column)} AS p99_ms`;
export const weighed = (column: string) => `sum(_sample_interval * ${column})`;
