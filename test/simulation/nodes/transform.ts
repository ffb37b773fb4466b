import { isJsonObject, type JsonObject, ownValue } from "#kernel/json.ts";
import { makeValue, read } from "../scenario/expressions.ts";
import { gives, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";

const JMESPATH = ["@", "v", "{v: v}"];

export const transform: NodeKind = {
  type: "transform",
  weight: 14,
  kind: "inline",
  make({ random, ancestors }) {
    const config: JsonObject = { expression: makeValue(random, ancestors) };
    if (random.chance(0.3)) Object.assign(config, { language: "jmespath", expression: random.pick(JMESPATH) });
    return { config };
  },
  execute({ config, input, reading }) {
    if (config.language === "jmespath") {
      const v = isJsonObject(input) ? (ownValue(input, "v") ?? null) : null;
      if (config.expression === "@") return gives(input);
      return gives(config.expression === "v" ? v : { v });
    }
    const given = read(String(config.expression), { ...reading, output: input });
    return given === "missing" ? refuses("expression_failed") : given;
  },
};
