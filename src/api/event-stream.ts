/**
 * A run's log as server-sent events (the WHATWG standard's `text/event-stream`), made from the socket of its shard:
 * pieces come ready-made and are acknowledged once the client has taken them, so that a slow client slows its shard's
 * viewer and fills nobody's memory.
 */
import { CHECK_INTERVAL_MS } from "#access/key-watch.ts";
import { lastIdOf } from "#store/shard/stream.ts";
import { STREAM_HEARTBEAT_MS, STREAM_MS_MAX } from "./limits.ts";

/** How long an `EventSource` waits before it connects again. */
const RECONNECT_MS = 1_000;

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-cache, no-transform",
  // nginx would gather events into its buffer.
  "X-Accel-Buffering": "no",
};

/** The stream ends when the socket does, when the client leaves or its key is none any more, and after 14 minutes. */
export function eventStream(
  socket: WebSocket & { accept(): void },
  after: number,
  isAllowed: () => Promise<boolean>,
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
  const acknowledge = (seq: number) => {
    if (!isOver) socket.send(JSON.stringify({ ack: seq }));
  };
  const heartbeat = setInterval(() => write(": heartbeat\n\n"), STREAM_HEARTBEAT_MS);
  const watch = setInterval(async () => (await isAllowed()) || end(), CHECK_INTERVAL_MS);
  const limit = setTimeout(end, STREAM_MS_MAX);
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string" && data.startsWith("id: ")) write(data, () => acknowledge(lastIdOf(data)));
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  writer.closed.catch(end);
  socket.accept();
  // Says that this viewer tells what it has read.
  acknowledge(after);
  return readable;
}
