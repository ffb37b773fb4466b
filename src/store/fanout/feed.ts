/** How the feed of a tenant is spoken: cursors, frames, and what is ordered by an upgrade. */

export { CLOSE_SLOW } from "../shard/stream.ts";

/** Where a listener stands: the life of the feed, and the last frame of it that was told. */
export interface FeedCursor {
  epoch: string;
  seq: number;
}

export const FEED_CURSOR = /^([0-9a-z]{1,20})\.(\d{1,15})$/;

export function cursorText({ epoch, seq }: FeedCursor): string {
  return `${epoch}.${seq}`;
}

export function parseCursor(text: string): FeedCursor | null {
  const [, epoch, seq] = FEED_CURSOR.exec(text) ?? [];
  return epoch === undefined || seq === undefined ? null : { epoch, seq: Number(seq) };
}

/** Before all frames: for who has none. */
export const NO_CURSOR = "0.0";

/** The cursor of a frame, without reading all of it; null: it has none. */
export function cursorOf(frame: string): string | null {
  return /^\{"type":"[a-z]+","cursor":"([^"]+)"/.exec(frame)?.[1] ?? null;
}

/** Runs of one frame, and its text as far as that is not one run alone. */
export const FRAME_RUNS_MAX = 200;
export const FRAME_UNITS_MAX = 65_536;

/** Frames that tell of runs; `items` are JSON texts. */
export function runsFrame(cursor: FeedCursor, items: readonly string[]): string {
  return `{"type":"runs","cursor":"${cursorText(cursor)}","runs":[${items.join(",")}]}`;
}

/** What a listener is told who cannot be told everything since where it was. */
export function resetFrame(cursor: FeedCursor): string {
  const message = "not everything since your cursor is kept: read GET /api/v1/runs again, then go on from here";
  return JSON.stringify({ type: "reset", cursor: cursorText(cursor), code: "gone", message });
}

/** Items in as few frames as the bounds allow. */
export function framesOf(items: readonly string[]): string[][] {
  const frames: string[][] = [];
  let frame: string[] = [];
  let units = 0;
  for (const item of items) {
    if (frame.length > 0 && (frame.length === FRAME_RUNS_MAX || units + item.length > FRAME_UNITS_MAX)) {
      frames.push(frame);
      frame = [];
      units = 0;
    }
    frame.push(item);
    units += item.length;
  }
  if (frame.length > 0) frames.push(frame);
  return frames;
}

export interface FeedOrder {
  tenant: string;
  /** The cursor that the listener has; null: none. */
  after: string | null;
}

/** An upgrade cannot be a call: the order travels in the address. */
export function feedRequest({ tenant, after }: FeedOrder): Request {
  const url = new URL("https://fanout/feed");
  url.search = new URLSearchParams({ tenant, ...(after === null ? {} : { after }) }).toString();
  return new Request(url, { headers: { Upgrade: "websocket" } });
}

export function feedOrderOf({ url }: Request): FeedOrder {
  const { searchParams: order } = new URL(url);
  return { tenant: order.get("tenant") ?? "", after: order.get("after") };
}
