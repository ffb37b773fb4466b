/** How runs look in answers. */
import { z } from "@hono/zod-openapi";
import { REPLAY_MODES } from "#engine/events.ts";
import { WAIT_KINDS } from "#engine/explain.ts";
import { NODE_STATUSES, RUN_STATUSES, type RunStatus } from "#engine/state.ts";
import { approval } from "./approval-schemas.ts";
import { runPatch } from "./patch-schemas.ts";
import { BASE_PATH } from "./route.ts";

const status = z.enum(RUN_STATUSES);
const time = z.string().openapi({ format: "date-time" });
const labels = z.record(z.string(), z.string());
const anything = z.any();

export const acceptedRun = z
  .object({
    run_id: z.string(),
    status,
    links: z.object({ self: z.string(), details: z.string(), events: z.string(), cancel: z.string() }),
  })
  .openapi("AcceptedRun");

/** What a start is answered with, also to those who start many. */
export function acceptedOf(run: { run_id: string; status: RunStatus }): z.infer<typeof acceptedRun> {
  const self = `${BASE_PATH}/runs/${run.run_id}`;
  return {
    run_id: run.run_id,
    status: run.status,
    links: { self, details: `${self}/details`, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}

export const wholeRun = z
  .object({
    run_id: z.string(),
    status,
    generation: z.int(),
    waiting_for: z.array(z.object({ node: z.string(), kind: z.string(), until: time.nullable() })).optional(),
    workflow: z.string().nullable(),
    artifact_id: z.string(),
    patch_seq: z.int(),
    trigger: z.string(),
    labels,
    priority: z.int(),
    inputs: anything,
    outputs: z.record(z.string(), anything).optional(),
    outputs_omitted: z.record(z.string(), z.int()).optional(),
    error: z.object({ code: z.string(), message: z.string(), node: z.string() }).optional(),
    submitted_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    duration_ms: z.number().nullable(),
    active_tokens: z.int(),
    usage: z.object({
      input_tokens: z.int(),
      cached_tokens: z.int(),
      output_tokens: z.int(),
      cost_usd: z.number().nullable(),
    }),
    parent: z.object({ run_id: z.string(), node: z.string() }).optional(),
    replay_of: z.object({ run_id: z.string(), mode: z.enum(REPLAY_MODES), from: z.string().nullable() }).optional(),
    replays: z.array(z.string()).optional(),
    node_counts: z.record(z.enum(NODE_STATUSES), z.int()),
  })
  .openapi("Run");

const nodeExecution = z
  .object({
    type: z.string(),
    status: z.enum(NODE_STATUSES),
    iteration: z.int(),
    visit: z.int(),
    attempt: z.int(),
    input: anything,
    output: anything,
    output_bytes: z.int().optional(),
    error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
    child_run_id: z.string().optional(),
    items: z.object({ total: z.int(), started: z.int(), ended: z.int(), failed: z.int() }).optional(),
    started_at: time.nullable(),
    completed_at: time.nullable(),
    metrics: z
      .looseObject({
        worker: z.string(),
        sent_at: time,
        start_time: time,
        end_time: time,
        queue_time_ms: z.number(),
        execution_time_ms: z.number(),
      })
      .nullable(),
  })
  .openapi("NodeExecution");

export const runDetails = wholeRun
  .extend({
    definition: anything,
    node_executions: z.record(z.string(), nodeExecution),
    patches: z.array(runPatch),
    approvals: z.array(approval),
  })
  .openapi("RunDetails");

export const runItem = z
  .object({
    run_id: z.string(),
    seq: z.int().openapi({ description: "number of the last event that it shows" }),
    status,
    generation: z.int(),
    workflow: z.string().nullable(),
    artifact_id: z.string(),
    trigger: z.string(),
    labels,
    priority: z.int(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    submitted_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    duration_ms: z.number().nullable(),
  })
  .openapi("RunItem");

export const explanation = z
  .object({
    summary: z.string(),
    waiting: z.array(
      z.object({
        node: z.string(),
        kind: z.enum(WAIT_KINDS),
        since: time,
        until: time.optional(),
        predecessors: z.array(z.string()).optional(),
        detail: z.string(),
      }),
    ),
  })
  .openapi("Explanation");

export const eventPage = z
  .object({
    items: z.array(z.looseObject({ seq: z.int(), at: time, type: z.string() })),
    next_after: z.int(),
    terminal: z.boolean(),
  })
  .openapi("EventPage");
