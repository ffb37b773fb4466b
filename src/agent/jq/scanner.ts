/** Tokens of a jq program, read one at a time: what stands inside a string is the parser's to read. */

export type TokenType = "name" | "field" | "number" | "variable" | "format" | "operator" | "quote" | "end";

export interface Token {
  type: TokenType;
  /** Without the `.` of a field and the `$` of a variable. */
  text: string;
  at: number;
}

/** A program that cannot be read; the message is for its author. */
export class JqSyntaxError extends Error {}

const BLANK = /(?:\s|#[^\n]*)+/y;

/** In the order in which they are tried: `.5` is a number before `.` is an operator. */
const TOKENS: readonly (readonly [TokenType, RegExp])[] = [
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["field", /\.([A-Za-z_][A-Za-z0-9_]*)/y],
  ["name", /[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*/y],
  ["variable", /\$([A-Za-z_][A-Za-z0-9_]*)/y],
  ["format", /@[A-Za-z0-9_]+/y],
  ["quote", /"/y],
  ["operator", /\?\/\/|\/\/=|\|=|\+=|-=|\*=|\/=|%=|==|!=|<=|>=|\/\/|\.\.|[.[\](){}|,:;=<>+\-*/%?]/y],
];

export class Scanner {
  readonly source: string;
  /** Where the next token is looked for. */
  position = 0;
  #peeked: Token | null = null;

  constructor(source: string) {
    this.source = source;
  }

  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = null;
    return token;
  }

  /** The next token when it is this operator or keyword, which is then taken. */
  take(text: string): boolean {
    if (!this.isNext(text)) return false;
    this.next();
    return true;
  }

  /** The first character of this operator alone: `.a?//1` is `.a?` and then `//`. */
  takeFirst(text: string): boolean {
    if (!this.isNext(text)) return false;
    this.position = this.next().at + 1;
    return true;
  }

  isNext(text: string): boolean {
    const token = this.peek();
    return (token.type === "operator" || token.type === "name") && token.text === text;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unexpected(`"${text}"`);
  }

  /** The error for a next token that cannot stand there. */
  unexpected(wanted: string): JqSyntaxError {
    const { type, text, at } = this.peek();
    const found = type === "end" ? "the end" : `"${type === "quote" ? '"' : text.slice(0, 40)}"`;
    return new JqSyntaxError(`expected ${wanted} at character ${at + 1}, found ${found}`);
  }

  #read(): Token {
    BLANK.lastIndex = this.position;
    if (BLANK.test(this.source)) this.position = BLANK.lastIndex;
    const at = this.position;
    if (at >= this.source.length) return { type: "end", text: "", at };
    for (const [type, pattern] of TOKENS) {
      pattern.lastIndex = at;
      const match = pattern.exec(this.source);
      if (match === null) continue;
      this.position = pattern.lastIndex;
      return { type, text: match[1] ?? match[0], at };
    }
    throw new JqSyntaxError(`unexpected character ${JSON.stringify(this.source.charAt(at))} at character ${at + 1}`);
  }
}
