/** Points of a queue's batch: one for the batch, and one for each message that comes again or was given up. */
import type { Point } from "./point.ts";
import { makePoint, POINTS_PER_INVOCATION_MAX, type PointOrigin } from "./points.ts";
import { traceIdOf } from "./traces/ids.ts";

/** Queue of what exhausted its retries. */
export const DEAD_QUEUE = "weir-dead";

export interface MeasuredBatch {
  queue: string;
  messages: readonly { id: string; timestamp: Date; attempts: number; body: unknown }[];
  metadata?: { metrics?: { backlogCount?: number; oldestMessageTimestamp?: Date | undefined } };
}

export function batchPoints(batch: MeasuredBatch, { env, version }: PointOrigin, nowMs: number): Point[] {
  const [first] = batch.messages;
  if (first === undefined) return [];
  const { queue, messages } = batch;
  const metrics = batch.metadata?.metrics;
  const oldest = metrics?.oldestMessageTimestamp;
  const common = {
    env,
    version,
    queue,
    batch_id: first.id,
    batch_size: messages.length,
    backlog: metrics?.backlogCount,
    oldest_age_ms: oldest === undefined ? 0 : Math.max(0, nowMs - new Date(oldest).getTime()),
  };
  const isDead = queue === DEAD_QUEUE;
  const longest = Math.max(...messages.map(({ timestamp }) => nowMs - timestamp.getTime()));
  const whole = { ...common, outcome: "ok", action: "ack", queue_wait_ms: Math.max(0, longest), attempt: 1 };
  const singled = messages.filter(({ attempts }) => isDead || attempts > 1);
  return [
    makePoint("weir_queue", nowMs, queue, whole),
    ...singled.map(({ attempts, timestamp, body }) => {
      const { tenant, run_id, path } = (body ?? {}) as { tenant?: unknown; run_id?: unknown; path?: unknown };
      const text = (value: unknown) => (typeof value === "string" ? value : "");
      return makePoint("weir_queue", nowMs, queue, {
        ...common,
        tenant: text(tenant),
        run_id: text(run_id),
        trace_id: text(run_id) === "" ? "" : traceIdOf(text(run_id)),
        node_id: text(path),
        outcome: "error",
        action: isDead ? "dlq" : "retry",
        queue_wait_ms: Math.max(0, nowMs - timestamp.getTime()),
        attempt: attempts,
      });
    }),
  ].slice(0, POINTS_PER_INVOCATION_MAX);
}
