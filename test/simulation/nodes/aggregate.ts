import { isJsonObject, type Json, ownValue } from "#kernel/json.ts";
import { type Given, gives, refuses } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

const wrong = refuses("expression_failed");

export const aggregate: NodeKind = {
  type: "aggregate",
  weight: 8,
  kind: "inline",
  make({ random, ancestors }) {
    const from = random.pick<Json | undefined>([undefined, [3, 1, 2], templateOf(random, ancestors, "list")]);
    return {
      config: {
        operation: random.pick(["sum", "count", "max", "collect", "merge"]),
        ...(random.chance(0.3) ? { field: "v" } : {}),
        ...(from === undefined ? {} : { from }),
      },
    };
  },
  execute({ config, input }) {
    const source = config.from ?? input;
    const items = Array.isArray(source) ? source : isJsonObject(source) ? Object.values(source) : null;
    if (items === null) return wrong;
    const values = config.field === "v" ? items.flatMap(valueOfV) : items;
    return combine(String(config.operation), values);
  },
};

function valueOfV(item: Json): Json[] {
  const v = isJsonObject(item) ? ownValue(item, "v") : undefined;
  return v === undefined ? [] : [v];
}

function combine(operation: string, values: readonly Json[]): Given {
  if (operation === "count") return gives(values.length);
  if (operation === "collect") return gives([...values]);
  if (operation === "merge") return merge(values);
  const numbers = values.filter((value) => typeof value === "number");
  if (operation === "max" && values.length > 0 && values.every((value) => typeof value === "string")) {
    return gives([...values].sort().at(-1) ?? null);
  }
  if (numbers.length < values.length) return wrong;
  if (operation === "sum") return gives(numbers.reduce((sum, number) => sum + number, 0));
  return gives(numbers.length === 0 ? null : Math.max(...numbers));
}

function merge(values: readonly Json[]): Given {
  if (values.length > 0 && values.every((value) => Array.isArray(value))) return gives(values.flat(1) as Json[]);
  if (!values.every((value) => value === null || isJsonObject(value))) return wrong;
  return gives(Object.assign({}, ...values) as Json);
}
