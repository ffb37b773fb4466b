/** Recognises API keys: the operator's secret, then what this isolate remembers, then D1. Keeps digests, never texts. */
import type { Clock } from "#kernel/clock.ts";
import { digestOf, hexOf, isKeyText, KEY_LENGTH_MAX } from "./key-text.ts";
import { type KnownKey, KnownKeys } from "./known-keys.ts";
import { OPERATOR, type Principal } from "./scopes.ts";

/** `busy`: so many unknown keys were sent that this one is not looked for before `retryAfterMs` have passed. */
export type Recognition =
  | { outcome: "recognised"; principal: Principal }
  | { outcome: "unknown" }
  | { outcome: "busy"; retryAfterMs: number };

export interface KeyringParts {
  /** The secret `WEIR_OPERATOR_KEY`, empty when none is set. */
  operatorKey: string;
  /** The key with this digest (SHA-256 in hex); null when there is none. */
  find(digest: string): Promise<KnownKey | null>;
  clock: Clock;
}

const UNKNOWN: Recognition = { outcome: "unknown" };

export class Keyring {
  readonly #operatorDigest: Promise<ArrayBuffer> | null;
  readonly #parts: KeyringParts;
  readonly #memory = new KnownKeys();
  /** Counts revocations of this isolate: an answer of D1 that was asked for before one is not remembered. */
  #revocations = 0;

  constructor(parts: KeyringParts) {
    this.#parts = parts;
    this.#operatorDigest = parts.operatorKey === "" ? null : digestOf(parts.operatorKey);
  }

  /** False when no operator key is set up: then nothing that needs a key can be answered. */
  get isReady(): boolean {
    return this.#operatorDigest !== null;
  }

  /** Keys that this isolate remembers. */
  get known(): number {
    return this.#memory.size;
  }

  async recognise(key: string): Promise<Recognition> {
    if (this.#operatorDigest === null || key.length > KEY_LENGTH_MAX) return UNKNOWN;
    const [digest, operator] = await Promise.all([digestOf(key), this.#operatorDigest]);
    if (crypto.subtle.timingSafeEqual(digest, operator)) return { outcome: "recognised", principal: OPERATOR };
    return isKeyText(key) ? this.#recognise(hexOf(digest)) : UNKNOWN;
  }

  /** Forgets a key that was revoked in this isolate. */
  forgetKey(keyId: string): void {
    this.#revocations += 1;
    this.#memory.forget((principal) => principal.keyId === keyId);
  }

  /** Forgets the keys of a tenant that was deleted in this isolate. */
  forgetTenant(tenant: string): void {
    this.#revocations += 1;
    this.#memory.forget((principal) => principal.tenant === tenant);
  }

  /** Looked up by digest: a guess has no influence on how far its digest agrees with another, so timing tells nothing. */
  async #recognise(digest: string): Promise<Recognition> {
    const nowMs = this.#parts.clock.nowMs();
    const known = this.#memory.get(digest, nowMs);
    if (known?.isFresh === true) return recognition(known.key, nowMs);
    if (known !== null) return this.#read(digest, nowMs).catch(() => recognition(known.key, nowMs));
    if (this.#memory.isUnknown(digest, nowMs)) return UNKNOWN;
    const retryAfterMs = this.#memory.busyForMs(nowMs);
    return retryAfterMs > 0 ? { outcome: "busy", retryAfterMs } : this.#read(digest, nowMs);
  }

  /** What D1 says, remembered with the time of the question: that is the moment for which the answer holds. */
  async #read(digest: string, nowMs: number): Promise<Recognition> {
    const revocations = this.#revocations;
    const found = await this.#parts.find(digest);
    if (found === null) {
      this.#memory.putUnknown(digest, nowMs);
      return UNKNOWN;
    }
    if (revocations === this.#revocations) this.#memory.put(digest, found, nowMs);
    return recognition(found, this.#parts.clock.nowMs());
  }
}

function recognition({ principal, expiresAt }: KnownKey, nowMs: number): Recognition {
  return expiresAt === null || nowMs < expiresAt ? { outcome: "recognised", principal } : UNKNOWN;
}
