/** Sets bounds of Weir for a scenario: lower than in the product, so that what happens at them happens often. */
import * as engineLimits from "#engine/limits.ts";
import * as runLog from "#store/shard/run-log.ts";
import * as taskMessage from "#store/task-message.ts";

/** The product's own values, and the lower ones that a scenario may choose. */
export const BOUNDS = {
  VISITS_PER_TRANSITION: [256, 2, 7],
  OUTPUT_INLINE_BYTES: [4_096, 40],
  SNAPSHOT_EVENTS_MIN: [256, 8],
  MESSAGE_CONFIG_BYTES_MAX: [16_000, 10],
} as const;
export type Bound = keyof typeof BOUNDS;
export type Bounds = Record<Bound, number>;

type Tunable = { tune(values: Partial<Bounds>): void };

export function tune(bounds: Bounds): void {
  // The module hooks gave each of them this function.
  for (const module of [engineLimits, runLog, taskMessage]) (module as unknown as Tunable).tune(bounds);
}
