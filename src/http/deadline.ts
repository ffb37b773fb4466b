/** A time limit over a whole exchange: it aborts what listens to its signal and ends waiting for what does not. */

export interface Deadline {
  readonly signal: AbortSignal;
  /** Why it fell, or null while it stands. */
  readonly fallen: "timeout" | "cancelled" | null;
  /** Settles as `promise` does, or rejects as soon as the deadline falls. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Releases the timer; to be called in `finally`. */
  close(): void;
}

/** A deadline `timeoutMs` milliseconds from now, or when `outer` is aborted, whichever comes first. */
export function openDeadline(timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {});
  let fallen: Deadline["fallen"] = null;
  const fall = (why: "timeout" | "cancelled") => {
    if (fallen !== null) return;
    fallen = why;
    const error = new Error(why);
    reject(error);
    controller.abort(error);
  };
  const cancel = () => fall("cancelled");
  const timer = setTimeout(() => fall("timeout"), timeoutMs);
  if (outer?.aborted) cancel();
  else outer?.addEventListener("abort", cancel, { once: true });
  return {
    signal: controller.signal,
    get fallen() {
      return fallen;
    },
    race: (promise) => Promise.race([promise, over]),
    close() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", cancel);
    },
  };
}
