/**
 * Tasks on the queues: how one travels and how several are cut into batches. A message carries the rendered config
 * while it is small; a larger config stays in the shard and is fetched by the worker.
 */
import { z } from "zod";
import type { Task } from "#engine/task.ts";
import { utf8Length } from "#kernel/json.ts";

/** Above this the config stays behind and the message carries a reference. */
export const MESSAGE_CONFIG_BYTES_MAX = 16_000;

/** Bounds of one `sendBatch` (the platform's are 100 messages and 256 KB). */
export const BATCH_MESSAGES_MAX = 100;
export const BATCH_BYTES_MAX = 240_000;

export const taskMessageSchema = z.object({
  v: z.literal(1),
  run_id: z.string(),
  path: z.string(),
  visit: z.int(),
  attempt: z.int(),
  tenant: z.string(),
  workflow: z.string().nullable(),
  timeout_ms: z.int().positive(),
  sent_at: z.number(),
  /** Null: ask the shard for it. */
  config: z.record(z.string(), z.json()).nullable(),
});
export type TaskMessage = z.infer<typeof taskMessageSchema>;

export function taskMessage(task: Task, sentAt: number): { message: TaskMessage; bytes: number } {
  const configBytes = utf8Length(JSON.stringify(task.config));
  const carried = configBytes <= MESSAGE_CONFIG_BYTES_MAX;
  const message: TaskMessage = {
    v: 1,
    run_id: task.run_id,
    path: task.path,
    visit: task.visit,
    attempt: task.attempt,
    tenant: task.tenant,
    workflow: task.workflow,
    timeout_ms: task.timeout_ms,
    sent_at: sentAt,
    config: carried ? task.config : null,
  };
  // Everything but the config is bounded by the length of ids and tags.
  return { message, bytes: (carried ? configBytes : 0) + 600 };
}

/** Cuts messages into batches within the platform's bounds, in order. */
export function cutBatches<Item extends { bytes: number }>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (batch.length === BATCH_MESSAGES_MAX || (batch.length > 0 && bytes + item.bytes > BATCH_BYTES_MAX)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += item.bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
