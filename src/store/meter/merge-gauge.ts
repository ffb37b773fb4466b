/** How gauges of several sources, and of several Meters, become one. */
import { metricNamed } from "#telemetry/catalogue/catalogue.ts";
import type { MeterView } from "./protocol.ts";

/** Adds what another source says to a gauge, as its metric has it. */
export function mergeGauge(gauge: MeterView["gauges"][number], value: number, at: number): void {
  const merge = metricNamed(gauge[0])?.merge ?? "last";
  if (merge === "sum") gauge[2] += value;
  else if (merge === "max") gauge[2] = Math.max(gauge[2], value);
  else if (at >= gauge[3]) gauge[2] = value;
  gauge[3] = Math.max(gauge[3], at);
}
