import type { JsonObject } from "#kernel/json.ts";
import type { NodeKind } from "./node-kind.ts";

export const VOTERS = ["ann", "bob", "eve"];

export const hitl: NodeKind = {
  type: "hitl",
  weight: 6,
  kind: "waiting",
  waits: "approval",
  make({ random }) {
    const quorum = random.between(1, 2);
    const config: JsonObject = {
      message: "May ${$inputs.n} go on?",
      timeout_ms: random.pick([500, 10_000, 60_000]),
      on_timeout: random.pick(["reject", "approve", "fail"]),
      quorum,
    };
    if (random.chance(0.5)) config.approvers = random.chance(0.5) ? ["ann", "bob"] : ["bob", "eve", "ann"];
    if (random.chance(0.35)) {
      config.escalate_to = "https://people.example.com/wake";
      if (random.chance(0.5)) config.escalate_after_ms = random.pick([1, 400, 20_000]);
    }
    return { config };
  },
};
