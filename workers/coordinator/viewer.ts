/**
 * One viewer of a run: a hibernating socket, how far it has been told, and how much it may be sent before it says what
 * it has read. What it is told comes from `Streams`.
 */
import type { StreamFormat } from "#store/shard/stream.ts";

/** Text on its way to a viewer that says what it has read; the rest waits in the log. */
export const WINDOW_UNITS = 1_048_576;

/** Text sent in all to one that never says so: nobody can tell how much of it still lies in memory. */
export const BLIND_UNITS = 8 * 1_048_576;

/** A viewer whose window is full and that has read nothing for so long is let go. */
export const STALLED_MS = 60_000;

/** What of a viewer outlives hibernation; at most a few hundred bytes of the 16 KB that a socket may carry. */
export interface ViewerMemory {
  runId: string;
  format: StreamFormat;
  /** Number of the last event that was sent. */
  cursor: number;
  /** Text that was sent and not acknowledged. */
  unread: number;
  /** When it last said what it has read; null when it never did. */
  heardAt: number | null;
}

export class Viewer {
  readonly socket: WebSocket;
  readonly runId: string;
  readonly format: StreamFormat;
  #cursor: number;
  #unread: number;
  #heardAt: number | null;
  /** What is unread, piece by piece: the last event of each, and its length. */
  #pieces: { through: number; units: number }[];

  constructor(socket: WebSocket, memory: ViewerMemory) {
    this.socket = socket;
    this.runId = memory.runId;
    this.format = memory.format;
    this.#cursor = memory.cursor;
    this.#unread = memory.unread;
    this.#heardAt = memory.heardAt;
    this.#pieces = memory.unread === 0 ? [] : [{ through: memory.cursor, units: memory.unread }];
  }

  get cursor(): number {
    return this.#cursor;
  }

  get unread(): number {
    return this.#unread;
  }

  /** Whether it may be sent more now. */
  get isReady(): boolean {
    return this.#unread < (this.#heardAt === null ? BLIND_UNITS : WINDOW_UNITS);
  }

  /** Whether it may be told what is not in the log: half of what it may have unread is kept free for what is. */
  get hasRoom(): boolean {
    return this.#unread < WINDOW_UNITS / 2;
  }

  /** Whether it will not be ready by itself: it never says what it reads, or has not for long. */
  isStalled(nowMs: number): boolean {
    return !this.isReady && (this.#heardAt === null || nowMs - this.#heardAt >= STALLED_MS);
  }

  /** Sends texts that end with event `through`; false when the socket is gone. */
  send(texts: readonly string[], through: number): boolean {
    let units = 0;
    try {
      for (const text of texts) {
        this.socket.send(text);
        units += text.length;
      }
    } catch {
      return false;
    }
    this.#cursor = through;
    this.#unread += units;
    this.#pieces.push({ through, units });
    this.remember();
    return true;
  }

  /** It has read everything up to an event. */
  acknowledge(through: number, nowMs: number): void {
    this.#heardAt = nowMs;
    while (this.#pieces[0] !== undefined && this.#pieces[0].through <= through) {
      this.#unread -= this.#pieces.shift()?.units ?? 0;
    }
    this.remember();
  }

  /** Tells it something that is no event. */
  tell(message: object): void {
    try {
      this.socket.send(JSON.stringify(message));
    } catch {
      // It is gone; its end is told by the runtime.
    }
  }

  close(code: number, reason: string): void {
    try {
      this.socket.close(code, reason);
    } catch {
      // It is gone already.
    }
  }

  /** Leaves with the socket what must outlive hibernation. */
  remember(): void {
    const { runId, format } = this;
    const memory: ViewerMemory = {
      runId,
      format,
      cursor: this.#cursor,
      unread: this.#unread,
      heardAt: this.#heardAt,
    };
    this.socket.serializeAttachment(memory);
  }
}
