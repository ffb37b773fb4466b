import type { NodeDefinition } from "#workflow/definition.ts";
import type { Making, NodeKind } from "./node-kind.ts";
import { templateOf } from "./template-of.ts";

export const http: NodeKind = {
  type: "http",
  weight: 40,
  kind: "task",
  make({ random, ancestors }: Making) {
    const node: Omit<NodeDefinition, "id" | "type"> = {
      config: {
        url: "https://api.example.com/${$inputs.n}",
        method: random.pick(["GET", "POST"]),
        ...(random.chance(0.4) ? { payload: { from: templateOf(random, ancestors) } } : {}),
      },
      timeout_ms: random.between(1, 20) * 1_000,
      retry: {
        max_attempts: random.between(1, 4),
        backoff_ms: random.pick([0, 100, 1_000, 20_000]),
        backoff_multiplier: random.pick([1, 2, 3]),
        jitter: random.chance(0.5),
      },
    };
    return node;
  },
};
