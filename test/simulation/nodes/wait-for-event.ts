import { makeCondition } from "../scenario/expressions.ts";
import type { NodeKind } from "./node-kind.ts";

export const EVENTS = ["go", "stop"];

/** Most give up after a while, so that most runs end; the others wait for a named thing. */
export const waitForEvent: NodeKind = {
  type: "wait_for_event",
  weight: 6,
  kind: "waiting",
  waits: "event",
  make: ({ random, ancestors }) => ({
    config: {
      event: random.pick(EVENTS),
      ...(random.chance(0.85) ? { timeout_ms: random.pick([1, 2_000, 40_000]) } : {}),
      ...(random.chance(0.4) ? { match: makeCondition(random, ancestors) } : {}),
    },
  }),
};
