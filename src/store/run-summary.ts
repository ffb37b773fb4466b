/** A run as lists and the feed show it: from its row in D1, or from its state in the shard. */
import type { RunState, RunStatus } from "#engine/state.ts";
import { visibleStatus } from "#engine/view.ts";
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import type { RunRecord } from "./run-list.ts";

export interface RunSummary {
  run_id: string;
  /** Number of the last event that it shows. */
  seq: number;
  status: RunStatus;
  generation: number;
  workflow: string | null;
  artifact_id: string;
  trigger: string;
  labels: Record<string, string>;
  priority: number;
  error: { code: string; message: string } | null;
  submitted_at: string;
  started_at: string | null;
  ended_at: string | null;
  duration_ms: number | null;
}

export function summaryOfRecord(record: RunRecord): RunSummary {
  const { errorCode, errorMessage } = record;
  return {
    run_id: record.runId,
    seq: record.seq,
    status: record.status,
    generation: record.generation,
    workflow: record.workflow,
    artifact_id: record.artifactId,
    trigger: record.trigger,
    labels: JSON.parse(record.labels) as Record<string, string>,
    priority: record.priority,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? errorCode },
    submitted_at: rfc3339(record.submittedAt),
    started_at: rfc3339OrNull(record.startedAt),
    ended_at: rfc3339OrNull(record.endedAt),
    duration_ms: record.durationMs,
  };
}

export function summaryOfState(state: RunState): RunSummary {
  const { error } = state;
  return {
    run_id: state.run_id,
    seq: state.seq,
    status: visibleStatus(state),
    generation: state.generation,
    workflow: state.workflow,
    artifact_id: state.artifact_id,
    trigger: state.trigger,
    labels: state.labels,
    priority: state.priority,
    error: error === null ? null : { code: error.code, message: error.message },
    submitted_at: rfc3339(state.submitted_at),
    started_at: rfc3339OrNull(state.started_at),
    ended_at: rfc3339OrNull(state.ended_at),
    duration_ms: state.ended_at === null ? null : state.ended_at - state.submitted_at,
  };
}
