/**
 * The registry of node types: what each is called, how it runs, and what its config may hold. Save-time checks, the
 * compiler and the API's list of types read it; how a type behaves is the engine's and the workers' business.
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#kernel/json.ts";
import { HEADERS_MAX, URL_LENGTH_MAX } from "./limits.ts";

/** `inline` runs inside a transition, `task` goes to a queue, `waiting` parks in the coordinator. */
export const NODE_KINDS = ["inline", "task", "waiting"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

export const NODE_TYPE_STATUSES = ["available", "coming_soon", "disabled"] as const;
export type NodeTypeStatus = (typeof NODE_TYPE_STATUSES)[number];

export interface NodeType {
  type: string;
  label: string;
  category: "flow" | "data" | "integration";
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

/** A value that a template may stand for: checked as text when saved, as `schema` once rendered. */
function templated<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.string().regex(/^\$/, "must be a template such as $inputs.name")]);
}

/** Any JSON value, handed on as it is. */
const json = z.custom<Json>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(isJsonObject, "must be an object").meta({ type: "object" });

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const HTTP_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;

const httpConfig = z.strictObject({
  url: z.string().min(1).max(URL_LENGTH_MAX),
  method: z.enum(HTTP_METHODS).default("GET"),
  headers: templated(
    z
      .record(z.string(), z.string())
      .refine((headers) => Object.keys(headers).length <= HEADERS_MAX, `at most ${HEADERS_MAX} headers`),
  ).optional(),
  query: templated(z.record(z.string(), z.union([scalar, z.array(scalar)]))).optional(),
  payload: json.optional(),
  expect_status: templated(z.array(z.int().min(100).max(599)).min(1)).optional(),
  secrets: z.array(z.string().min(1)).optional(),
});

const AGGREGATE_OPERATIONS = ["sum", "avg", "min", "max", "count", "collect", "merge"] as const;
export type AggregateOperation = (typeof AGGREGATE_OPERATIONS)[number];

/** Pure functions a `function` node may name. */
export const FUNCTION_NAMES = [
  "parse_input",
  "identity",
  "to_json",
  "uuid",
  "now",
  "length",
  "keys",
  "values",
  "flatten",
  "unique",
  "sort",
  "slice",
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

const none = z.strictObject({});

const NODE_TYPE_LIST: readonly NodeType[] = [
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
    config: z.strictObject({ condition: z.string().min(1).optional() }),
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
    config: none,
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
    config: z.strictObject({
      expression: z.string().min(1),
      language: z.enum(["cel", "jmespath"]).default("cel"),
    }),
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
    config: z.strictObject({
      operation: z.enum(AGGREGATE_OPERATIONS),
      field: z.string().min(1).optional(),
      from: json.optional(),
    }),
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
    config: z.strictObject({ condition: z.string().min(1), from: json.optional() }),
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
    config: z.strictObject({
      function_name: z.enum(FUNCTION_NAMES),
      params: jsonObject.optional(),
    }),
    outputs: "the function's value",
  },
  {
    type: "file-search",
    label: "File search",
    category: "integration",
    kind: "task",
    status: "coming_soon",
    attempts: 1,
    literalKeys: [],
    config: jsonObject,
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
