/** The read model of runs: from a run's state to its narrow row in D1, many rows a statement. */

import type { ReadStored } from "#engine/scope.ts";
import { Scope } from "#engine/scope.ts";
import type { RunState } from "#engine/state.ts";
import { visibleStatus } from "#engine/view.ts";
import { type JsonObject, utf8Length } from "#kernel/json.ts";
import type { CompiledGraph } from "#workflow/graph.ts";

/** Outputs up to this size stand in the run's row; D1 rows are billed and read by the row, so they stay narrow. */
export const PROJECTED_OUTPUT_BYTES_MAX = 4_096;

/** Rows and text of one statement (a bound parameter may have 2 MB). */
export const PROJECTION_ROWS_MAX = 500;
export const PROJECTION_UNITS_MAX = 500_000;

const COLUMNS = [
  "run_id",
  "tenant",
  "seq",
  "status",
  "generation",
  "workflow",
  "artifact_id",
  "trigger",
  "labels",
  "priority",
  "error_code",
  "error_message",
  "submitted_at",
  "started_at",
  "ended_at",
  "duration_ms",
  "outputs",
] as const;

type Column = (typeof COLUMNS)[number];
export type RunRow = Record<Column, string | number | null>;

/** An upsert of many rows from one JSON parameter; a row that D1 knows in a later state, or as another tenant's, is left alone. */
export const UPSERT_RUNS = `INSERT INTO runs (${COLUMNS.join(", ")})
SELECT ${COLUMNS.map((column) => `value ->> '${column}'`).join(", ")} FROM json_each(?1) WHERE true
ON CONFLICT (run_id) DO UPDATE SET ${COLUMNS.filter((column) => column !== "run_id" && column !== "tenant")
  .map((column) => `${column} = excluded.${column}`)
  .join(", ")} WHERE excluded.seq > runs.seq AND excluded.tenant = runs.tenant`;

export function runRow(state: RunState, graph: CompiledGraph, readStored: ReadStored): RunRow {
  return {
    run_id: state.run_id,
    tenant: state.tenant,
    seq: state.seq,
    status: visibleStatus(state),
    generation: state.generation,
    workflow: state.workflow,
    artifact_id: state.artifact_id,
    trigger: state.trigger,
    labels: JSON.stringify(state.labels),
    priority: state.priority,
    error_code: state.error?.code ?? null,
    error_message: state.error?.message ?? null,
    submitted_at: state.submitted_at,
    started_at: state.started_at,
    ended_at: state.ended_at,
    duration_ms: state.ended_at === null ? null : state.ended_at - state.submitted_at,
    outputs: state.status === "completed" ? smallOutputs(state, graph, readStored) : null,
  };
}

function smallOutputs(state: RunState, graph: CompiledGraph, readStored: ReadStored): string | null {
  const completed = graph.terminals.filter((id) => state.nodes.get(id)?.status === "completed");
  const isLarge = completed.some((id) => {
    const output = state.nodes.get(id)?.output;
    return output !== null && output !== undefined && "stored_bytes" in output;
  });
  if (isLarge) return null;
  const scope = new Scope(state, graph, readStored);
  const outputs: JsonObject = Object.fromEntries(completed.map((id) => [id, scope.output(id)]));
  const text = JSON.stringify(outputs);
  return utf8Length(text) <= PROJECTED_OUTPUT_BYTES_MAX ? text : null;
}

/** Rows as the JSON parameters of as few statements as the bounds allow. */
export function rowBatches(rows: readonly object[]): string[] {
  const batches: string[] = [];
  let batch: string[] = [];
  let units = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (batch.length === PROJECTION_ROWS_MAX || (batch.length > 0 && units + text.length > PROJECTION_UNITS_MAX)) {
      batches.push(`[${batch.join(",")}]`);
      batch = [];
      units = 0;
    }
    batch.push(text);
    units += text.length;
  }
  if (batch.length > 0) batches.push(`[${batch.join(",")}]`);
  return batches;
}
