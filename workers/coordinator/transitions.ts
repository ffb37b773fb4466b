/**
 * Carries one transition through: load the run, let the engine plan, write what it planned, and perform the effects
 * once the commit holds. Everything before the commit is synchronous.
 */

import type { SystemFacts } from "#engine/metrics.ts";
import { definitionOf } from "#engine/patches.ts";
import { type Plan, type PlanInput, plan, planStart, type RunRequest } from "#engine/plan.ts";
import type { PriorResults } from "#engine/prior-results.ts";
import type { ReadStored } from "#engine/scope.ts";
import { isTerminal, type RunState } from "#engine/state.ts";
import type { EngineContext } from "#engine/transition.ts";
import { invariant } from "#kernel/errors.ts";
import type { DelegatedRuns } from "#store/shard/delegated-runs.ts";
import type { Graphs } from "#store/shard/graphs.ts";
import type { LoadedRun, RunLog } from "#store/shard/run-log.ts";
import type { Logger } from "#telemetry/log.ts";
import { type CompiledGraph, compileGraph } from "#workflow/graph.ts";
import type { Alarm } from "./alarm.ts";
import type { Children } from "./children.ts";
import type { Commit } from "./commit-group.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Feed } from "./feed.ts";
import { PROJECTION_DELAY_MS } from "./projector.ts";
import type { RunCache } from "./run-cache.ts";
import type { Streams } from "./streams.ts";
import { ValueCache } from "./value-cache.ts";
import type { Waiters } from "./waiters.ts";

export interface TransitionParts {
  runs: RunLog;
  graphs: Graphs;
  cache: RunCache;
  delegated: DelegatedRuns;
  dispatcher: Dispatcher;
  waiters: Waiters;
  streams: Streams;
  feed: Feed;
  alarm: Alarm;
  children: Children;
  logger: Logger;
  /** The `system` part of what the coordinator measures. */
  describeSystem(nowMs: number): SystemFacts;
  /** Asks for the rest of a transition that was cut, in a later turn. */
  goOn(runId: string): void;
}

export interface Changed {
  run: LoadedRun;
  planned: Plan;
}

export class Transitions {
  readonly #parts: TransitionParts;
  readonly #values = new ValueCache();

  constructor(parts: TransitionParts) {
    this.#parts = parts;
  }

  /** The run as it stands; null when this shard does not hold it. */
  load(runId: string): LoadedRun | null {
    const { cache, runs } = this.#parts;
    const known = cache.get(runId);
    if (known !== null) return known;
    const loaded = runs.load(runId);
    if (loaded !== null) cache.put(loaded, loaded.units);
    return loaded;
  }

