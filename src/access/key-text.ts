/** The text of an API key: how one is made, how one is recognised as such, and what of it may be kept. */

export const KEY_PREFIX = "weir_";
const KEY_BYTES = 32;

/** Longer texts are not looked at; the operator's own key may have any form up to this length. */
export const KEY_LENGTH_MAX = 512;

/** Characters of a key's random part that stay visible, so that its owner tells it from others; 220 bits stay secret. */
const VISIBLE_CHARACTERS = 6;

const KEY_TEXT = /^weir_[A-Za-z0-9_-]{43}$/;

/** A new key of 256 random bits. */
export function newKeyText(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `${KEY_PREFIX}${base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** Whether a text may be a key that Weir made; anything else need not be looked for. */
export function isKeyText(text: string): boolean {
  return KEY_TEXT.test(text);
}

/** What lists show of a key. */
export function visiblePrefix(key: string): string {
  return key.slice(0, KEY_PREFIX.length + VISIBLE_CHARACTERS);
}

/** SHA-256 of the text: all that is kept of a key. Random bits need neither salt nor stretching. */
export function digestOf(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

export function hexOf(digest: ArrayBuffer): string {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
