/**
 * Server-sent events (the WHATWG standard's `text/event-stream`), made from an object's socket: pieces are acknowledged
 * once the client has taken them, so that a slow client slows whoever tells it and fills nobody's memory.
 */
import { CHECK_INTERVAL_MS } from "#access/key-watch.ts";
import { STREAM_HEARTBEAT_MS, STREAM_MS_MAX } from "./limits.ts";

/** How long an `EventSource` waits before it connects again. */
const RECONNECT_MS = 1_000;

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-cache, no-transform",
  // nginx would gather events into its buffer.
  "X-Accel-Buffering": "no",
};

/** A number of a run's log, or a cursor of the feed. */
type Place = number | string;

export interface EventStreamParts {
  /** Where the client is: to say so at once tells that it will go on saying what it has read. */
  after: Place;
  /**
   * What is written of a message, and what the client has read with it (null: nothing that has a place); null: it is
   * not for the client.
   */
  pieceOf(message: string): { text: string; through: Place | null } | null;
  /** Whether the key that it was opened with is still one. */
  isAllowed(): Promise<boolean>;
}

/** The stream ends when the socket does, when the client leaves or its key is none any more, and after 14 minutes. */
export function eventStream(
  socket: WebSocket & { accept(): void },
  { after, pieceOf, isAllowed }: EventStreamParts,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  let written: Promise<void> = writer.write(encoder.encode(`retry: ${RECONNECT_MS}\n\n`));
  let isOver = false;

  const end = () => {
    if (isOver) return;
    isOver = true;
    clearInterval(heartbeat);
    clearInterval(watch);
    clearTimeout(limit);
    socket.close(1000);
    written.then(() => writer.close()).catch(() => undefined);
  };
  const write = (text: string, done?: () => void) => {
    written = written.then(() => writer.write(encoder.encode(text))).then(done);
    // The client has left.
    written.catch(end);
  };
  let read = after;
  const acknowledge = () => {
    if (!isOver) socket.send(JSON.stringify({ ack: read }));
  };
  const heartbeat = setInterval(() => write(": heartbeat\n\n"), STREAM_HEARTBEAT_MS);
  const watch = setInterval(async () => (await isAllowed()) || end(), CHECK_INTERVAL_MS);
  const limit = setTimeout(end, STREAM_MS_MAX);
  socket.addEventListener("message", ({ data }) => {
    const piece = typeof data === "string" ? pieceOf(data) : null;
    if (piece === null) return;
    write(piece.text, () => {
      read = piece.through ?? read;
      acknowledge();
    });
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  writer.closed.catch(end);
  socket.accept();
  acknowledge();
  return readable;
}
