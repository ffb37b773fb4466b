/**
 * The feed of a tenant as a numbered log of frames, kept for a while, with the position in each shard's log up to which
 * it tells. Both are written together, so that whatever a shard sends is in the feed once. Synchronous.
 */
import { type FeedCursor, framesOf, resetFrame, runsFrame } from "./feed.ts";
import type { FeedPage } from "./protocol.ts";

/** How long, and how much of, what was told can be resumed after. */
export const RETAINED_MS = 10 * 60_000;
export const RETAINED_UNITS_MAX = 32 * 1_048_576;

/** A feed that nobody listened to for so long begins anew: nobody can resume from before. */
export const IDLE_MS_MAX = RETAINED_MS;

export interface Frame {
  seq: number;
  text: string;
}

export class FeedLog {
  readonly #storage: DurableObjectStorage;
  #epoch: string;
  #last: number;
  #first: number;
  #units: number;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    const { last, first, units } = this.#sql
      .exec<{ last: number | null; first: number | null; units: number | null }>(
        "SELECT max(seq) AS last, min(seq) AS first, sum(units) AS units FROM frame",
      )
      .one();
    this.#last = last ?? 0;
    this.#first = first ?? 1;
    this.#units = units ?? 0;
    this.#epoch = this.#meta("epoch") ?? this.#begin();
  }

  /** Behind the newest frame. */
  get head(): FeedCursor {
    return { epoch: this.#epoch, seq: this.#last };
  }

  get frames(): number {
    return this.#last - this.#first + 1;
  }

  get databaseBytes(): number {
    return this.#sql.databaseSize;
  }

  /** Whether everything after a cursor is there. */
  holdsAfter({ epoch, seq }: FeedCursor): boolean {
    return epoch === this.#epoch && seq >= this.#first - 1 && seq <= this.#last;
  }

  /** Behind the last frame that is older than `ms`. */
  since(ms: number): FeedCursor {
    const { seq } = this.#sql.exec<{ seq: number | null }>("SELECT min(seq) AS seq FROM frame WHERE at >= ?", ms).one();
    return { epoch: this.#epoch, seq: seq === null ? this.#last : seq - 1 };
  }

  after(seq: number, limit: number): Frame[] {
    return this.#sql
      .exec<{ seq: number; text: string }>("SELECT seq, text FROM frame WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
      .toArray();
  }

  /** How far a shard's log has become part of the feed; null for one that was never heard of. */
  through(shard: string): number | null {
    const [row] = this.#sql.exec<{ through: number }>("SELECT through FROM shard WHERE name = ?", shard).toArray();
    return row?.through ?? null;
  }

  /** Takes a page in when it begins where the feed stands; whether there is something to tell. */
  take(page: FeedPage, nowMs: number): boolean {
    const { shard, after, items, is_cut: isCut } = page;
    const known = this.through(shard);
    if (after === null || (known !== null && known !== after)) return false;
    const [first, last, units] = [this.#first, this.#last, this.#units];
    try {
      this.#storage.transactionSync(() => this.#write(page, nowMs));
    } catch (error) {
      [this.#first, this.#last, this.#units] = [first, last, units];
      throw error;
    }
    return isCut || items.length > 0;
  }

  #write({ shard, through, items, is_cut: isCut }: FeedPage, nowMs: number): void {
    if (isCut) this.#append(resetFrame({ epoch: this.#epoch, seq: this.#last + 1 }), nowMs);
    for (const frame of framesOf(items)) {
      this.#append(runsFrame({ epoch: this.#epoch, seq: this.#last + 1 }, frame), nowMs);
    }
    this.#sql.exec(
      "INSERT INTO shard (name, through) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET through = ?2",
      shard,
      through,
    );
    this.#trim(nowMs);
  }

  /** When shards were last asked to tell, and until when they do. */
  get listenedUntil(): number {
    return Number(this.#meta("listened_until") ?? 0);
  }

  set listenedUntil(ms: number) {
    this.#setMeta("listened_until", String(ms));
  }

  /** Forgets everything: a cursor from before is nobody's. */
  restart(): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM frame");
      this.#sql.exec("DELETE FROM shard");
      this.#epoch = this.#begin();
    });
    this.#last = 0;
    this.#first = 1;
    this.#units = 0;
  }

  /** Lets go of what is too old or too much; the newest frame stays, so that numbers never come twice. */
  #trim(nowMs: number): void {
    while (this.#first < this.#last) {
      const [oldest] = this.#sql
        .exec<{ at: number; units: number }>("SELECT at, units FROM frame WHERE seq = ?", this.#first)
        .toArray();
      const isKept = oldest !== undefined && oldest.at > nowMs - RETAINED_MS && this.#units <= RETAINED_UNITS_MAX;
      if (isKept) return;
      this.#sql.exec("DELETE FROM frame WHERE seq = ?", this.#first);
      this.#units -= oldest?.units ?? 0;
      this.#first += 1;
    }
  }

  #append(text: string, nowMs: number): void {
    this.#last += 1;
    this.#units += text.length;
    this.#sql.exec(
      "INSERT INTO frame (seq, at, units, text) VALUES (?, ?, ?, ?)",
      this.#last,
      nowMs,
      text.length,
      text,
    );
  }

  #begin(): string {
    const epoch = Date.now().toString(36) + crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36);
    this.#setMeta("epoch", epoch);
    return epoch;
  }

  #meta(key: string): string | null {
    return this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray()[0]?.value ?? null;
  }

  #setMeta(key: string, value: string): void {
    this.#sql.exec(
      "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
      key,
      value,
    );
  }

  get #sql(): SqlStorage {
    return this.#storage.sql;
  }
}
