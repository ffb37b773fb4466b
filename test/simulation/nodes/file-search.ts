import type { NodeKind } from "./node-kind.ts";

/** A type that is known and not there yet: skipped with a warning, and its edges are taken. */
export const fileSearch: NodeKind = {
  type: "file-search",
  weight: 2,
  kind: "unavailable",
  make: () => ({ config: { query: "anything" } }),
};
