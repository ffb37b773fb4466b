/** Whether the key that something long was opened with is still one: asked again and again, answered from D1 at times. */
import type { Clock } from "#kernel/clock.ts";
import type { KnownKey } from "./known-keys.ts";
import { OPERATOR, type Principal } from "./scopes.ts";

/** What D1 said of a key is believed for so long; with `CHECK_INTERVAL_MS` that keeps to the promised 60 s. */
export const WATCH_TTL_MS = 20_000;

/** How often whoever holds something open should ask. */
export const CHECK_INTERVAL_MS = 30_000;

/** Keys that one isolate remembers. */
const WATCHED_MAX = 1_000;

export interface KeyWatchParts {
  findById(tenant: string, id: string): Promise<KnownKey | null>;
  clock: Clock;
}

export class KeyWatch {
  readonly #parts: KeyWatchParts;
  readonly #asked = new Map<string, { at: number; isLive: Promise<boolean> }>();

  constructor(parts: KeyWatchParts) {
    this.#parts = parts;
  }

  /** True also when D1 does not answer: the next time tells. */
  isLive({ tenant, keyId }: Principal): Promise<boolean> {
    if (keyId === OPERATOR.keyId) return Promise.resolve(true);
    const nowMs = this.#parts.clock.nowMs();
    const name = `${tenant}/${keyId}`;
    const known = this.#asked.get(name);
    if (known !== undefined && nowMs < known.at + WATCH_TTL_MS) return known.isLive;
    const isLive = this.#parts.findById(tenant, keyId).then(
      (key) => key !== null && (key.expiresAt === null || this.#parts.clock.nowMs() < key.expiresAt),
      () => true,
    );
    if (this.#asked.size >= WATCHED_MAX) this.#asked.clear();
    this.#asked.set(name, { at: nowMs, isLive });
    return isLive;
  }
}
