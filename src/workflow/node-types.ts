/**
 * The registry of node types: what each is called, how it runs, and what its config may hold. Save-time checks, the
 * compiler and the API's list of types read it; how a type behaves is the engine's and the workers' business.
 */
import type { z } from "zod";
import {
  agentConfig,
  aggregateConfig,
  anyConfig,
  conditionalConfig,
  delayConfig,
  filterConfig,
  functionConfig,
  hitlConfig,
  httpConfig,
  loopConfig,
  mapConfig,
  noConfig,
  transformConfig,
  waitForEventConfig,
  workflowConfig,
} from "./node-configs.ts";

/** `inline` runs inside a transition, `task` goes to a queue, `waiting` parks in the coordinator. */
export const NODE_KINDS = ["inline", "task", "waiting"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

export const NODE_TYPE_STATUSES = ["available", "coming_soon", "disabled"] as const;
export type NodeTypeStatus = (typeof NODE_TYPE_STATUSES)[number];

export interface NodeType {
  type: string;
  label: string;
  category: "flow" | "data" | "integration" | "human" | "agent";
  kind: NodeKind;
  status: NodeTypeStatus;
  /** The queue that a task node's attempts go to. */
  queue?: "http" | "agent";
  /** Its output is its input as it is. */
  passesThrough?: true;
  /** Attempts when the node says nothing of its own. */
  attempts: number;
  /** Config keys whose strings are expressions: templates in them are left alone. */
  literalKeys: readonly string[];
  config: z.ZodType;
  outputs: string;
}

const NODE_TYPE_LIST: readonly NodeType[] = [
  {
    type: "agent",
    label: "Agent",
    category: "agent",
    kind: "task",
    status: "available",
    queue: "agent",
    attempts: 3,
    literalKeys: ["output_schema"],
    config: agentConfig,
    outputs: "{ text, result?, lane, tool_calls, usage }; result when output_schema is set",
  },
  {
    type: "http",
    label: "HTTP request",
    category: "integration",
    kind: "task",
    status: "available",
    queue: "http",
    attempts: 3,
    literalKeys: [],
    config: httpConfig,
    outputs: "{ status_code, headers, body, url, method, duration_ms }; body is parsed when it is JSON",
  },
  {
    type: "conditional",
    label: "Condition",
    category: "flow",
    kind: "inline",
    passesThrough: true,
    status: "available",
    attempts: 1,
    literalKeys: ["condition"],
    config: conditionalConfig,
    outputs: "its input, passed through; the branch is in the edge.resolved event",
  },
  {
    type: "parallel",
    label: "Parallel",
    category: "flow",
    kind: "inline",
    passesThrough: true,
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: noConfig,
    outputs: "its input, passed through",
  },
  {
    type: "transform",
    label: "Transform",
    category: "data",
    kind: "inline",
    status: "available",
    attempts: 1,
    literalKeys: ["expression"],
    config: transformConfig,
    outputs: "the value of the expression",
  },
  {
    type: "aggregate",
    label: "Aggregate",
    category: "data",
    kind: "inline",
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: aggregateConfig,
    outputs: "the aggregated value",
  },
  {
    type: "filter",
    label: "Filter",
    category: "data",
    kind: "inline",
    status: "available",
    attempts: 1,
    literalKeys: ["condition"],
    config: filterConfig,
    outputs: "the items for which the condition holds, in order",
  },
  {
    type: "function",
    label: "Function",
    category: "data",
    kind: "inline",
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: functionConfig,
    outputs: "the function's value",
  },
  {
    type: "loop",
    label: "Loop",
    category: "flow",
    kind: "inline",
    status: "available",
    attempts: 1,
    literalKeys: ["condition"],
    config: loopConfig,
    outputs: "its input plus loop: { iteration, outcome }; an input that is no object stands under value",
  },
  {
    type: "map",
    label: "Map",
    category: "flow",
    kind: "waiting",
    status: "available",
    attempts: 1,
    literalKeys: ["node"],
    config: mapConfig,
    outputs: "the items' outputs in order; with on_item_error: collect a failed item is its error object",
  },
  {
    type: "workflow",
    label: "Workflow",
    category: "flow",
    kind: "waiting",
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: workflowConfig,
    outputs: "the child run's outputs, by node id",
  },
  {
    type: "delay",
    label: "Delay",
    category: "flow",
    kind: "waiting",
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: delayConfig,
    outputs: "{ waited_ms }: how long it really was",
  },
  {
    type: "wait_for_event",
    label: "Wait for an event",
    category: "flow",
    kind: "waiting",
    status: "available",
    attempts: 1,
    literalKeys: ["match"],
    config: waitForEventConfig,
    outputs: "the event's payload",
  },
  {
    type: "hitl",
    label: "Approval",
    category: "human",
    kind: "waiting",
    status: "available",
    attempts: 1,
    literalKeys: [],
    config: hitlConfig,
    outputs: "{ approved, decision, comments, decided_by, votes }",
  },
  {
    type: "file-search",
    label: "File search",
    category: "integration",
    kind: "task",
    status: "coming_soon",
    attempts: 1,
    literalKeys: [],
    config: anyConfig,
    outputs: "null: the node is skipped with a warning and its edges are taken",
  },
];

export const NODE_TYPES: ReadonlyMap<string, NodeType> = new Map(NODE_TYPE_LIST.map((type) => [type.type, type]));

/** The known type whose name is nearest to `name`, for "did you mean". */
export function nearestNodeType(name: string): string {
  let nearest = "";
  let best = Number.POSITIVE_INFINITY;
  for (const type of NODE_TYPES.keys()) {
    const distance = editDistance(name.slice(0, 64), type);
    if (distance < best) {
      best = distance;
      nearest = type;
    }
  }
  return nearest;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
