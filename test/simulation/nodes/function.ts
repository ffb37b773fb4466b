import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { type Given, gives, givesLike, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

const wrong = refuses("expression_failed");

const MEANINGS: Record<string, (subject: Json, params: Json | undefined, input: Json) => Given> = {
  identity: (_, params, input) => gives(params ?? input),
  to_json: (subject) => gives(JSON.stringify(subject)),
  length: (subject) => {
    if (typeof subject === "string" || Array.isArray(subject)) return gives(subject.length);
    return isJsonObject(subject) ? gives(Object.keys(subject).length) : wrong;
  },
  keys: (subject) => (isJsonObject(subject) ? gives(Object.keys(subject)) : wrong),
  values: (subject) => (isJsonObject(subject) ? gives(Object.values(subject)) : wrong),
  uuid: () => givesLike((value) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/.test(String(value))),
  now: () => givesLike((value) => !Number.isNaN(Date.parse(String(value)))),
};

export const functionNode: NodeKind = {
  type: "function",
  weight: 8,
  kind: "inline",
  make({ random, ancestors }) {
    const config: JsonObject = { function_name: random.pick(Object.keys(MEANINGS)) };
    if (random.chance(0.4)) config.params = { value: templateOf(random, ancestors) };
    return { config };
  },
  execute({ config, input }) {
    const params = config.params;
    const given = isJsonObject(params ?? null) ? (params as { value?: Json }).value : undefined;
    return MEANINGS[String(config.function_name)]?.(given ?? input, params, input) ?? wrong;
  },
};
