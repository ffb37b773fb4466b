/** States of runs in memory, the least recently used dropped first. SQLite is the truth; this only saves folding. */
import { WeightedCache } from "#kernel/weighted-cache.ts";
import type { LoadedRun } from "#store/shard/run-log.ts";

export const CACHE_BYTES_MAX = 32 * 1_048_576;

/** A state's own weight before its events are counted. */
const BASE_BYTES = 2_000;

export class RunCache {
  readonly #runs = new WeightedCache<LoadedRun>(CACHE_BYTES_MAX);

  get(runId: string): LoadedRun | null {
    return this.#runs.get(runId) ?? null;
  }

  /** Keeps a run; `bytes` is what its latest events take, which bounds from above what they added to the state. */
  put(run: LoadedRun, bytes: number): void {
    const id = run.state.run_id;
    this.#runs.set(id, run, (this.#runs.weightOf(id) || BASE_BYTES) + bytes);
  }

  drop(runId: string): void {
    this.#runs.delete(runId);
  }

  get size(): number {
    return this.#runs.size;
  }
}
