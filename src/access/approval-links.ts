/**
 * Signed links: whoever has one may cast one vote on one approval until it expires. Everything that it allows stands in
 * it, signed with a key of its own; nothing is stored. That it serves once is the shard's to see to.
 */
import { z } from "zod";

export interface ApprovalLink {
  tenant: string;
  approvalId: string;
  /** The key that made it: a link does not outlive its maker's key. */
  keyId: string;
  /** Whose vote it casts. */
  voter: string;
  nonce: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Longer texts are not looked at. */
export const TOKEN_LENGTH_MAX = 2_000;

/** Changes when the meaning of a token does: those of an earlier version are then nobody's. */
const PURPOSE = "weir approval link 1";

const NONCE_BYTES = 16;
const TOKEN = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;

const claims = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string(), z.int()]);

export class ApprovalLinks {
  readonly #secret: string;
  #key: Promise<CryptoKey> | null = null;

  /** `operatorKey`: the secret of the installation. With another one, links made before are nobody's. */
  constructor(operatorKey: string) {
    this.#secret = operatorKey;
  }

  async sign(link: ApprovalLink): Promise<string> {
    const { tenant, approvalId, keyId, voter, nonce, expiresAt } = link;
    const payload: z.infer<typeof claims> = [tenant, approvalId, keyId, voter, nonce, expiresAt];
    const text = encode(new TextEncoder().encode(JSON.stringify(payload)));
    const mac = await crypto.subtle.sign("HMAC", await this.#derivedKey(), new TextEncoder().encode(text));
    return `${text}.${encode(new Uint8Array(mac))}`;
  }

  /** The link that a token is, expired ones too; null for anything that was not made here, as it is. */
  async open(token: string): Promise<ApprovalLink | null> {
    const [, text, mac] = (token.length <= TOKEN_LENGTH_MAX ? TOKEN.exec(token) : null) ?? [];
    if (text === undefined || mac === undefined) return null;
    // Compares in constant time.
    const signed = new TextEncoder().encode(text);
    if (!(await crypto.subtle.verify("HMAC", await this.#derivedKey(), decode(mac), signed))) return null;
    const payload = claims.parse(JSON.parse(new TextDecoder().decode(decode(text))));
    const [tenant, approvalId, keyId, voter, nonce, expiresAt] = payload;
    return { tenant, approvalId, keyId, voter, nonce, expiresAt };
  }

  /** Not the operator's key itself: what is signed here must say nothing about it, nor serve elsewhere (RFC 5869). */
  #derivedKey(): Promise<CryptoKey> {
    this.#key ??= deriveKey(this.#secret);
    return this.#key;
  }
}

export function newNonce(): string {
  return encode(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const base = await crypto.subtle.importKey("raw", bytes(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes(PURPOSE) };
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
