import { isJsonObject } from "#kernel/json.ts";
import { read } from "../scenario/expressions.ts";
import { gives, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";

/** The end of a pass. Graphs make them with their bodies, so that it is never chosen by itself. */
export const loop: NodeKind = {
  type: "loop",
  weight: 0,
  kind: "inline",
  make: () => ({}),
  execute({ config, input, reading }) {
    const { iteration } = reading;
    const out = (outcome: string) =>
      gives({ ...(isJsonObject(input) ? input : { value: input }), loop: { iteration, outcome } });
    if (typeof config.condition === "string") {
      const held = read(config.condition, { ...reading, output: input });
      if (held === "missing") return out("break");
      if (!held.ok) return held;
      if ("value" in held && typeof held.value !== "boolean") return refuses("expression_failed");
      if ("value" in held && held.value === false) return out("break");
    }
    return out(iteration + 1 < Number(config.max_iterations) ? "continue" : "exhausted");
  },
};
