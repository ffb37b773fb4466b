/** A run's events as they happen, from a position on: what is there, then what comes, until nothing can follow. */
import type { RunEvent } from "./api.ts";
import { pause } from "./retry.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface FollowOptions extends CallOptions {
  /** The last event that the caller has; 0 for none. */
  after?: number;
}

/** Events of one answer; the most the API gives. */
const PAGE_EVENTS = 1_000;
/** An idle run is asked about more and more rarely. */
const POLL_MS_MIN = 100;
const POLL_MS_MAX = 1_000;

/** Asks page by page. */
export async function* followByPolling(
  transport: Transport,
  id: string,
  { after = 0, ...options }: FollowOptions,
): AsyncGenerator<RunEvent, void, undefined> {
  let idleMs = POLL_MS_MIN;
  for (let cursor = after; ; ) {
    const input = { param: { id }, query: { after: cursor, limit: PAGE_EVENTS } };
    const page = await transport.call("$get", "/api/v1/runs/:id/events", input, options);
    yield* page.items as RunEvent[];
    if (page.terminal) return;
    const isIdle = page.next_after === cursor;
    cursor = page.next_after;
    if (!isIdle) idleMs = POLL_MS_MIN;
    if (page.items.length < PAGE_EVENTS) await pause(idleMs, options.signal);
    if (isIdle) idleMs = Math.min(POLL_MS_MAX, idleMs * 1.5);
  }
}
