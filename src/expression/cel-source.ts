/**
 * CEL source before it is parsed: `$` becomes `output`, and nesting is bounded so that the parser, which recurses,
 * never meets a source that could overflow its stack. String literals and comments pass through byte for byte.
 */
import { fail, ok, type Result } from "#kernel/errors.ts";
import { utf8Length } from "#kernel/json.ts";
import { EXPRESSION_DEPTH_MAX, EXPRESSION_SOURCE_BYTES_MAX } from "./limits.ts";

export interface CelSource {
  readonly text: string;
  /** The place in the author's source of a place in `text`; both in UTF-16 units from 0. */
  originalOffset(offset: number): number;
}

const INPUT_NAME = "output";
const STRING_PREFIX = /^(?:r|b|br|rb)$/i;
const WORD = /[A-Za-z0-9_]/;

/** The source as the CEL parser may read it, or why it may not. */
export function prepareCelSource(source: string): Result<CelSource, string> {
  if (utf8Length(source) > EXPRESSION_SOURCE_BYTES_MAX) {
    return fail(`the expression is longer than ${EXPRESSION_SOURCE_BYTES_MAX} bytes`);
  }
  if (source.trim() === "") return fail("the expression is empty");
  // A literal would carry it into a result, which has to be JSON.
  if (!source.isWellFormed()) return fail("the expression contains half of a surrogate pair");

  const parts: string[] = [];
  const rewrites: number[] = [];
  const nesting = new Nesting();
  let copied = 0;
  let at = 0;
  while (at < source.length) {
    const character = source.charAt(at);
    if (character === '"' || character === "'") {
      at = skipString(source, at, false);
    } else if (character === "/" && source.charAt(at + 1) === "/") {
      at = skipComment(source, at);
    } else if (WORD.test(character)) {
      const end = skipWord(source, at);
      const quote = source.charAt(end);
      const prefix = source.slice(at, end);
      const isPrefix = (quote === '"' || quote === "'") && STRING_PREFIX.test(prefix);
      at = isPrefix ? skipString(source, end, /r/i.test(prefix)) : end;
    } else if (character === "$" && standsAlone(source, at)) {
      parts.push(source.slice(copied, at), INPUT_NAME);
      rewrites.push(at);
      copied = at + 1;
      at += 1;
    } else {
      if (!nesting.read(character)) return fail(`the expression nests deeper than ${EXPRESSION_DEPTH_MAX} levels`);
      at += 1;
    }
  }
  parts.push(source.slice(copied));
  return ok({ text: parts.join(""), originalOffset: (offset) => originalOffset(rewrites, offset) });
}

/** Brackets that are open, and the `?` that follow one another within each: every one is a level of the parser. */
class Nesting {
  #questions = [0];

  read(character: string): boolean {
    const innermost = this.#questions.length - 1;
    if ("([{".includes(character)) this.#questions.push(0);
    else if (")]}".includes(character) && innermost > 0) this.#questions.pop();
    else if (character === ",") this.#questions[innermost] = 0;
    else if (character === "?") this.#questions[innermost] = (this.#questions[innermost] ?? 0) + 1;
    else return true;
    const chained = this.#questions.at(-1) ?? 0;
    return this.#questions.length - 1 <= EXPRESSION_DEPTH_MAX && chained <= EXPRESSION_DEPTH_MAX;
  }
}

function standsAlone(source: string, at: number): boolean {
  return !/[A-Za-z0-9_$]/.test(source.charAt(at - 1)) && !/[A-Za-z0-9_$]/.test(source.charAt(at + 1));
}

function skipWord(source: string, start: number): number {
  let at = start;
  while (at < source.length && WORD.test(source.charAt(at))) at++;
  return at;
}

function skipComment(source: string, start: number): number {
  const end = source.indexOf("\n", start);
  return end === -1 ? source.length : end;
}

function skipString(source: string, start: number, isRaw: boolean): number {
  const quote = source.charAt(start);
  const close = source.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let at = start + close.length;
  while (at < source.length) {
    if (source.startsWith(close, at)) return at + close.length;
    at += source.charAt(at) === "\\" && !isRaw ? 2 : 1;
  }
  return source.length;
}

function originalOffset(rewrites: readonly number[], offset: number): number {
  const growth = INPUT_NAME.length - 1;
  let shift = 0;
  for (const rewrite of rewrites) {
    const start = rewrite + shift;
    if (offset <= start) break;
    if (offset <= start + growth) return rewrite;
    shift += growth;
  }
  return offset - shift;
}
