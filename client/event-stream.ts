/** What comes over server-sent events, on one connection. Who connects again, and from where, is the caller's. */
import { createParser } from "eventsource-parser";
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
export const SILENCE_MS = 45_000;

/** What an event of this name and data gives; null: nothing. */
export type Take<Data> = (name: string | undefined, data: string) => Data | null;

/** What `take` makes of each event. Null: this server has no such stream, or something on the way does not let it through. */
export async function openStream<Data>(
  transport: Transport,
  path: string,
  where: { param?: Record<string, string>; query: Record<string, unknown> },
  take: Take<Data>,
  options: CallOptions,
): Promise<AsyncGenerator<Data, void, undefined> | null> {
  const silence = new AbortController();
  const parts = { ...where, header: { Accept: "text/event-stream" } };
  const signal = options.signal === undefined ? silence.signal : AbortSignal.any([options.signal, silence.signal]);
  const response = await transport.open(path, parts, { ...options, signal });
  if (response === null) return null;
  const { body, headers } = response;
  if (body === null || !headers.get("Content-Type")?.startsWith("text/event-stream")) {
    await body?.cancel();
    return null;
  }
  return read(body, silence, options.signal, take);
}

async function* read<Data>(
  body: ReadableStream<Uint8Array>,
  silence: AbortController,
  signal: AbortSignal | undefined,
  take: Take<Data>,
): AsyncGenerator<Data, void, undefined> {
  const decoder = new TextDecoder();
  const events: Data[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      const taken = take(event, data);
      if (taken !== null) events.push(taken);
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
