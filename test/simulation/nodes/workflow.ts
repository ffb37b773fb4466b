import type { JsonObject } from "#kernel/json.ts";
import type { NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

/** A name that no workflow has. */
const NOBODY = "nobody";

/** Starts a run of another workflow of the scenario; what that gives is known when it has ended. */
export const workflow: NodeKind = {
  type: "workflow",
  weight: 14,
  kind: "waiting",
  waits: "child",
  make({ random, ancestors, callable }) {
    const config: JsonObject = { workflow: random.chance(0.04) ? NOBODY : random.pick(callable) };
    const n = random.next();
    if (n < 0.5) config.inputs = { n: random.between(0, 9) };
    else if (n < 0.85) config.inputs = { n: "$inputs.n" };
    else if (n < 0.93) config.inputs = { n: templateOf(random, ancestors) };
    return { config };
  },
};
