/** The queues of this deployment by name, and how long their oldest message has waited. */
import type { Env } from "./env.ts";

export function queuesOf(env: Env): Record<string, Pick<Queue, "metrics">> {
  return { "weir-http": env.WEIR_HTTP, "weir-agent": env.WEIR_AGENT, "weir-dead": env.WEIR_DEAD };
}

/** Milliseconds; 0 for an empty queue, and where the platform does not say. */
export function oldestAgeMs({ backlogCount, oldestMessageTimestamp: oldest }: QueueMetrics, nowMs: number): number {
  return backlogCount === 0 || oldest === undefined ? 0 : Math.max(0, nowMs - new Date(oldest).getTime());
}
