/** What the figures are held against: goals of the product and floors below which something is broken. */
import type { WorkloadName } from "./workloads.ts";

export interface Goal {
  /** Runs a second with many in flight. */
  perSecond: number;
  floorPerSecond: number;
  /** Share of the bare object-call rate that is as good as `perSecond`. */
  shareOfCeiling?: number;
  /** One at a time. */
  p50Ms?: number;
  floorP50Ms?: number;
  syncs?: number;
}

/** For the class of machine that they were set on: two shared cores. */
export const GOALS: Record<WorkloadName, Goal> = {
  chain5: { perSecond: 1_500, floorPerSecond: 700, shareOfCeiling: 0.7, p50Ms: 2, floorP50Ms: 3, syncs: 1.2 },
  fanout10: { perSecond: 1_000, floorPerSecond: 400 },
  http3: { perSecond: 800, floorPerSecond: 300 },
};
