import { makeCondition } from "../scenario/expressions.ts";
import { gives } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";

export const conditional: NodeKind = {
  type: "conditional",
  weight: 14,
  kind: "inline",
  make: ({ random, ancestors }) =>
    random.chance(0.75) ? { config: { condition: makeCondition(random, ancestors) } } : {},
  execute: ({ input }) => gives(input),
};
