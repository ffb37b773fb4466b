/** What a worker measures of one attempt (times are milliseconds since the epoch); kept on the attempt's event. */
import type { Json } from "#kernel/json.ts";

export const WORKERS = ["coordinator", "http-worker", "agent-runner", "hitl-worker"] as const;
export type WorkerName = (typeof WORKERS)[number];

/** Runtime, place and isolate that a job ran in; what cannot be known is null. */
export type SystemFacts = { [key: string]: Json };

export interface TaskMetrics {
  worker: WorkerName;
  sent_at: number;
  start_time: number;
  end_time: number;
  bytes_in: number;
  bytes_out: number;
  system: SystemFacts;
}
