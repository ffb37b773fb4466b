import type { Json, JsonObject } from "#kernel/json.ts";
import { makeValue } from "../scenario/expressions.ts";
import { gives, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

export const map: NodeKind = {
  type: "map",
  weight: 7,
  kind: "waiting",
  waits: "items",
  make({ random, ancestors }) {
    const items = random.pick<Json>([
      [1, 2, 3],
      [{ v: 3 }, {}, { v: 8 }, 5],
      [],
      templateOf(random, ancestors, "list"),
    ]);
    const http: JsonObject = {
      type: "http",
      config: { url: "https://api.example.com/item", payload: { of: "$item", at: "$index" } },
      timeout_ms: random.between(1, 20) * 1_000,
      retry: { max_attempts: random.between(1, 3), backoff_ms: 100 },
    };
    const transform: JsonObject = { type: "transform", config: { expression: makeValue(random, ancestors) } };
    return {
      config: {
        items,
        node: random.chance(0.6) ? http : transform,
        concurrency: random.pick([1, 2, 10]),
        ...(random.chance(0.2) ? { max_items: 3 } : {}),
        on_item_error: random.pick(["fail", "collect"]),
      },
    };
  },
  execute({ config }) {
    const { items, max_items: max } = config;
    if (!Array.isArray(items) || items.length > Number(max ?? items.length)) return refuses("map_failed");
    return items.length === 0 ? gives([]) : null;
  },
};
