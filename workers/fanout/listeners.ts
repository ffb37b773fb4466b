/**
 * Who listens to a tenant's feed over hibernating sockets, and what they are told: frames of the feed's log after where
 * each stands, so that nothing is told twice or left out. Bounds what is on its way to all of them.
 */
import {
  CLOSE_SLOW,
  cursorText,
  type FeedCursor,
  type FeedOrder,
  parseCursor,
  resetFrame,
} from "#store/fanout/feed.ts";
import type { FeedLog, Frame } from "#store/fanout/feed-log.ts";
import type { Logger } from "#telemetry/log.ts";
import { parseSaid, Reader, type ReaderMemory } from "../reader.ts";

/** Listeners of one tenant; one more is turned away. */
export const LISTENERS_MAX = 4_000;

/** See `ReaderBounds`. */
export const WINDOW_UNITS = 262_144;
export const BLIND_UNITS = 1_048_576;
export const STALLED_MS = 60_000;

/** Text that all listeners of a tenant may have unread: beyond it those who say what they read wait, others are let go. */
export const UNREAD_UNITS_MAX = 32 * 1_048_576;

/** Frames that one listener is sent at once. */
export const PAGE_FRAMES = 16;

/** What a listener may say in one message. */
export const MESSAGE_UNITS_MAX = 1_000;

/** Without a cursor a listener is told what was news within this time: the list that it reads next may lack it still. */
export const OVERLAP_MS = 3_000;

/** When nobody says anything, those who wait for room are looked at again after this. */
const ROOM_LOOK_MS = 5_000;

const PING = '{"type":"ping"}';
const PONG = { type: "pong" };

export interface ListenerMemory extends ReaderMemory {
  /** The life of the feed that its cursor belongs to. */
  epoch: string;
}

export class Listener extends Reader<ListenerMemory> {
  constructor(socket: WebSocket, memory: ListenerMemory) {
    super(socket, memory, { windowUnits: WINDOW_UNITS, blindUnits: BLIND_UNITS, stalledMs: STALLED_MS });
  }

  get place(): FeedCursor {
    return { epoch: this.memory.epoch, seq: this.cursor };
  }
}

export interface ListenerParts {
  ctx: DurableObjectState;
  log: FeedLog;
  logger: Logger;
}

export class Listeners {
  readonly #parts: ListenerParts;
  readonly #all = new Map<WebSocket, Listener>();
  readonly #behind = new Set<Listener>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = 0;
  #unread = 0;

  /** Takes up the listeners of the object's life before it hibernated. */
  constructor(parts: ListenerParts) {
    this.#parts = parts;
    for (const socket of parts.ctx.getWebSockets()) {
      this.#admit(new Listener(socket, socket.deserializeAttachment() as ListenerMemory));
    }
    this.changed();
  }

  get size(): number {
    return this.#all.size;
  }

