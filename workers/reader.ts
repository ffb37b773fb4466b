/**
 * Somebody at the other end of a hibernating socket: how far it has been told, and how much it may be sent before it
 * says what it has read. workerd does not show what lies unsent, so only the reader itself can tell.
 */

/** What of a reader outlives hibernation; at most a few hundred bytes of the 16 KB that a socket may carry. */
export interface ReaderMemory {
  /** Number of the last thing that was sent. */
  cursor: number;
  /** Text that was sent and not acknowledged. */
  unread: number;
  /** When it last said what it has read; null when it never did. */
  heardAt: number | null;
}

export interface ReaderBounds {
  /** Text on its way to a reader that says what it has read; the rest waits. */
  windowUnits: number;
  /** Text sent in all to one that never says so: nobody can tell how much of it still lies in memory. */
  blindUnits: number;
  /** A reader whose window is full and that has read nothing for so long is let go. */
  stalledMs: number;
}

export class Reader<Memory extends ReaderMemory> {
  readonly socket: WebSocket;
  readonly #bounds: ReaderBounds;
  readonly #memory: Memory;
  /** What is unread, piece by piece: the last thing of each, and its length. */
  #pieces: { through: number; units: number }[];

  constructor(socket: WebSocket, memory: Memory, bounds: ReaderBounds) {
    this.socket = socket;
    this.#bounds = bounds;
    this.#memory = { ...memory };
    this.#pieces = memory.unread === 0 ? [] : [{ through: memory.cursor, units: memory.unread }];
  }

  protected get memory(): Readonly<Memory> {
    return this.#memory;
  }

  get cursor(): number {
    return this.#memory.cursor;
  }

  get unread(): number {
    return this.#memory.unread;
  }

  /** Whether it never said what it has read. */
  get isBlind(): boolean {
    return this.#memory.heardAt === null;
  }

  /** Whether it may be sent more now. */
  get isReady(): boolean {
    return this.unread < (this.isBlind ? this.#bounds.blindUnits : this.#bounds.windowUnits);
  }

  /** Whether it will not be ready by itself: it never says what it reads, or has not for long. */
  isStalled(nowMs: number): boolean {
    return !this.isReady && this.isSilent(nowMs);
  }

  /** Whether it has said nothing for long, or never did. */
  isSilent(nowMs: number): boolean {
    const { heardAt } = this.#memory;
    return heardAt === null || nowMs - heardAt >= this.#bounds.stalledMs;
  }

  /** Sends texts that end with number `through`; false when the socket is gone. */
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
    this.#memory.cursor = through;
    this.#memory.unread += units;
    this.#pieces.push({ through, units });
    this.remember();
    return true;
  }

  /** It has read everything up to a number. */
  acknowledge(through: number, nowMs: number): void {
    this.#memory.heardAt = nowMs;
    while (this.#pieces[0] !== undefined && this.#pieces[0].through <= through) {
      this.#memory.unread -= this.#pieces.shift()?.units ?? 0;
    }
    this.remember();
  }

  /** Tells it something that has no number. */
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
    this.socket.serializeAttachment(this.#memory);
  }
}

/** What a reader said, as far as it is JSON; null when it is none. */
export function parseSaid(text: string): { type?: unknown; ack?: unknown } | null {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" ? said : null;
  } catch {
    return null;
  }
}
