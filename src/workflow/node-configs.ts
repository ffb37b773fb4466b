/**
 * What the config of each node type may hold: checked as it stands when a workflow is saved, and again once its
 * templates are rendered. Which types there are is `node-types.ts`.
 */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { jsonObjectSchema, nodeIdSchema, retrySchema } from "./definition.ts";
import { schemaProblem } from "./json-schema.ts";
import {
  AGENT_TASK_LENGTH_MAX,
  AGENT_TURNS_DEFAULT,
  AGENT_TURNS_MAX,
  APPROVAL_MESSAGE_LENGTH_MAX,
  APPROVAL_TIMEOUT_MS_DEFAULT,
  APPROVERS_MAX,
  CACHE_TTL_MS_MAX,
  EVENT_NAME_PATTERN,
  HEADERS_MAX,
  ITERATIONS_MAX,
  MAP_CONCURRENCY_DEFAULT,
  MAP_CONCURRENCY_MAX,
  MAP_ITEMS_MAX,
  NAME_LENGTH_MAX,
  TIMEOUT_MS_MAX,
  URL_LENGTH_MAX,
  WAIT_MS_MAX,
  WORKFLOW_NAME_LENGTH_MAX,
} from "./limits.ts";

/** A value that a template may stand for: checked as text when saved, as `schema` once rendered. */
export function templated<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.string().regex(/^\$/, "must be a template such as $inputs.name")]);
}

/** Any JSON value, handed on as it is. */
const json = z.custom<Json>((value) => value !== undefined);

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Asks for the output to be remembered: the same config and inputs give it again until it is so old. */
export const cacheConfig = z.strictObject({ ttl_ms: z.int().min(1).max(CACHE_TTL_MS_MAX) });

export const HTTP_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;

export const httpConfig = z
  .strictObject({
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
    cache: cacheConfig.optional(),
  })
  .refine(({ cache, method }) => cache === undefined || method === "GET" || method === "HEAD", {
    path: ["cache"],
    message: "only GET and HEAD are remembered: anything else is done each time",
  });

/** What an agent may use besides its model; all of them unless told. */
export const AGENT_TOOLS = [
  "execute_pipeline",
  "patch_workflow",
  "search_tools",
  "openapi_action",
  "delegate_to_agent",
] as const;

/** What becomes of an agent whose budget is spent: it fails, or waits until somebody lets it try again. */
export const ON_BUDGET = ["fail", "ask"] as const;

const agentTurns = z.int().min(1).max(AGENT_TURNS_MAX);
const agentTemperature = z.number().min(0).max(2);
const agentBudgetUsd = z.number().positive();

export const agentConfig = z.strictObject({
  task: z.string().min(1).max(AGENT_TASK_LENGTH_MAX),
  model: z.string().min(1).max(NAME_LENGTH_MAX).optional(),
  tools: z.array(z.enum(AGENT_TOOLS)).max(AGENT_TOOLS.length).optional(),
  max_turns: templated(agentTurns).default(AGENT_TURNS_DEFAULT),
  output_schema: jsonObjectSchema
    .superRefine((schema, context) => {
      const message = schemaProblem(schema);
      if (message !== null) context.addIssue({ code: "custom", message });
    })
    .optional(),
  temperature: templated(agentTemperature).optional(),
  budget_usd: templated(agentBudgetUsd).optional(),
  on_budget: z.enum(ON_BUDGET).default("fail"),
  cache: cacheConfig.optional(),
  input: json.optional(),
});

/** The same as an agent's task carries it: nothing in it is a template any more. */
export const agentTaskConfig = agentConfig.extend({
  max_turns: agentTurns,
  temperature: agentTemperature.optional(),
  budget_usd: agentBudgetUsd.optional(),
  /** Names of secrets, which every task carries. */
  secrets: z.array(z.string()).optional(),
});
export type AgentTaskConfig = z.infer<typeof agentTaskConfig>;

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

export const noConfig = z.strictObject({});

/** A type that is not offered: its config is nobody's business yet. */
export const anyConfig = jsonObjectSchema;

export const conditionalConfig = z.strictObject({ condition: z.string().min(1).optional() });

