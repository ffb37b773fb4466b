import { gives } from "../scenario/given.ts";
import type { NodeKind } from "./node-kind.ts";

export const parallel: NodeKind = {
  type: "parallel",
  weight: 12,
  kind: "inline",
  make: () => ({}),
  execute: ({ input }) => gives(input),
};
