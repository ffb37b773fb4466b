/** A run's events as they happen, from a position on: what is there, then what comes, until nothing can follow. */
import type { RunEvent } from "./api.ts";
import { isWeirError } from "./errors.ts";
import { type AgentText, openStream, type StreamOptions, type Take } from "./event-stream.ts";
import { isPassing, pause } from "./retry.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface FollowOptions extends StreamOptions {
  /** The last event that the caller has; 0 for none. */
  after?: number;
}

/** Events of one answer; the most the API gives. */
const PAGE_EVENTS = 1_000;
/** An idle run is asked about more and more rarely. */
const POLL_MS_MIN = 100;
const POLL_MS_MAX = 1_000;
/** Somebody who has been answered once is worth waiting for: a deployment, a restart, a network that comes back. */
export const RECONNECT_MS_MAX = 60_000;
export const RECONNECT_PAUSE_MS = 500;

/** Follows to the end; goes on where it was when the connection is lost, and gives up after a minute without any. */
export async function* follow(
  transport: Transport,
  id: string,
  { after = 0, ...options }: FollowOptions,
): AsyncGenerator<RunEvent, void, undefined> {
  let cursor = after;
  let answeredAt: number | null = null;
  const answered = () => {
    answeredAt = Date.now();
  };
  let hasStreams = true;
  for (;;) {
    try {
      const stream: AsyncGenerator<RunEvent> | null = hasStreams
        ? await openStream<RunEvent>(
            transport,
            "/api/v1/runs/:id/stream",
            { param: { id }, query: { after: cursor } },
            takeOf(options),
            options,
          )
        : null;
      hasStreams = stream !== null;
      if (hasStreams) answered();
      // A stream ends with the run, or because its time is up: what is left to ask tells which.
      for await (const event of stream ?? poll(transport, id, cursor, options, answered)) {
        cursor = event.seq;
        answered();
        yield event;
      }
      if (!hasStreams || (await hasEnded(transport, id, cursor, options))) return;
    } catch (error) {
      const isWorthIt = isWeirError(error) && isPassing(error) && answeredAt !== null;
      if (!isWorthIt || Date.now() - (answeredAt ?? 0) > RECONNECT_MS_MAX) throw error;
      await pause(RECONNECT_PAUSE_MS, options.signal);
    }
  }
}

/** What has a name is no event of the log. */
function takeOf({ onText }: StreamOptions): Take<RunEvent> {
  return (name, data) => {
    if (name === undefined) return JSON.parse(data) as RunEvent;
    if (name === "agent.text") onText?.(JSON.parse(data) as AgentText);
    return null;
  };
}

async function hasEnded(transport: Transport, id: string, after: number, options: CallOptions): Promise<boolean> {
  const input = { param: { id }, query: { after, limit: 1 } };
  const page = await transport.call("$get", "/api/v1/runs/:id/events", input, options);
  return page.terminal && page.items.length === 0;
}

/** Asks page by page, until the run has ended and all of it was given. */
async function* poll(
  transport: Transport,
  id: string,
  after: number,
  options: CallOptions,
  answered: () => void,
): AsyncGenerator<RunEvent, void, undefined> {
  let idleMs = POLL_MS_MIN;
  for (let cursor = after; ; ) {
    const input = { param: { id }, query: { after: cursor, limit: PAGE_EVENTS } };
    const page = await transport.call("$get", "/api/v1/runs/:id/events", input, options);
    answered();
    yield* page.items as RunEvent[];
    if (page.terminal) return;
    const isIdle = page.next_after === cursor;
    cursor = page.next_after;
    if (!isIdle) idleMs = POLL_MS_MIN;
    if (page.items.length < PAGE_EVENTS) await pause(idleMs, options.signal);
    if (isIdle) idleMs = Math.min(POLL_MS_MAX, idleMs * 1.5);
  }
}
