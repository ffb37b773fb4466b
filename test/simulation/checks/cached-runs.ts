/** The runs that a life of the coordinator holds in memory, seen where it puts them. */
import type { LoadedRun } from "#store/shard/run-log.ts";
import { RunCache } from "../../../workers/coordinator/run-cache.ts";
import type { Owner, Timeline } from "../platform/timeline.ts";

const held = new WeakMap<Owner, Map<string, LoadedRun>>();

export function cachedRuns(life: Owner): Map<string, LoadedRun> {
  let runs = held.get(life);
  if (runs === undefined) {
    runs = new Map();
    held.set(life, runs);
  }
  return runs;
}

let watching: Timeline | null = null;

/** From now on what is cached is noted as that of whoever's code runs in this timeline. */
export function watchCaches(timeline: Timeline): void {
  watching = timeline;
}

const { put, drop } = RunCache.prototype;

RunCache.prototype.put = function (this: RunCache, run: LoadedRun, bytes: number): void {
  put.call(this, run, bytes);
  if (watching !== null) cachedRuns(watching.current).set(run.state.run_id, run);
};

RunCache.prototype.drop = function (this: RunCache, runId: string): void {
  drop.call(this, runId);
  if (watching !== null) cachedRuns(watching.current).delete(runId);
};
