/**
 * A batch of tasks from a queue, whatever the worker: parse, execute with bounded parallelism, report, acknowledge.
 * Never throws: each message ends on its own, so that one bad message fails one node (invariant 12).
 */
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { TaskMetrics, WorkerName } from "#engine/metrics.ts";
import type { TaskOutcome } from "#engine/task.ts";
import { nodeError } from "#kernel/errors.ts";
import type { ShardAddress } from "#kernel/ids.ts";
import { type Json, type JsonObject, utf8Length } from "#kernel/json.ts";
import { inParallel } from "#kernel/parallel.ts";
import { keepDeadLetter } from "#store/dead-letters.ts";
import type { Shards } from "#store/shards.ts";
import { type TaskMessage, taskMessageSchema } from "#store/task-message.ts";
import { deadLetters } from "#telemetry/catalogue/traffic-metrics.ts";
import type { Logger } from "#telemetry/log.ts";
import type { MetricRecorder } from "#telemetry/metrics/recorder.ts";
import { Announcer } from "./announcer.ts";
import { Reporter } from "./reporter.ts";

export interface Execution {
  outcome: TaskOutcome;
  bytesIn: number;
  bytesOut: number;
  /** What only some workers measure. */
  measured?: Pick<TaskMetrics, "llm" | "result_cache_hit" | "calls" | "calls_omitted">;
  /** What the run's reader should know. */
  warnings?: string[];
}

export interface TaskWorker {
  name: WorkerName;
  /** Tasks executed side by side within a batch. */
  parallelism: number;
  /** A task that still runs after this is announced; by default those that take longer than most. */
  announceAfterMs?: number;
  /** One attempt; aborted when the run does not want it any more. */
  execute(task: TaskMessage, config: JsonObject, signal: AbortSignal): Promise<Execution>;
  /** The `system` part of a job's metrics. */
  describeSystem(): { [key: string]: Json };
}

export interface BatchServices {
  database: DrizzleD1Database;
  shards: Shards;
  logger: Logger;
  metrics?: MetricRecorder;
  /**
   * Set by the local runtime, whose queues hand over one batch at a time: a task that takes longer lets go of its batch
   * and goes on under this, so that one slow server does not hold up every other run. Its message is then taken as
   * acknowledged; the deadline of its announced start, and the hand-over after a lost process, stand in for it.
   */
  goOnInBackground: ((work: Promise<void>) => void) | null;
}

/** A local task lets go of its batch after this; by then its start has been announced. */
export const LET_GO_AFTER_MS = 750;

/** Pause before the queue delivers a message again that could not be handled for a reason of ours. */
const REDELIVERY_DELAY_S = 2;

export async function handleTaskBatch(batch: MessageBatch, worker: TaskWorker, services: BatchServices): Promise<void> {
  const { shards, logger } = services;
  const reporter = new Reporter(shards, logger);
  const announcer = new Announcer(shards, logger);
  const handleSafely = async (message: Message): Promise<void> => {
    try {
      await reporter.during(() => handle(message, batch.queue, worker, services, reporter, announcer));
    } catch (error) {
      logger.error("a task could not be handled", { queue: batch.queue, message: message.id, error });
      message.retry({ delaySeconds: REDELIVERY_DELAY_S });
    }
  };
  const { goOnInBackground } = services;
  await inParallel(batch.messages, worker.parallelism, async (message) => {
    const handled = handleSafely(message);
    if (goOnInBackground === null) return handled;
    const inTime = await Promise.race([handled.then(() => true), scheduler.wait(LET_GO_AFTER_MS).then(() => false)]);
    if (inTime) return;
    message.ack();
    goOnInBackground(handled.then(() => reporter.drain()));
  });
  await reporter.drain();
}

async function handle(
  message: Message,
  queue: string,
  worker: TaskWorker,
  services: BatchServices,
  reporter: Reporter,
  announcer: Announcer,
): Promise<void> {
  const { database, shards } = services;
  const parsed = taskMessageSchema.safeParse(message.body);
  const address = parsed.success ? shards.addressOf(parsed.data.run_id) : null;
  if (!parsed.success || address === null) {
    // No node is waiting that could be told; a later delivery would not read any better.
    const reason = parsed.success ? "the run id names no shard" : "the message is not a task";
    const { id, attempts, body } = message;
    const letter = { id, queue, attempts, reason, body, tenant: null, runId: null, node: null };
    await keepDeadLetter(database, letter, Date.now());
    services.metrics?.count(deadLetters, [queue]);
    message.ack();
    return;
  }
  const task = parsed.data;
  const { tenant, run_id, path, visit, attempt } = task;
  const identity = { run_id, path, visit, attempt };
  const config = task.config ?? (await shards.call(address, (shard) => shard.taskConfig(tenant, identity)));
  if (config === null) {
    // Nobody waits for it any more.
    message.ack();
    return;
  }
  const startTime = Date.now();
  const { execution, wanted } = await execute(task, config as JsonObject, worker, address, announcer);
  if (!wanted) {
    message.ack();
    return;
  }
  const metrics: TaskMetrics = {
    worker: worker.name,
    sent_at: task.sent_at,
    start_time: startTime,
    end_time: Date.now(),
    bytes_in: execution.bytesIn,
    bytes_out: execution.bytesOut,
    system: worker.describeSystem(),
    ...execution.measured,
  };
  const { outcome, warnings = [] } = execution;
  const result = { tenant, ...identity, outcome, metrics, ...(warnings.length === 0 ? {} : { warnings }) };
  const bytes = outcome.ok ? utf8Length(JSON.stringify(outcome)) : 1_000;
  reporter.report(address, { result, bytes, message });
}

async function execute(
  task: TaskMessage,
  config: JsonObject,
  worker: TaskWorker,
  address: ShardAddress,
  announcer: Announcer,
): Promise<{ execution: Execution; wanted: boolean }> {
  const controller = new AbortController();
  const { tenant, run_id, path, visit, attempt } = task;
  const finish = announcer.announceLater(address, {
    start: { tenant, run_id, path, visit, attempt, worker: worker.name },
    drop: () => controller.abort(),
    ...(worker.announceAfterMs === undefined ? {} : { afterMs: worker.announceAfterMs }),
  });
  try {
    const execution = await worker.execute(task, config, controller.signal);
    return { execution, wanted: !controller.signal.aborted };
  } catch (error) {
    // A bug of the worker fails this attempt, not the batch.
    const message = `the worker failed: ${error instanceof Error ? error.name : "unknown error"}`;
    const outcome = { ok: false as const, error: nodeError("internal", message) };
    return { execution: { outcome, bytesIn: 0, bytesOut: 0 }, wanted: true };
  } finally {
    finish();
  }
}
