/**
 * What an isolate remembers of keys by their digest: good ones for half a minute, the least recently used forgotten
 * first; unknown ones for a shorter while, in a memory of their own, so that guesses never push a good key out.
 */
import type { Principal } from "./scopes.ts";

/** A key as D1 knows it. Times are milliseconds since the epoch. */
export interface KnownKey {
  principal: Principal;
  expiresAt: number | null;
}

/** Good keys that one isolate remembers. */
export const KNOWN_KEYS_MAX = 10_000;

/** After this a key is read again; revoked elsewhere, it is believed no longer. */
export const KNOWN_KEY_TTL_MS = 30_000;

/** While one request reads a key again, others go on with what is known for this long. */
export const REFRESH_MS = 5_000;

/** However long reading it again takes or fails, a key is not believed beyond this: 60 s are promised for revocation. */
export const KNOWN_KEY_AGE_MS_MAX = 50_000;

/** Unknown keys that one isolate remembers, and so the most that it asks D1 about within their time. */
export const UNKNOWN_KEYS_MAX = 1_000;
export const UNKNOWN_KEY_TTL_MS = 10_000;

interface Entry {
  key: KnownKey;
  readAt: number;
  refreshAt: number;
}

export class KnownKeys {
  readonly #known = new Map<string, Entry>();
  /** Digest → when it was found to be unknown; a Map keeps the order of insertion, so the oldest comes first. */
  readonly #unknown = new Map<string, number>();

  get size(): number {
    return this.#known.size;
  }

  /** The key if it may be believed now; `isFresh` is false for the one caller that should read it again. */
  get(digest: string, nowMs: number): { key: KnownKey; isFresh: boolean } | null {
    const entry = this.#known.get(digest);
    if (entry === undefined) return null;
    this.#known.delete(digest);
    if (nowMs - entry.readAt >= KNOWN_KEY_AGE_MS_MAX) return null;
    // A Map iterates in order of insertion: to insert again is to be the most recently used.
    this.#known.set(digest, entry);
    const isFresh = nowMs < entry.refreshAt;
    if (!isFresh) entry.refreshAt = nowMs + REFRESH_MS;
    return { key: entry.key, isFresh };
  }

  put(digest: string, key: KnownKey, nowMs: number): void {
    this.#known.delete(digest);
    this.#known.set(digest, { key, readAt: nowMs, refreshAt: nowMs + KNOWN_KEY_TTL_MS });
    if (this.#known.size <= KNOWN_KEYS_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  isUnknown(digest: string, nowMs: number): boolean {
    this.#forgetOldUnknown(nowMs);
    return this.#unknown.has(digest);
  }

  /** Milliseconds until another unknown key may be asked about; 0: now. */
  busyForMs(nowMs: number): number {
    this.#forgetOldUnknown(nowMs);
    if (this.#unknown.size < UNKNOWN_KEYS_MAX) return 0;
    const [oldest = nowMs] = this.#unknown.values();
    return oldest + UNKNOWN_KEY_TTL_MS - nowMs;
  }

  putUnknown(digest: string, nowMs: number): void {
    this.#known.delete(digest);
    if (this.#unknown.size < UNKNOWN_KEYS_MAX) this.#unknown.set(digest, nowMs);
  }

  /** Forgets good keys at once: after a revocation in this isolate. */
  forget(isGone: (principal: Principal) => boolean): void {
    for (const [digest, { key }] of this.#known) if (isGone(key.principal)) this.#known.delete(digest);
  }

  #forgetOldUnknown(nowMs: number): void {
    for (const [digest, at] of this.#unknown) {
      if (nowMs - at < UNKNOWN_KEY_TTL_MS) break;
      this.#unknown.delete(digest);
    }
  }
}
