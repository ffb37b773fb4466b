/** Callers that wait for a run to end, up to a bound for the shard; the others are answered at once. */

export const WAITERS_MAX = 1_000;

export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  /** Resolves when the run ends or the time is up, whichever comes first; at once when too many wait already. */
  wait(runId: string, waitMs: number): Promise<void> {
    if (waitMs <= 0 || this.#count >= WAITERS_MAX) return Promise.resolve();
    this.#count += 1;
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(runId) ?? new Set();
      this.#waiting.set(runId, waiting);
      const finish = () => {
        clearTimeout(timer);
        if (!waiting.delete(finish)) return;
        if (waiting.size === 0) this.#waiting.delete(runId);
        this.#count -= 1;
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      waiting.add(finish);
    });
  }

  ended(runId: string): void {
    for (const finish of [...(this.#waiting.get(runId) ?? [])]) finish();
  }
}
