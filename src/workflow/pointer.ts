/** JSON Pointers (RFC 6901) as text from outside: their grammar, and the tokens that no document of ours is reached by. */
import { fail, ok, type Result } from "#kernel/errors.ts";
import { POINTER_LENGTH_MAX } from "./limits.ts";

export interface Pointer {
  readonly tokens: readonly string[];
}

/** Names through which JavaScript objects reach what they share. */
export const FORBIDDEN_TOKENS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The error is a message for the author. */
export function parsePointer(text: string): Result<Pointer, string> {
  if (text.length > POINTER_LENGTH_MAX) return fail(`a JSON Pointer has at most ${POINTER_LENGTH_MAX} characters`);
  if (text === "") return ok({ tokens: [] });
  if (!text.startsWith("/")) return fail("a JSON Pointer is empty or begins with /");
  if (/~(?![01])/.test(text)) return fail("in a JSON Pointer ~ is written ~0, and / inside a name ~1");
  const tokens = text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const forbidden = tokens.find((token) => FORBIDDEN_TOKENS.has(token));
  return forbidden === undefined ? ok({ tokens }) : fail(`"${forbidden}" cannot be reached`);
}
