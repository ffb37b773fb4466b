/** Words and bounds of bulk jobs: what they may do, how far they are, what is told of them. */
import type { ReplayMode } from "#engine/events.ts";

export const JOB_ACTIONS = ["cancel", "replay"] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

/** `completed`: every run was tried; `failed` counts those for which it did not work. */
export const JOB_STATUSES = ["queued", "running", "completed"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Where a replayed run begins. */
export const REPLAY_STARTS = ["start", "failed_node"] as const;
export type ReplayStart = (typeof REPLAY_STARTS)[number];

/** Runs of one job; a filter that matches more must be narrowed. */
export const JOB_RUNS_MAX = 100_000;

/** Runs that are done together: they travel in one call to their shard, and are counted together. */
export const CHUNK_RUNS = 100;

/** Errors that a job keeps; all of them are counted. */
export const JOB_ERRORS_MAX = 20;

/** Jobs of a tenant that have not ended. */
export const JOBS_UNFINISHED_MAX = 10;

export interface JobError {
  run_id: string;
  code: string;
  message: string;
}

/** How a `replay` job replays; empty for others. */
export interface JobOptions {
  mode?: ReplayMode;
  from?: ReplayStart;
}

export interface JobRecord {
  id: string;
  tenant: string;
  action: JobAction;
  filter: Record<string, string | number>;
  options: JobOptions;
  status: JobStatus;
  matched: number;
  done: number;
  failed: number;
  errors: JobError[];
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}
