/** Recognises API keys. A presented key is compared by its digest in constant time; the text is never kept. */
import { OPERATOR, type Principal } from "./scopes.ts";

/** Keys longer than this are not looked at. */
export const KEY_LENGTH_MAX = 256;

export class Keyring {
  readonly #operatorDigest: Promise<ArrayBuffer> | null;

  /** `operatorKey`: the secret `WEIR_OPERATOR_KEY`, empty when none is set. */
  constructor(operatorKey: string) {
    this.#operatorDigest = operatorKey === "" ? null : digest(operatorKey);
  }

  /** False when no key at all is set up: then nothing that needs one can be answered. */
  get isReady(): boolean {
    return this.#operatorDigest !== null;
  }

  /** Who the key belongs to; null for an unknown one. */
  async recognise(key: string): Promise<Principal | null> {
    if (this.#operatorDigest === null || key.length > KEY_LENGTH_MAX) return null;
    const [presented, operator] = await Promise.all([digest(key), this.#operatorDigest]);
    return crypto.subtle.timingSafeEqual(presented, operator) ? OPERATOR : null;
  }
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
