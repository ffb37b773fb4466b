/**
 * How a run's log is streamed between a shard and the Worker: what is ordered by an upgrade, and what events look like
 * on the way. Who watches and how much they may be sent is the coordinator's.
 */

import { eventView } from "#engine/event-view.ts";
import type { RunEvent } from "#engine/events.ts";
import type { JsonObject } from "#kernel/json.ts";

/** `events`: one event a message, as JSON. `sse`: messages are pieces of a `text/event-stream`. */
export const STREAM_FORMATS = ["events", "sse"] as const;
export type StreamFormat = (typeof STREAM_FORMATS)[number];

export interface StreamOrder {
  tenant: string;
  runId: string;
  /** Number of the last event that the viewer has. */
  after: number;
  format: StreamFormat;
}

/** The run has ended and all of it was told. */
export const CLOSE_ENDED = 1000;
/** The viewer does not keep up; the reason says where to resume. */
export const CLOSE_SLOW = 4008;

/** An upgrade cannot be a call: the order travels in the address. */
export function streamRequest({ tenant, runId, after, format }: StreamOrder): Request {
  const url = new URL("https://coordinator/stream");
  url.search = new URLSearchParams({ tenant, run: runId, after: String(after), format }).toString();
  return new Request(url, { headers: { Upgrade: "websocket" } });
}

export function streamOrderOf({ url }: Request): StreamOrder {
  const { searchParams: order } = new URL(url);
  return {
    tenant: order.get("tenant") ?? "",
    runId: order.get("run") ?? "",
    after: Number(order.get("after")),
    format: order.get("format") === "sse" ? "sse" : "events",
  };
}

/** Events as messages of a stream. */
export function streamTexts(events: readonly RunEvent[], format: StreamFormat): string[] {
  if (format === "events") return events.map((event) => JSON.stringify(eventView(event)));
  // JSON has no line breaks outside its strings, and escapes those inside: one `data` line holds it.
  return [events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(eventView(event))}\n\n`).join("")];
}

/** Something about a run that is not in its log: it has no `seq`, and who was not there does not hear it again. */
export type Remark = JsonObject & { type: string; at: string };

/** Remarks as messages of a stream; as server-sent events they have a name, which plain listeners do not hear. */
export function remarkTexts(remarks: readonly Remark[], format: StreamFormat): string[] {
  if (format === "events") return remarks.map((remark) => JSON.stringify(remark));
  return [remarks.map((remark) => `event: ${remark.type}\ndata: ${JSON.stringify(remark)}\n\n`).join("")];
}

/** Number of the last event in a piece of `text/event-stream`. */
export function lastIdOf(piece: string): number {
  return Number.parseInt(piece.slice(Math.max(0, piece.lastIndexOf("\nid: ") + 1) + "id: ".length), 10);
}
