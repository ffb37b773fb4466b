/** Walks over tokens: looks ahead, takes what is expected, and says what it found where something else stands. */

import type { Token } from "./lexer.ts";
import { REFUSED_WORDS } from "./refused.ts";
import { type Place, SqlError, shown } from "./sql-error.ts";

export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new Error("tokens end with an end");
    return token;
  }

  get place(): Place {
    return this.peek().place;
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "word" && token.text.toUpperCase() === word;
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "symbol" && token.text === symbol;
  }

  /** Takes the word if it stands here. */
  word(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at += 1;
    return true;
  }

  symbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.#at += 1;
    return true;
  }

  expectWord(word: string): void {
    if (!this.word(word)) this.fail(word);
  }

  expectSymbol(symbol: string): void {
    if (!this.symbol(symbol)) this.fail(`"${symbol}"`);
  }

  /** Refuses what stands here; `wanted` says what should. */
  fail(wanted: string): never {
    const token = this.peek();
    const word = token.kind === "word" ? token.text.toUpperCase() : "";
    const instead = REFUSED_WORDS[word];
    if (instead !== undefined) {
      throw new SqlError(token.place, `${word} is not part of Analytics Engine's SQL: ${instead}`);
    }
    throw new SqlError(token.place, `expected ${wanted}, found ${described(token)}`);
  }
}

function described(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the query";
    case "text":
      return `the string '${shown(token.text)}'`;
    default:
      return `"${shown(token.text)}"`;
  }
}
