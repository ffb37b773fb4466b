/** From the text of a query to tokens. Comments and blanks end here; what no token begins with is refused. */
import { SQL_LENGTH_MAX } from "./limits.ts";
import { type Place, SqlError, START, shown } from "./sql-error.ts";

export type TokenKind = "word" | "quoted" | "number" | "text" | "symbol" | "end";

export interface Token {
  kind: TokenKind;
  /** A word as written, a number's digits, a string's value, a symbol. */
  text: string;
  place: Place;
}

const BLANK = /[ \t\r\n\f\v]/;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOLS = ["<>", "!=", "<=", ">=", "||", "::", "->"];
const SINGLE_SYMBOLS = new Set("()[]{},.*+-/%=<>;:?");

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "0": "\0",
  b: "\b",
  f: "\f",
  a: "\x07",
  v: "\v",
};

export function tokenize(sql: string): Token[] {
  if (sql.length > SQL_LENGTH_MAX) {
    throw new SqlError(START, `a query may have at most ${SQL_LENGTH_MAX} characters, this one has ${sql.length}`);
  }
  return new Lexer(sql).tokens();
}

class Lexer {
  readonly #sql: string;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(sql: string) {
    this.#sql = sql;
  }

  tokens(): Token[] {
    const found: Token[] = [];
    for (;;) {
      this.#skipBlanks();
      const token = this.#next();
      found.push(token);
      if (token.kind === "end") return found;
    }
  }

  get #place(): Place {
    return { offset: this.#offset, line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  #next(): Token {
    const sql = this.#sql;
    const place = this.#place;
    const char = sql.charAt(this.#offset);
    if (char === "") return { kind: "end", text: "", place };
    if (char === "'") return { kind: "text", text: this.#quoted("'", "string"), place };
    if (char === '"' || char === "`") return { kind: "quoted", text: this.#quoted(char, "name"), place };
    const number = this.#match(NUMBER);
    if (number !== null) {
      if (this.#match(WORD) !== null) throw new SqlError(place, `"${shown(sql.slice(place.offset))}" is not a number`);
      return { kind: "number", text: number, place };
    }
    const word = this.#match(WORD);
    if (word !== null) return { kind: "word", text: word, place };
    const pair = sql.slice(this.#offset, this.#offset + 2);
    const symbol = SYMBOLS.includes(pair) ? pair : char;
    if (symbol.length === 1 && !SINGLE_SYMBOLS.has(symbol)) {
      const shownChar = String.fromCodePoint(sql.codePointAt(this.#offset) ?? 0);
      throw new SqlError(place, `the character ${JSON.stringify(shownChar)} has no meaning outside of a 'string'`);
    }
    this.#offset += symbol.length;
    return { kind: "symbol", text: symbol, place };
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#sql)?.[0] ?? null;
    if (found !== null) this.#offset += found.length;
    return found;
  }

  /** A string or a quoted name: a doubled quote stands for one, a backslash takes the next character as it is. */
  #quoted(quote: string, what: string): string {
    const place = this.#place;
    let value = "";
    for (this.#offset += 1; this.#offset < this.#sql.length; this.#offset += 1) {
      const char = this.#sql.charAt(this.#offset);
      const next = this.#sql.charAt(this.#offset + 1);
      if (char === quote && next !== quote) {
        this.#offset += 1;
        return value;
      }
      if (char === quote) this.#offset += 1;
      if (char === "\n") this.#newLine(this.#offset + 1);
      if (char === "\\" && next !== "") {
        // LIKE needs `\%` and `\_` as they are.
        value += next === "%" || next === "_" ? `\\${next}` : (ESCAPES[next] ?? next);
        this.#offset += 1;
        if (next === "\n") this.#newLine(this.#offset + 1);
      } else value += char;
    }
    throw new SqlError(place, `the ${what} that begins here has no closing ${quote}`);
  }

  #newLine(start: number): void {
    this.#line += 1;
    this.#lineStart = start;
  }

  #skipBlanks(): void {
    const sql = this.#sql;
    for (;;) {
      const char = sql.charAt(this.#offset);
      const pair = char + sql.charAt(this.#offset + 1);
      if (char === "\n") this.#newLine(this.#offset + 1);
      if (BLANK.test(char)) this.#offset += 1;
      else if (pair === "--") {
        const end = sql.indexOf("\n", this.#offset);
        this.#offset = end === -1 ? sql.length : end;
      } else if (pair === "/*") this.#skipComment();
      else return;
    }
  }

  #skipComment(): void {
    const end = this.#sql.indexOf("*/", this.#offset + 2);
    if (end === -1) throw new SqlError(this.#place, "the comment that begins here has no closing */");
    for (let at = this.#offset; at < end; at++) if (this.#sql.charAt(at) === "\n") this.#newLine(at + 1);
    this.#offset = end + 2;
  }
}
