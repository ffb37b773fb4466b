/** Content addresses: `sha256:` and the hex digest of the canonical JSON (RFC 8785). */
import { canonicalJson, type Json } from "#kernel/json.ts";

export interface Content {
  id: string;
  text: string;
}

/** Largest content kept in D1. */
export const CONTENT_BYTES_MAX = 1_048_576;

export async function contentOf(value: Json): Promise<Content> {
  const text = canonicalJson(value);
  return { id: `sha256:${await sha256(text)}`, text };
}

/** Hex digest of the text's UTF-8 bytes. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
