import type { NodeKind } from "./node-kind.ts";

/** What a model says is the worker's business: a plain answer, a patch, or that its budget is spent. */
export const agent: NodeKind = {
  type: "agent",
  weight: 8,
  kind: "task",
  most: 2,
  make: ({ random }) => ({
    config: { task: "Think of ${$inputs.n}", model: "scripted" },
    timeout_ms: random.between(1, 20) * 1_000,
    retry: { max_attempts: random.between(1, 3), backoff_ms: random.pick([0, 1_000]) },
  }),
};
