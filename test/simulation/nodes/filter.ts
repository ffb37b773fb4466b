import type { Json } from "#kernel/json.ts";
import { makeItemCondition, read } from "../scenario/expressions.ts";
import { gives, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

export const filter: NodeKind = {
  type: "filter",
  weight: 6,
  kind: "inline",
  make({ random, ancestors }) {
    const from = random.pick<Json | undefined>([
      undefined,
      [1, 4, 7, 9],
      [{ v: 3 }, {}, { v: 8 }],
      templateOf(random, ancestors, "list"),
    ]);
    return { config: { condition: makeItemCondition(random), ...(from === undefined ? {} : { from }) } };
  },
  execute({ config, input, reading }) {
    const source = config.from ?? input;
    if (!Array.isArray(source)) return refuses("expression_failed");
    const kept: Json[] = [];
    for (const [index, item] of source.entries()) {
      const held = read(String(config.condition), { ...reading, output: source, item, index });
      if (held === "missing") continue;
      if (!held.ok) return held;
      if ("value" in held && held.value === true) kept.push(item);
    }
    return gives(kept);
  },
};
