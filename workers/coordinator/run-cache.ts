/** States of runs in memory, the least recently used dropped first. SQLite is the truth; this only saves folding. */
import type { LoadedRun } from "#store/shard/run-log.ts";

export const CACHE_BYTES_MAX = 32 * 1_048_576;

/** A state's own weight before its events are counted. */
const BASE_BYTES = 2_000;

export class RunCache {
  readonly #runs = new Map<string, { run: LoadedRun; bytes: number }>();
  #bytes = 0;

  get(runId: string): LoadedRun | null {
    const entry = this.#runs.get(runId);
    if (entry === undefined) return null;
    this.#runs.delete(runId);
    this.#runs.set(runId, entry);
    return entry.run;
  }

  /** Keeps a run; `bytes` is what its latest events take, which bounds from above what they added to the state. */
  put(run: LoadedRun, bytes: number): void {
    const id = run.state.run_id;
    const known = this.#runs.get(id);
    const added = known === undefined ? BASE_BYTES + bytes : bytes;
    this.#runs.delete(id);
    this.#runs.set(id, { run, bytes: (known?.bytes ?? 0) + added });
    this.#bytes += added;
    for (const oldest of this.#runs.keys()) {
      if (this.#bytes <= CACHE_BYTES_MAX) break;
      this.drop(oldest);
    }
  }

  drop(runId: string): void {
    const entry = this.#runs.get(runId);
    if (entry === undefined) return;
    this.#runs.delete(runId);
    this.#bytes -= entry.bytes;
  }

  get size(): number {
    return this.#runs.size;
  }
}
