/** What is told of a run: its view, its details, its events. Reads what the shard holds and changes nothing. */
import { approvalViews } from "#engine/approval-view.ts";
import { eventView } from "#engine/event-view.ts";
import type { RunEvent } from "#engine/events.ts";
import { type Explanation, explainRun } from "#engine/explain.ts";
import { type PatchView, patchViews } from "#engine/patch-view.ts";
import { isTerminal, type RunState } from "#engine/state.ts";
import { nodeExecutions, type RunView, runView } from "#engine/view.ts";
import type { JsonObject } from "#kernel/json.ts";
import { approvalRow } from "#store/approval-projection.ts";
import { type RunRow, runRow } from "#store/projection.ts";
import type { EventPage, RunDetails } from "#store/shard/protocol.ts";
import type { LoadedRun, LogRow, RunLog } from "#store/shard/run-log.ts";
import type { Measured } from "#telemetry/metrics/run-figures.ts";
import type { Point } from "#telemetry/point.ts";
import type { PointOrigin } from "#telemetry/points.ts";
import { type RunLogPage, type RunLogQuery, runLogPage } from "#telemetry/run-logs.ts";
import { describeNode, pointsOf } from "#telemetry/run-points.ts";
import { type TelemetryOrigin, traceDocument } from "#telemetry/traces/otlp.ts";
import { type DescribeNode, spansOf, spansOfGeneration } from "#telemetry/traces/run-spans.ts";
import type { Span } from "#telemetry/traces/span.ts";
import type { ProjectedRows } from "./projector.ts";
import type { OldRun } from "./retention.ts";
import type { Transitions } from "./transitions.ts";

/** A generation of a run that has ended. */
export interface EndedRun {
  /** The log up to its end. */
  events: RunEvent[];
  spans: Span[];
}

export class RunReader {
  readonly #runs: RunLog;
  readonly #transitions: Transitions;

  constructor(runs: RunLog, transitions: Transitions) {
    this.#runs = runs;
    this.#transitions = transitions;
  }

  /** The run of this tenant; another tenant's is an absent one. */
  find(tenant: string, runId: string): LoadedRun | null {
    const run = this.#transitions.load(runId);
    return run?.state.tenant === tenant ? run : null;
  }

  view({ state }: LoadedRun): RunView {
    return runView(state, this.#transitions.graphOf(state), this.#transitions.readStored(state.run_id));
  }

  details(run: LoadedRun): RunDetails {
    const { state } = run;
    const graph = this.#transitions.graphOf(state);
    return {
      ...this.view(run),
      definition: graph.definition as unknown as JsonObject,
      node_executions: nodeExecutions(state, graph, this.#transitions.readStored(state.run_id)),
      patches: this.patches(run),
      approvals: approvalViews(state),
    };
  }

  patches({ state }: LoadedRun): PatchView[] {
    return patchViews(state, this.#transitions.readStored(state.run_id));
  }

  explain({ state }: LoadedRun, nowMs: number): Explanation {
    return explainRun(state, this.#transitions.graphOf(state), nowMs);
  }

  /** Events after a position, with the position that the next page begins after. */
  events({ state }: LoadedRun, after: number, limit: number): EventPage {
    const events = this.#runs.events(state.run_id, after, limit);
    const nextAfter = events.at(-1)?.seq ?? after;
    const terminal = isTerminal(state.status) && nextAfter >= state.seq;
    return { items: events.map(eventView), next_after: nextAfter, terminal };
  }

  /** The run's row for D1; null when the shard does not hold the run. */
  row(runId: string): RunRow | null {
    const state = this.#transitions.load(runId)?.state;
    if (state === undefined) return null;
    return runRow(state, this.#transitions.graphOf(state), this.#transitions.readStored(runId));
  }

  /** What D1 shows of a run: its row, and a row for each approval that it has asked for. */
  rows(runId: string): ProjectedRows | null {
    const state = this.#transitions.load(runId)?.state;
    const run = this.row(runId);
    if (state === undefined || run === null) return null;
    return { run, approvals: approvalViews(state).map((view) => approvalRow(state.tenant, view)) };
  }

  /** What the run of a transition and its events are measured as. */
  points({ run_id, events }: LogRow, origin: PointOrigin): Point[] {
    const state = this.#transitions.load(run_id)?.state;
    if (state === undefined) return [];
    return pointsOf(events, state, this.#describe(state), origin);
  }

  /** The run's log records that a reader asks for. */
  logs({ state }: LoadedRun, query: RunLogQuery): RunLogPage {
    const { run_id, tenant, status } = state;
    return runLogPage(this.#allEvents(run_id), { run_id, tenant, hasEnded: isTerminal(status) }, query);
  }

  /** The run's trace as OTLP/JSON. */
  trace({ state }: LoadedRun, origin: TelemetryOrigin): string {
    return JSON.stringify(traceDocument(spansOf(this.#allEvents(state.run_id), this.#describe(state)), origin));
  }

  /** The generation of a run that event `seq` has ended; null when the shard does not hold the run. */
  ended(runId: string, seq: number): EndedRun | null {
    const state = this.#transitions.load(runId)?.state;
    if (state === undefined) return null;
    const events = this.#allEvents(runId).filter((event) => event.seq <= seq);
    const reopened = events.findLast((event) => event.type === "run.reopened");
    return { events, spans: spansOfGeneration(events, reopened?.generation ?? 1, this.#describe(state)) };
  }

  #allEvents(runId: string): RunEvent[] {
    return this.#runs.events(runId, 0, Number.POSITIVE_INFINITY);
  }

  #describe(state: RunState): DescribeNode {
    const { nodes } = this.#transitions.graphOf(state);
    return (path) => describeNode(nodes, path);
  }

  /** A run as its events are counted; one that cannot be read is still counted. */
  measured(runId: string): Measured {
    try {
      const state = this.#transitions.load(runId)?.state ?? null;
      if (state !== null) {
        const { nodes } = this.#transitions.graphOf(state);
        return { runId, state, describe: (path) => describeNode(nodes, path) };
      }
    } catch {
      // Whoever serves the run says so.
    }
    return { runId, state: null, describe: () => null };
  }

  /** Everything that is known of a run, for its archive. */
  whole(runId: string): OldRun | null {
    const run = this.#transitions.load(runId);
    const row = this.row(runId);
    if (run === null || row === null) return null;
    const { tenant, seq } = run.state;
    const events = this.#allEvents(runId);
    return { tenant, seq, row, archive: { v: 1, details: this.details(run), events } };
  }
}