  /** A listener with its end of the socket; null when too many listen. */
  open({ after }: FeedOrder): { client: WebSocket; listener: Listener } | null {
    if (this.#all.size >= LISTENERS_MAX) return null;
    const { ctx, log } = this.#parts;
    const { 0: client, 1: server } = new WebSocketPair();
    // Pings in this wording are answered without waking the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, JSON.stringify(PONG)));
    ctx.acceptWebSocket(server);
    const wanted = after === null ? null : parseCursor(after);
    const isHeld = wanted !== null && log.holdsAfter(wanted);
    const place = isHeld ? wanted : log.since(Date.now() - OVERLAP_MS);
    const listener = new Listener(server, { epoch: place.epoch, cursor: place.seq, unread: 0, heardAt: null });
    listener.remember();
    if (after !== null && !isHeld) server.send(resetFrame(place));
    this.#admit(listener);
    this.#wake(listener);
    return { client, listener };
  }

  /** Everything is set up: from here on nothing is missed. */
  ready(listener: Listener): void {
    if (this.#all.has(listener.socket)) listener.tell({ type: "ready", cursor: cursorText(listener.place) });
  }

  /** The log has grown. */
  changed(): void {
    for (const listener of this.#all.values()) this.#behind.add(listener);
    if (this.#behind.size > 0) this.#schedule(0);
  }

  /** A listener says `{"ack": cursor}`: what it has read; or asks whether somebody is there. */
  heard(socket: WebSocket, message: string | ArrayBuffer): void {
    const listener = this.#all.get(socket);
    if (listener === undefined) return;
    const said = typeof message === "string" && message.length <= MESSAGE_UNITS_MAX ? parseSaid(message) : null;
    const read = typeof said?.ack === "string" ? parseCursor(said.ack) : null;
    if (said?.type === "ping") listener.tell(PONG);
    else if (read !== null) {
      const before = listener.unread;
      listener.acknowledge(read.epoch === listener.place.epoch ? read.seq : -1, Date.now());
      this.#unread += listener.unread - before;
      if (this.#behind.size > 0) this.#schedule(0);
    } else {
      listener.tell({ type: "error", code: "invalid", message: WHAT_MAY_BE_SAID });
    }
  }

  /** The socket is gone. */
  left(socket: WebSocket): void {
    const listener = this.#all.get(socket);
    if (listener === undefined) return;
    this.#all.delete(socket);
    this.#behind.delete(listener);
    this.#unread -= listener.unread;
  }

  #admit(listener: Listener): void {
    this.#all.set(listener.socket, listener);
    this.#unread += listener.unread;
  }

  #wake(listener: Listener): void {
    this.#behind.add(listener);
    this.#schedule(0);
  }

  #schedule(inMs: number): void {
    const at = Date.now() + inMs;
    if (this.#timer !== null && this.#timerAt <= at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tellAll();
    }, inMs);
  }

  /** A page to each who is behind, read once for all who stand at the same frame; the rest in a later turn. */
  #tellAll(): void {
    const { log, logger } = this.#parts;
    const nowMs = Date.now();
    const pages = new Map<number, Frame[]>();
    let hasMore = false;
    try {
      for (const listener of [...this.#behind]) {
        if (!log.holdsAfter(listener.place)) {
          this.#letGo(listener);
          continue;
        }
        const { cursor } = listener;
        const frames = pages.get(cursor) ?? log.after(cursor, PAGE_FRAMES);
        pages.set(cursor, frames);
        if (frames.length === 0) this.#behind.delete(listener);
        else if (listener.isStalled(nowMs)) this.#letGo(listener);
        else if (listener.isReady && this.#hasRoom(listener, frames, nowMs)) {
          this.#send(listener, frames);
          hasMore ||= this.#behind.has(listener);
        }
      }
    } catch (error) {
      logger.error("listeners of a feed could not be told", { error });
      for (const listener of this.#behind) this.#dismiss(listener, 1011, "try again");
    }
    // Who is left waits for what it, or somebody else, has to read first.
    if (this.#behind.size > 0) this.#schedule(hasMore ? 0 : ROOM_LOOK_MS);
  }

  #send(listener: Listener, frames: readonly Frame[]): void {
    const through = frames.at(-1)?.seq ?? listener.cursor;
    const before = listener.unread;
    const texts = frames.map(({ text }) => text);
    const isThere = listener.send(texts, through);
    this.#unread += listener.unread - before;
    if (!isThere) this.#dismiss(listener, 1011, "gone");
    else if (through === this.#parts.log.head.seq) this.#behind.delete(listener);
  }

  /** Lets those go who are silent, the one with the most unread first, until there is room. */
  #hasRoom(forWhom: Listener, frames: readonly Frame[], nowMs: number): boolean {
    const units = frames.reduce((sum, { text }) => sum + text.length, 0);
    while (this.#unread + units > UNREAD_UNITS_MAX) {
      let slowest: Listener | null = null;
      for (const listener of this.#all.values()) {
        if (listener.isSilent(nowMs) && listener.unread > (slowest?.unread ?? 0)) slowest = listener;
      }
      if (slowest === null) return false;
      this.#letGo(slowest);
      if (slowest === forWhom) return false;
    }
    return true;
  }

  #letGo(listener: Listener): void {
    this.#dismiss(listener, CLOSE_SLOW, `too far behind: resume after=${cursorText(listener.place)}`);
  }

  #dismiss(listener: Listener, code: number, reason: string): void {
    this.left(listener.socket);
    listener.close(code, reason);
  }
}

export const WHAT_MAY_BE_SAID =
  'say {"subscribe": {"run_id", "after"}}, {"unsubscribe": {"run_id"}}, {"ack": cursor} or {"type": "ping"}';