export const transformConfig = z.strictObject({
  expression: z.string().min(1),
  language: z.enum(["cel", "jmespath"]).default("cel"),
});

export const aggregateConfig = z.strictObject({
  operation: z.enum(AGGREGATE_OPERATIONS),
  field: z.string().min(1).optional(),
  from: json.optional(),
});

export const filterConfig = z.strictObject({ condition: z.string().min(1), from: json.optional() });

export const functionConfig = z.strictObject({
  function_name: z.enum(FUNCTION_NAMES),
  params: jsonObjectSchema.optional(),
});

/** One node id, or several. */
const paths = z.union([nodeIdSchema, z.array(nodeIdSchema).min(1)]);

export const loopConfig = z.strictObject({
  max_iterations: z.int().min(1).max(ITERATIONS_MAX),
  loop_back_to: nodeIdSchema,
  condition: z.string().min(1).optional(),
  break_path: paths.optional(),
  timeout_path: paths.optional(),
});

/** What `map` does with each item: a node without a place in the graph. */
export const itemNodeSchema = z.strictObject({
  type: z.string().min(1).max(64),
  config: jsonObjectSchema.optional(),
  timeout_ms: z.int().min(1).max(TIMEOUT_MS_MAX).optional(),
  retry: retrySchema.optional(),
});
export type ItemNode = z.infer<typeof itemNodeSchema>;

export const ON_ITEM_ERROR = ["fail", "collect"] as const;

export const mapConfig = z.strictObject({
  /** A list once rendered: what else comes fails the node, not the workflow. */
  items: json,
  node: itemNodeSchema,
  concurrency: templated(z.int().min(1).max(MAP_CONCURRENCY_MAX)).default(MAP_CONCURRENCY_DEFAULT),
  max_items: templated(z.int().min(1).max(MAP_ITEMS_MAX)).default(MAP_ITEMS_MAX),
  on_item_error: z.enum(ON_ITEM_ERROR).default("fail"),
});

export const workflowConfig = z.strictObject({
  workflow: z.string().min(1).max(WORKFLOW_NAME_LENGTH_MAX),
  inputs: templated(jsonObjectSchema).optional(),
});

const waitMs = (least: number) => templated(z.int().min(least).max(WAIT_MS_MAX));

export const delayConfig = z
  .strictObject({
    duration_ms: waitMs(0).optional(),
    until: z.union([z.iso.datetime({ offset: true }), z.string().regex(/\$/, "must be an RFC 3339 time")]).optional(),
  })
  .refine((config) => (config.duration_ms === undefined) !== (config.until === undefined), {
    message: 'give either "duration_ms" or "until"',
  });

export const waitForEventConfig = z.strictObject({
  event: z.union([
    z.string().regex(EVENT_NAME_PATTERN, "must be 1 to 128 letters, digits, '.', '_' or '-'"),
    z.string().regex(/\$/),
  ]),
  timeout_ms: waitMs(1).optional(),
  match: z.string().min(1).optional(),
});

export const ON_TIMEOUT = ["reject", "approve", "fail"] as const;

export const hitlConfig = z
  .strictObject({
    message: z.string().min(1).max(APPROVAL_MESSAGE_LENGTH_MAX),
    timeout_ms: waitMs(1).default(APPROVAL_TIMEOUT_MS_DEFAULT),
    on_timeout: z.enum(ON_TIMEOUT).default("reject"),
    approvers: templated(z.array(z.string().min(1).max(100)).max(APPROVERS_MAX)).optional(),
    quorum: z.int().min(1).max(APPROVERS_MAX).default(1),
    escalate_to: z.string().min(1).max(URL_LENGTH_MAX).optional(),
    escalate_after_ms: waitMs(1).optional(),
  })
  .refine(({ approvers, quorum }) => !Array.isArray(approvers) || new Set(approvers).size >= quorum, {
    path: ["quorum"],
    message: "is larger than the number of approvers: nobody could ever approve",
  })
  .refine(({ escalate_to: to, escalate_after_ms: after }) => to !== undefined || after === undefined, {
    path: ["escalate_after_ms"],
    message: 'means nothing without "escalate_to"',
  });
