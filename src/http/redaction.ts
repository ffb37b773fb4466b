/**
 * Takes the values of used secrets out of everything that an exchange hands back, in the forms that an echo is likely
 * to have. Searches for those forms as literal text, so that its cost grows with the text alone.
 */
import type { Json } from "#kernel/json.ts";
import { latin1 } from "./body.ts";

export const REDACTED = "[redacted]";

/** Parts of a value in base64 are looked for from this length on: shorter ones occur by chance. */
const BASE64_PART_LENGTH_MIN = 8;

export interface Redactor {
  text(text: string): string;
  /** Strings, keys and numbers at any depth. */
  json(value: Json): Json;
  /** Characters of the longest echo: what a cut text may end with a part of. */
  readonly longest: number;
}

/** Redacts nothing: no secret was used. */
export const noRedactor: Redactor = { text: (text) => text, json: (value) => value, longest: 0 };

/** A redactor of `values`, the secrets that one request has used. */
export function redactorOf(values: readonly string[]): Redactor {
  if (values.length === 0) return noRedactor;
  const echoes = [...new Set(values.flatMap(echoesOf))].sort((left, right) => right.length - left.length);
  const text = (input: string) => echoes.reduce((output, echo) => output.replaceAll(echo, REDACTED), input);
  const json = (value: Json): Json => {
    if (typeof value === "string") return text(value);
    if (typeof value === "number") return text(String(value)) === String(value) ? value : REDACTED;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(json);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), json(item)]));
  };
  return { text, json, longest: echoes[0]?.length ?? 0 };
}

/** A value of letters and digits has one form and its base64; others have as many as writers of text disagree on. */
function echoesOf(value: string): string[] {
  const bytes = latin1(new TextEncoder().encode(value));
  return [value, bytes, ...inJson(value), ...inUrl(value), ...inHtml(value), ...inBase64(bytes)];
}

/** As JSON.stringify, PHP, Go (and others that guard HTML), .NET and writers of pure ASCII have it. */
function inJson(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const escapeAll = (text: string, characters: RegExp) =>
    text.replace(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const ascii = escapeAll(plain, /[^\0-\x7f]/g);
  const guarded = escapeAll(ascii, /[<>&]/g);
  const strict = escapeAll(ascii, /[<>&'+`]/g).replaceAll('\\"', "\\u0022");
  const forms = [plain, ascii, guarded, escapeAll(plain, /[<>&]/g), strict];
  return [...forms, ...forms.map(upperEscapes), ...forms.map((form) => form.replaceAll("/", "\\/"))];
}

/** Percent-encoded as JavaScript, RFC 3986 and HTML forms do it, with either case of hex digits, once and twice. */
function inUrl(value: string): string[] {
  const component = encodeURIComponent(value.toWellFormed());
  const strict = component.replace(/[!'()*]/g, percentEncode);
  const form = new URLSearchParams({ "": value }).toString().slice(1);
  const once = [component, strict, form, form.replaceAll("+", "%20"), encodeURI(value.toWellFormed())];
  const either = [...once, ...once.map((text) => text.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()))];
  return [...either, ...either.map((text) => text.replaceAll("%", "%25"))];
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function inHtml(value: string): string[] {
  const basic = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quoted = basic.replaceAll('"', "&quot;");
  return [basic, quoted, ...["&#39;", "&#x27;", "&apos;"].map((quote) => quoted.replaceAll("'", quote))];
}

/**
 * base64 and base64url of the value alone, and what is fixed of it at each of the three places within a group that it
 * can start at in a longer text, as a password does in Basic credentials.
 */
function inBase64(bytes: string): string[] {
  const whole = btoa(bytes);
  const parts = [whole, whole.replace(/=+$/, "")];
  for (let shift = 0; shift < 3; shift++) {
    const text = btoa("\0".repeat(shift) + bytes).replace(/=+$/, "");
    const endsGroup = (bytes.length + shift) % 3 === 0;
    const part = text.slice(shift === 0 ? 0 : shift + 1, endsGroup ? undefined : -1);
    if (part.length >= BASE64_PART_LENGTH_MIN) parts.push(part);
  }
  return [...parts, ...parts.map((part) => part.replaceAll("+", "-").replaceAll("/", "_"))];
}

function upperEscapes(text: string): string {
  return text.replace(/\\u[0-9a-f]{4}/g, (escaped) => `\\u${escaped.slice(2).toUpperCase()}`);
}
