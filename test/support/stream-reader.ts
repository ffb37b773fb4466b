/** Reads a run's stream as a client would that loses its connection now and then: each event with where it came from. */
import { createParser } from "eventsource-parser";

export interface StreamedEvent {
  seq: number;
  type: string;
}

export interface StreamTarget {
  url: string;
  key: string;
}

export type Transport = "sse" | "websocket";

export interface Reading {
  events: StreamedEvent[];
  connections: number;
}

/**
 * Reads to the end of the run. `cutAfter` says after how many events of a connection it is cut; whatever ends a
 * connection before the end, the next goes on after the last event.
 */
export async function readToEnd(
  target: StreamTarget,
  runId: string,
  transport: Transport,
  cutAfter: (connection: number) => number = () => Number.POSITIVE_INFINITY,
): Promise<Reading> {
  const reading: Reading = { events: [], connections: 0 };
  for (;;) {
    reading.connections += 1;
    const after = reading.events.at(-1)?.seq ?? 0;
    const cut = cutAfter(reading.connections);
    const take = transport === "sse" ? takeSse : takeWebSocket;
    try {
      const seen = reading.events.length;
      await take(target, runId, after, (event) => {
        // What still arrives after the cut was never read.
        if (reading.events.length - seen >= cut) return false;
        reading.events.push(event);
        return reading.events.length - seen < cut;
      });
    } catch (error) {
      if (reading.connections > CONNECTIONS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (isEnd(reading.events.at(-1))) return reading;
  }
}

const CONNECTIONS_MAX = 1_000;

function isEnd(event: StreamedEvent | undefined): boolean {
  return event !== undefined && ["run.completed", "run.failed", "run.cancelled"].includes(event.type);
}

type Take = (event: StreamedEvent) => boolean;

async function takeSse({ url, key }: StreamTarget, runId: string, after: number, take: Take): Promise<void> {
  const ending = new AbortController();
  const headers = { authorization: `Bearer ${key}`, "last-event-id": String(after) };
  const response = await fetch(`${url}/api/v1/runs/${runId}/stream`, { headers, signal: ending.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`status ${response.status}`);
  const parser = createParser({
    onEvent: ({ id, data, event: name }) => {
      // A name means that it is nothing of the log.
      if (name !== undefined) return;
      const event = JSON.parse(data) as StreamedEvent;
      if (String(event.seq) !== id) throw new Error(`id ${id} is not that of event ${event.seq}`);
      if (!take(event)) ending.abort();
    },
  });
  try {
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  }
}

function takeWebSocket({ url, key }: StreamTarget, runId: string, after: number, take: Take): Promise<void> {
  const socket = openSocket({ url, key }, `/api/v1/runs/${runId}/stream?after=${after}`);
  return new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data as string) as Partial<StreamedEvent>;
      if (message.seq !== undefined && !take(message as StreamedEvent)) {
        socket.close();
        resolve();
      }
    });
    socket.addEventListener("close", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the socket failed")));
  });
}

/** A WebSocket with the key as a header, which Node's takes and browsers' does not. */
export function openSocket({ url, key }: StreamTarget, path: string, more: Record<string, string> = {}): WebSocket {
  const options = { headers: { authorization: `Bearer ${key}`, ...more } };
  return new WebSocket(url.replace(/^http/, "ws") + path, options as unknown as string[]);
}
