/** A run's events over server-sent events: one connection, from a position on. Who connects again is `run-log.ts`. */
import { createParser } from "eventsource-parser";
import type { RunEvent } from "./api.ts";
import { aborted, WeirError } from "./errors.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** A server says something at least every 15 s; one that is silent for so long is gone. */
const SILENCE_MS = 45_000;

/** Null: this server has no streams, or something on the way does not let them through. */
export async function openStream(
  transport: Transport,
  id: string,
  after: number,
  options: CallOptions,
): Promise<AsyncGenerator<RunEvent, void, undefined> | null> {
  const silence = new AbortController();
  const parts = { param: { id }, query: { after }, header: { Accept: "text/event-stream" } };
  const signal = options.signal === undefined ? silence.signal : AbortSignal.any([options.signal, silence.signal]);
  const response = await transport.open("/api/v1/runs/:id/stream", parts, { ...options, signal });
  if (response === null) return null;
  const { body, headers } = response;
  if (body === null || !headers.get("Content-Type")?.startsWith("text/event-stream")) {
    await body?.cancel();
    return null;
  }
  return read(body, silence, options.signal);
}

async function* read(
  body: ReadableStream<Uint8Array>,
  silence: AbortController,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent, void, undefined> {
  const decoder = new TextDecoder();
  const events: RunEvent[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(JSON.parse(data) as RunEvent) });
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* events.splice(0);
    }
  } catch (error) {
    if (signal?.aborted) throw aborted(signal.reason);
    throw new WeirError("unreachable", "the stream of events was cut", { cause: error });
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    // Whoever stops reading ends the connection with it.
    await reader.cancel().catch(() => undefined);
  }
}
