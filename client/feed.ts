/** The tenant's feed: runs as they change, pushed. Connects again where it was, so that each change is given once. */
import type { RunItem } from "./api.ts";
import { isWeirError, WeirError } from "./errors.ts";
import { openStream } from "./event-stream.ts";
import { isPassing, pause } from "./retry.ts";
import { RECONNECT_MS_MAX, RECONNECT_PAUSE_MS } from "./run-log.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** A run that changed: its events numbered above `after` up to `seq` are what is new. */
export type FeedRun = RunItem & { after: number };

/**
 * `ready`: from here on nothing is missed, what the list shows now may be taken as the beginning. `reset`: not everything
 * since the cursor is kept, the list has to be read again. `cursor` is where to resume after each.
 */
export type FeedFrame =
  | { type: "runs"; cursor: string; runs: FeedRun[] }
  | { type: "ready"; cursor: string }
  | { type: "reset"; cursor: string; code: string; message: string };

export interface FeedOptions extends CallOptions {
  /** The cursor of the last frame that the caller has had. */
  after?: string;
}

/** Goes on until the signal ends it; gives up after a minute in which nobody answers. */
export async function* feed(
  transport: Transport,
  { after, ...options }: FeedOptions,
): AsyncGenerator<FeedFrame, void, undefined> {
  let cursor = after;
  let isReady = false;
  let answeredAt: number | null = null;
  for (;;) {
    try {
      const query = cursor === undefined ? {} : { after: cursor };
      const frames: AsyncGenerator<FeedFrame> | null = await openStream<FeedFrame>(
        transport,
        "/api/v1/feed",
        { query },
        (_name, data) => JSON.parse(data) as FeedFrame,
        options,
      );
      if (frames === null)
        throw new WeirError("bad_answer", "this Weir has no feed, or something on the way holds it back");
      answeredAt = Date.now();
      for await (const frame of frames) {
        answeredAt = Date.now();
        cursor = frame.cursor;
        // What is said of each connection matters to the caller once.
        if (frame.type === "ready" && isReady) continue;
        isReady ||= frame.type === "ready";
        yield frame;
      }
    } catch (error) {
      const isWorthIt = isWeirError(error) && isPassing(error) && answeredAt !== null;
      if (!isWorthIt || Date.now() - (answeredAt ?? 0) > RECONNECT_MS_MAX) throw error;
    }
    await pause(RECONNECT_PAUSE_MS, options.signal);
  }
}
