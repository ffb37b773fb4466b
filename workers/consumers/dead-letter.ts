/** The dead-letter queue: what exhausted its retries is kept, and the attempt it was for fails, so that its run goes on. */

import type { DrizzleD1Database } from "drizzle-orm/d1";
import { nodeError } from "#kernel/errors.ts";
import { keepDeadLetter } from "#store/dead-letters.ts";
import type { Shards } from "#store/shards.ts";
import { taskMessageSchema } from "#store/task-message.ts";
import { deadLetters } from "#telemetry/catalogue/traffic-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";

const REDELIVERY_DELAY_S = 10;

export interface DeadLetterServices {
  database: DrizzleD1Database;
  shards: Shards;
  logger: Logger;
  metrics?: MetricRecorder;
}

export async function handleDeadLetters(batch: MessageBatch, services: DeadLetterServices): Promise<void> {
  for (const message of batch.messages) {
    try {
      await handle(message, batch.queue, services);
      message.ack();
    } catch (error) {
      services.logger.error("a dead letter could not be handled", { message: message.id, error });
      message.retry({ delaySeconds: REDELIVERY_DELAY_S });
    }
  }
}

async function handle(message: Message, queue: string, services: DeadLetterServices): Promise<void> {
  const { database, shards } = services;
  const nowMs = Date.now();
  const task = taskMessageSchema.safeParse(message.body).data;
  await keepDeadLetter(
    database,
    {
      id: message.id,
      queue,
      tenant: task?.tenant ?? null,
      runId: task?.run_id ?? null,
      node: task?.path ?? null,
      attempts: message.attempts,
      reason: "retries exhausted",
      body: message.body,
    },
    nowMs,
  );
  services.metrics?.count(deadLetters, [queue]);
  const address = task === undefined ? null : shards.addressOf(task.run_id);
  if (task === undefined || address === null) return;
  const { tenant, run_id, path, visit, attempt } = task;
  const error = nodeError("dead_lettered", "no worker could handle the task within the queue's retries");
  const times = { sent_at: task.sent_at, start_time: nowMs, end_time: nowMs };
  const metrics = { worker: "http-worker" as const, ...times, bytes_in: 0, bytes_out: 0, system: {} };
  const result = { tenant, run_id, path, visit, attempt, outcome: { ok: false as const, error }, metrics };
  const [outcome] = await shards.call(address, (shard) => shard.tasksEnded([result]));
  // It is kept already; the queue's next delivery tries to tell the run once more.
  if (outcome === "failed") throw new Error(`the run ${run_id} could not be told`);
}
