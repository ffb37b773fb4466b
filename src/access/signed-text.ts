/**
 * Texts that say something and that only Weir can have made: a JSON value, signed with a key of its own for each
 * purpose. Nothing is stored; that one serves once, or not after a time, is for others to see to.
 */

/** Longer texts are not looked at. */
export const TOKEN_LENGTH_MAX = 2_000;

const NONCE_BYTES = 16;
const TOKEN = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;

export class SignedText {
  readonly #secret: string;
  readonly #purpose: string;
  #key: Promise<CryptoKey> | null = null;

  /** `operatorKey`: the secret of the installation. With another one, texts made before are nobody's. */
  constructor(operatorKey: string, purpose: string) {
    this.#secret = operatorKey;
    this.#purpose = purpose;
  }

  async sign(value: unknown): Promise<string> {
    const text = encode(new TextEncoder().encode(JSON.stringify(value)));
    const mac = await crypto.subtle.sign("HMAC", await this.#derivedKey(), new TextEncoder().encode(text));
    return `${text}.${encode(new Uint8Array(mac))}`;
  }

  /** What a token says; undefined for anything that was not made here, as it is. */
  async open(token: string): Promise<unknown> {
    const [, text, mac] = (token.length <= TOKEN_LENGTH_MAX ? TOKEN.exec(token) : null) ?? [];
    if (text === undefined || mac === undefined) return undefined;
    // Compares in constant time.
    const signed = new TextEncoder().encode(text);
    if (!(await crypto.subtle.verify("HMAC", await this.#derivedKey(), decode(mac), signed))) return undefined;
    return JSON.parse(new TextDecoder().decode(decode(text)));
  }

  /** Not the operator's key itself: what is signed here must say nothing about it, nor serve elsewhere (RFC 5869). */
  #derivedKey(): Promise<CryptoKey> {
    this.#key ??= deriveKey(this.#secret, this.#purpose);
    return this.#key;
  }
}

export function newNonce(): string {
  return encode(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

async function deriveKey(secret: string, purpose: string): Promise<CryptoKey> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const base = await crypto.subtle.importKey("raw", bytes(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes(purpose) };
  const wanted = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(derivation, base, wanted, false, ["sign", "verify"]);
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