  /** The graph of the run as it is now. */
  graphOf(state: RunState): CompiledGraph {
    const base = this.#baseOf(state);
    if (state.applied.length === 0) return base;
    return this.#parts.graphs.patched(state.run_id, state.applied, () =>
      compileGraph(definitionOf(state, base.definition, this.readStored(state.run_id))),
    );
  }

  /** The graph that the run began with. */
  #baseOf(state: RunState): CompiledGraph {
    const graph = this.#parts.graphs.get(state.tenant, state.artifact_id);
    invariant(graph !== null, `the shard holds the artifact of ${state.run_id}`);
    return graph;
  }

  readStored(runId: string): ReadStored {
    const { runs } = this.#parts;
    return (path, visit) => this.#values.read(`${runId}/${path}/${visit}`, () => runs.values.read(runId, path, visit));
  }

  contextOf(state: RunState): EngineContext {
    return {
      graph: this.graphOf(state),
      base: this.#baseOf(state).definition,
      nowMs: Date.now(),
      readStored: this.readStored(state.run_id),
    };
  }

  /** Begins a run of an artifact that the shard holds. */
  start(request: RunRequest, graph: CompiledGraph, commit: Commit, prior?: PriorResults): LoadedRun {
    const { runs } = this.#parts;
    commit.undo(() => this.#takeBack(request.run_id));
    const nowMs = Date.now();
    const context = {
      graph,
      nowMs,
      readStored: this.readStored(request.run_id),
      system: this.#parts.describeSystem(nowMs),
    };
    const planned = planStart(request, context, prior);
    this.#storeValues(planned);
    const { run, units } = runs.create(planned.state, planned.events, wakeAt(planned));
    this.#keep(run, units, planned, commit);
    this.#followParent(run, commit);
    return run;
  }

  /** Hands an input to a run; null when this shard does not hold it. */
  change(runId: string, input: PlanInput, commit: Commit): Changed | null {
    const { graphs, runs } = this.#parts;
    const run = this.load(runId);
    if (run === null) return null;
    commit.undo(() => this.#takeBack(runId));
    const planned = plan(run.state, input, this.contextOf(run.state));
    this.#storeValues(planned);
    const units = runs.append(run, planned.events, wakeAt(planned));
    if (input.type === "tick") runs.correctDueAt(run, wakeAt(planned));
    if (planned.graph !== undefined) graphs.keepPatched(runId, run.state.applied, planned.graph);
    this.#keep(run, units, planned, commit);
    return { run, planned };
  }

  /** A run that an agent starts ends with the agent's run; that one may have ended while this one was on its way. */
  #followParent({ state }: LoadedRun, commit: Commit): void {
    const { parent, run_id: runId } = state;
    if (parent === null || state.trigger !== "agent" || isTerminal(state.status)) return;
    this.#parts.delegated.begun(parent.run_id, runId);
    const above = this.load(parent.run_id);
    if (above !== null && isTerminal(above.state.status)) this.#cancelDelegated(runId, commit);
  }

  #cancelDelegated(runId: string, commit: Commit): void {
    this.#changeRelative(runId, { type: "cancel", reason: "the run of the agent that asked for it has ended" }, commit);
  }

  /** What agents of a run that has ended still have others do is given up, whether or not its worker lives. */
  #endDelegated({ state }: LoadedRun, commit: Commit): void {
    const { delegated } = this.#parts;
    if (state.parent !== null && state.trigger === "agent") delegated.ended(state.parent.run_id, state.run_id);
    const { nodes } = this.graphOf(state).definition;
    // Runs without agents, which are most, are spared the question.
    if (!nodes.some(({ type }) => type === "agent")) return;
    for (const runId of delegated.of(state.run_id)) this.#cancelDelegated(runId, commit);
  }

  /** A child's end and a parent's are told in the same commit: both live in this shard. */
  #tellRelatives(planned: Plan, commit: Commit): void {
    for (const effect of planned.effects) {
      if (effect.type === "tell_parent") {
        const { parent, child, outcome } = effect;
        const { path, visit } = parent;
        this.#changeRelative(parent.run_id, { type: "child_ended", path, visit, child, outcome }, commit);
      } else if (effect.type === "cancel_child") {
        this.#changeRelative(
          effect.run_id,
          { type: "cancel", reason: "its parent does not wait for it any more" },
          commit,
        );
      }
    }
  }

  /** A relative that cannot be told keeps nobody from ending; the next look after the child tells it again. */
  #changeRelative(runId: string, input: PlanInput, commit: Commit): void {
    try {
      this.change(runId, input, commit);
    } catch (error) {
      this.#takeBack(runId);
      this.#parts.logger.error("a relative of a run could not be told", {
        run_id: runId,
        input_type: input.type,
        error,
      });
    }
  }

  /** A transition was rolled back: memory forgets what it believed of it. */
  #takeBack(runId: string): void {
    this.#parts.cache.drop(runId);
    this.#values.forget();
  }

  #storeValues(planned: Plan): void {
    for (const effect of planned.effects) {
      if (effect.type !== "store") continue;
      this.#parts.runs.values.store(planned.state.run_id, effect.path, effect.visit, effect.text);
    }
  }

  #keep(run: LoadedRun, units: number, planned: Plan, commit: Commit): void {
    const { alarm, cache, children, dispatcher, feed, goOn, runs, streams, waiters } = this.#parts;
    const { run_id: runId, status, tenant } = run.state;
    cache.put(run, units);
    const rowId = runs.lastId;
    this.#tellRelatives(planned, commit);
    if (isTerminal(status) && planned.events.length > 0) this.#endDelegated(run, commit);
    const wanted = planned.effects.flatMap((effect) => (effect.type === "child" ? [effect.request] : []));
    if (wanted.length > 0) commit.after(() => children.ensure(wanted));
    if (planned.events.length === 0) return;
    const tasks = planned.effects.flatMap((effect) => (effect.type === "dispatch" ? [effect.task] : []));
    commit.after(() => {
      dispatcher.send(tasks, rowId);
      if (isTerminal(status)) waiters.ended(runId);
      streams.changed(runId);
      // Each row holds one event at least.
      feed.changed(tenant, rowId - planned.events.length + 1);
      if (isCut(planned)) goOn(runId);
      alarm.noLaterThan(Math.min(run.dueAt ?? Number.POSITIVE_INFINITY, Date.now() + PROJECTION_DELAY_MS));
    });
  }
}

function isCut(planned: Plan): boolean {
  return planned.effects.some((effect) => effect.type === "continue");
}

/** A transition that was cut must go on even if the object is lost before it does. */
function wakeAt(planned: Plan): number | null {
  return isCut(planned) ? Date.now() : null;
}
