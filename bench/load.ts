/** Load: a number of calls with so many in flight, bounded in time, and how long they took. */
import { setTimeout as sleep } from "node:timers/promises";
import { inFlight } from "../test/support/in-flight.ts";
import { quantile } from "./statistics.ts";

export interface Load {
  count: number;
  inFlight: number;
}

export interface Timing {
  seconds: number;
  per_second: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  max_ms: number;
}

/** One load takes at most this long; what is slower has failed. */
export const LOAD_MS_MAX = 120_000;

/** Rejects with the first failure of `once`, and when the time is up. */
export async function drive(load: Load, once: (n: number) => Promise<void>): Promise<Timing> {
  const controller = new AbortController();
  const timeUp = sleep(LOAD_MS_MAX, undefined, { signal: controller.signal, ref: false }).then(() => {
    throw new Error(`${load.count} calls took more than ${LOAD_MS_MAX / 1_000} s`);
  });
  timeUp.catch(() => {});
  const from = performance.now();
  try {
    const calls = inFlight(load.count, load.inFlight, async (n) => {
      const started = performance.now();
      await once(n);
      return performance.now() - started;
    });
    const sorted = (await Promise.race([calls, timeUp])).toSorted((left, right) => left - right);
    const seconds = (performance.now() - from) / 1_000;
    return {
      seconds,
      per_second: load.count / seconds,
      p50_ms: quantile(sorted, 0.5),
      p95_ms: quantile(sorted, 0.95),
      p99_ms: quantile(sorted, 0.99),
      max_ms: sorted.at(-1) ?? Number.NaN,
    };
  } finally {
    controller.abort();
  }
}
