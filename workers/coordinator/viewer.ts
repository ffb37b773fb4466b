/** One viewer of a run: a reader of its log. What it is told comes from `Streams`. */
import type { StreamFormat } from "#store/shard/stream.ts";
import { Reader, type ReaderMemory } from "../reader.ts";

/** See `ReaderBounds`. */
export const WINDOW_UNITS = 1_048_576;
export const BLIND_UNITS = 8 * 1_048_576;
export const STALLED_MS = 60_000;

export interface ViewerMemory extends ReaderMemory {
  runId: string;
  format: StreamFormat;
}

export class Viewer extends Reader<ViewerMemory> {
  constructor(socket: WebSocket, memory: ViewerMemory) {
    super(socket, memory, { windowUnits: WINDOW_UNITS, blindUnits: BLIND_UNITS, stalledMs: STALLED_MS });
  }

  get runId(): string {
    return this.memory.runId;
  }

  get format(): StreamFormat {
    return this.memory.format;
  }

  /** Whether it may be told what is not in the log: half of what it may have unread is kept free for what is. */
  get hasRoom(): boolean {
    return this.unread < WINDOW_UNITS / 2;
  }
}
