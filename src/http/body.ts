/**
 * Bodies: reads an answer's stream up to a bound, and turns bytes into the JSON that a node outputs. Judging the status
 * and redacting secrets is for others.
 */
import { isDeeperThan, type Json } from "#kernel/json.ts";

/**
 * Reads a stream until it ends or holds more than `bytesMax` bytes, then cancels it; `isComplete` tells which. `bytes`
 * never exceeds the bound. `race` lets a deadline end the wait. Rejects when the stream breaks off.
 */
export async function readAtMost(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
  race: <T>(promise: Promise<T>) => Promise<T> = (promise) => promise,
): Promise<{ bytes: Uint8Array; isComplete: boolean }> {
  if (stream === null) return { bytes: new Uint8Array(), isComplete: true };
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isComplete = false;
  try {
    while (length <= bytesMax) {
      const { done, value } = await race(reader.read());
      if (done) {
        isComplete = true;
        break;
      }
      chunks.push(value);
      length += value.byteLength;
    }
  } finally {
    if (!isComplete) abandon(reader.cancel());
  }
  const bytes = new Uint8Array(Math.min(length, bytesMax));
  let offset = 0;
  for (const chunk of chunks) {
    const kept = chunk.subarray(0, bytes.byteLength - offset);
    bytes.set(kept, offset);
    offset += kept.byteLength;
  }
  return { bytes, isComplete };
}

/** Gives up an answer that nobody will read, so that its connection is free again. */
export function discard(response: Response): void {
  if (response.body !== null) abandon(response.body.cancel());
}

function abandon(cancelled: Promise<unknown>): void {
  cancelled.catch(() => {});
}

/** An answer's bytes as text, or null when they are not text. */
export function decodeText(bytes: Uint8Array, contentType: string | null): string | null {
  const type = mediaType(contentType);
  if (isTextType(type)) return textDecoder(contentType).decode(bytes);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/** Text as JSON when its type says so, and it is, and nests no deeper than Weir accepts; else the text itself. */
export function parseText(text: string, contentType: string | null): Json {
  if (!isJsonType(mediaType(contentType))) return text;
  try {
    const value: Json = JSON.parse(text);
    return isDeeperThan(value) ? text : value;
  } catch {
    return text;
  }
}

/** Bytes as a string of one character a byte, for `btoa`. */
export function latin1(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let offset = 0; offset < bytes.byteLength; offset += 8_192) {
    pieces.push(String.fromCharCode(...bytes.subarray(offset, offset + 8_192)));
  }
  return pieces.join("");
}

function mediaType(contentType: string | null): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function isJsonType(type: string): boolean {
  return type === "application/json" || type === "text/json" || type.endsWith("+json");
}

function isTextType(type: string): boolean {
  return type.startsWith("text/") || isJsonType(type) || type === "application/xml" || type.endsWith("+xml");
}

function textDecoder(contentType: string | null): TextDecoder {
  const charset = /;\s*charset="?([^\s";]+)/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
