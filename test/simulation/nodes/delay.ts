import { gives } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";

export const delay: NodeKind = {
  type: "delay",
  weight: 5,
  kind: "waiting",
  waits: "timer",
  make: ({ random }) => ({ config: { duration_ms: random.pick([0, 1, 50, 3_000, 70_000]) } }),
  execute: ({ config }) => (config.duration_ms === 0 ? gives({ waited_ms: 0 }) : null),
};
