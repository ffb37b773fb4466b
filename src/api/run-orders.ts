/** What a caller asks for when a run is to be started: its shape and bounds, and the order that comes of it. */

import { z } from "@hono/zod-openapi";
import { isJsonObject, type JsonObject } from "#kernel/json.ts";
import {
  IDEMPOTENCY_KEY_LENGTH_MAX,
  LABEL_KEY,
  LABEL_VALUE_LENGTH_MAX,
  LABELS_MAX,
  PRIORITY_DEFAULT,
  PRIORITY_MAX,
  WAIT_MS_MAX,
  WORKFLOW_NAME_LENGTH_MAX,
} from "./limits.ts";
import { invalid } from "./route.ts";
import type { RunOrder } from "./start-run.ts";

const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_LENGTH_MAX}}$`);
const IDEMPOTENCY_KEY_RULE = `must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters without spaces`;

const labels = z
  .record(
    z.string().regex(LABEL_KEY, "must be 1 to 64 letters, digits, '.', '_' or '-'"),
    z.string().max(LABEL_VALUE_LENGTH_MAX),
  )
  .refine((record) => Object.keys(record).length <= LABELS_MAX, `at most ${LABELS_MAX} labels`);

const inputs = z
  .custom<JsonObject>(isJsonObject, "must be an object")
  .openapi({ type: "object", additionalProperties: true });

const what = {
  workflow: z
    .string()
    .min(1)
    .max(WORKFLOW_NAME_LENGTH_MAX)
    .optional()
    .openapi({ description: "a tag or an artifact id" }),
  definition: z.unknown().optional().openapi({ description: "a workflow definition, instead of `workflow`" }),
};

const how = {
  inputs: inputs.optional(),
  labels: labels.optional(),
  priority: z.int().min(1).max(PRIORITY_MAX).optional().openapi({ description: "1 is the most urgent" }),
};

const waiting = { wait_ms: z.int().min(0).max(WAIT_MS_MAX).optional() };

const ONE_SOURCE = { message: 'give either "workflow" (a tag or an artifact id) or "definition"' };

function hasOneSource(body: { workflow?: string | undefined; definition?: unknown }): boolean {
  return (body.workflow === undefined) !== (body.definition === undefined);
}

export const startBody = z
  .strictObject({ ...what, ...how, ...waiting })
  .refine(hasOneSource, ONE_SOURCE)
  .openapi("StartRun");

/** The workflow is named by the path. */
export const executeBody = z.strictObject({ ...how, ...waiting }).openapi("ExecuteWorkflow");

/** One of a batch: nobody waits for its end, and its key stands beside it. */
export const batchItem = z
  .strictObject({
    ...what,
    ...how,
    idempotency_key: z.string().regex(IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE).optional(),
  })
  .refine(hasOneSource, ONE_SOURCE)
  .openapi("BatchItem");

interface OrderBody {
  workflow?: string | undefined;
  definition?: unknown;
  inputs?: JsonObject | undefined;
  labels?: Record<string, string> | undefined;
  priority?: number | undefined;
  wait_ms?: number | undefined;
}

export function orderOf(body: OrderBody): RunOrder {
  return {
    ...(body.workflow === undefined ? { definition: body.definition } : { workflow: body.workflow }),
    inputs: body.inputs ?? {},
    labels: body.labels ?? {},
    priority: body.priority ?? PRIORITY_DEFAULT,
    trigger: "api",
    ...(body.wait_ms === undefined ? {} : { wait_ms: body.wait_ms }),
  };
}

export const idempotencyHeaders = z.object({ "idempotency-key": z.string().optional() });

export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw invalid("/headers/Idempotency-Key", IDEMPOTENCY_KEY_RULE);
}
