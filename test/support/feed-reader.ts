/** Reads a tenant's feed as a client would that loses its connection now and then, and checks what it is told. */
import { openSocket, type StreamTarget } from "./stream-reader.ts";

export interface FeedItem {
  run_id: string;
  seq: number;
  after: number;
  status: string;
  ended_at: string | null;
}

export interface FeedReaderOptions {
  /** After how many frames of runs a connection is cut. */
  cutAfter?: () => number;
  /** Says what it has read, at most this often; 0: never. */
  ackMs?: number;
  onItem?: (item: FeedItem) => void;
}

const RECONNECT_MS = 50;

export class FeedReader {
  readonly items: FeedItem[] = [];
  connections = 0;
  resets = 0;
  /** Where each run stands; an item that does not begin there is a gap or a duplicate. */
  readonly seqs = new Map<string, number>();
  readonly problems: string[] = [];
  cursor: string | null = null;
  readonly #target: StreamTarget;
  readonly #options: FeedReaderOptions;
  #socket: WebSocket | null = null;
  #isOver = false;

  constructor(target: StreamTarget, options: FeedReaderOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  /** Resolves once the first connection is ready. */
  start(): Promise<void> {
    return new Promise((resolve) => this.#connect(resolve));
  }

  stop(): void {
    this.#isOver = true;
    this.#socket?.close();
  }

  #connect(ready: () => void): void {
    if (this.#isOver) return;
    this.connections += 1;
    const query = this.cursor === null ? "" : `?after=${this.cursor}`;
    const socket = openSocket(this.#target, `/api/v1/ws${query}`);
    this.#socket = socket;
    const { cutAfter, ackMs = 500 } = this.#options;
    const cut = cutAfter?.() ?? Number.POSITIVE_INFINITY;
    let frames = 0;
    let isCut = false;
    let willAck = false;
    socket.addEventListener("message", ({ data }) => {
      // What still arrives after the cut was never read.
      if (isCut) return;
      const frame = JSON.parse(data as string);
      if (frame.type === "ready") ready();
      if (frame.type === "reset") this.resets += 1;
      if (frame.cursor !== undefined) this.cursor = frame.cursor;
      if (frame.type !== "runs") return;
      for (const item of frame.runs as FeedItem[]) this.#take(item);
      if (ackMs > 0 && !willAck) {
        willAck = true;
        setTimeout(() => {
          willAck = false;
          if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ack: this.cursor }));
        }, ackMs);
      }
      frames += 1;
      if (frames >= cut) {
        isCut = true;
        socket.close();
      }
    });
    const again = () => setTimeout(() => this.#connect(ready), RECONNECT_MS);
    socket.addEventListener("close", again);
  }

  #take(item: FeedItem): void {
    const known = this.seqs.get(item.run_id);
    if (known !== undefined && item.after !== known) {
      this.problems.push(`${item.run_id}: ${item.after}..${item.seq} after ${known}`);
    }
    if (item.seq <= item.after) this.problems.push(`${item.run_id}: nothing new from ${item.after} to ${item.seq}`);
    this.seqs.set(item.run_id, item.seq);
    this.items.push(item);
    this.#options.onItem?.(item);
  }
}
