/** A run's events over server-sent events: one connection, from a position on. Who connects again is `run-log.ts`. */
import { createParser } from "eventsource-parser";
import type { RunEvent } from "./api.ts";
import { aborted, WeirError } from "./errors.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** What a model is writing: told while it writes, kept nowhere. `offset` shows where something was missed. */
export interface AgentText {
  type: "agent.text";
  at: string;
  node: string;
  visit: number;
  attempt: number;
  /** The model's turn, from 1. */
  turn: number;
  /** Where the text stands in what the turn brings, in UTF-16 units. */
  offset: number;
  text: string;
}

export interface StreamOptions extends CallOptions {
  /** Hears what models write; only a stream brings it, and only while it is open. */
  onText?: (text: AgentText) => void;
}

/** A server says something at least every 15 s; one that is silent for so long is gone. */
const SILENCE_MS = 45_000;

/** Null: this server has no streams, or something on the way does not let them through. */
export async function openStream(
  transport: Transport,
  id: string,
  after: number,
  { onText, ...options }: StreamOptions,
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
  return read(body, silence, options.signal, onText);
}

async function* read(
  body: ReadableStream<Uint8Array>,
  silence: AbortController,
  signal: AbortSignal | undefined,
  onText: StreamOptions["onText"],
): AsyncGenerator<RunEvent, void, undefined> {
  const decoder = new TextDecoder();
  const events: RunEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      // What has a name is no event of the log.
      if (event === undefined) events.push(JSON.parse(data) as RunEvent);
      else if (event === "agent.text") onText?.(JSON.parse(data) as AgentText);
    },
  });
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
