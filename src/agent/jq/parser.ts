/** Reads a jq program by recursive descent: precedences of operators, terms and their suffixes, definitions. */
import { JQ_NESTING_MAX } from "./limits.ts";
import { readObject } from "./objects.ts";
import { joined, LEVELS } from "./operators.ts";
import { readPatterns } from "./patterns.ts";
import { JqSyntaxError, Scanner, type Token } from "./scanner.ts";
import { readText } from "./strings.ts";
import type { Definition, Syntax } from "./syntax.ts";

/** Words that are never the name of a function or begin a term of their own. */
const KEYWORDS: ReadonlySet<string> = new Set([
  "def",
  "if",
  "then",
  "elif",
  "else",
  "end",
  "as",
  "and",
  "or",
  "reduce",
  "foreach",
  "try",
  "catch",
  "label",
  "import",
  "include",
  "module",
]);

const IDENTITY: Syntax = { kind: "identity" };

/** Throws `JqSyntaxError`. */
export function parseJq(source: string): Syntax {
  const parser = new Parser(source);
  return parser.program();
}

/** Definitions alone, each ended by `;`. */
export function parseDefinitions(source: string): Definition[] {
  const parser = new Parser(source);
  const definitions: Definition[] = [];
  while (parser.scanner.peek().type !== "end") definitions.push(parser.definition());
  return definitions;
}

export class Parser {
  readonly scanner: Scanner;
  #nesting = 0;

  constructor(source: string) {
    this.scanner = new Scanner(source);
  }

  program(): Syntax {
    const syntax = this.pipe();
    if (this.scanner.peek().type !== "end") throw this.scanner.unexpected("an operator or the end");
    return syntax;
  }

  /** The loosest level. `comma` is false inside an object, where it parts members. */
  pipe(comma = true): Syntax {
    this.#nesting += 1;
    if (this.#nesting > JQ_NESTING_MAX) throw new JqSyntaxError(`nests deeper than ${JQ_NESTING_MAX} levels`);
    const stages: Syntax[] = [];
    do {
      if (this.scanner.isNext("def")) {
        const definition = this.definition();
        stages.push({ kind: "define", definition, rest: this.pipe(comma) });
        break;
      }
      stages.push(comma ? this.#commas() : this.#level(0));
    } while (this.scanner.take("|"));
    this.#nesting -= 1;
    return stages.reduceRight((right, left) => ({ kind: "pipe", left, right }));
  }

  definition(): Definition {
    const { scanner } = this;
    scanner.expect("def");
    const name = this.#name("a name");
    const parameters: string[] = [];
    if (scanner.take("(")) {
      do {
        const token = scanner.next();
        if (token.type === "variable") parameters.push(`$${token.text}`);
        else if (token.type === "name" && !KEYWORDS.has(token.text)) parameters.push(token.text);
        else throw new JqSyntaxError(`expected a parameter at character ${token.at + 1}`);
      } while (scanner.take(";"));
      scanner.expect(")");
    }
    scanner.expect(":");
    const body = this.pipe();
    scanner.expect(";");
    return { name, parameters, body };
  }

  /** A term with its suffixes: what `reduce`, `try` and patterns take without brackets. */
  postfix(): Syntax {
    let term = this.#term();
    for (;;) {
      const token = this.scanner.peek();
      if (token.type === "field") {
        this.scanner.next();
        term = { kind: "index", target: term, key: { kind: "literal", value: token.text } };
      } else if (this.scanner.take("?") || this.scanner.takeFirst("?//")) {
        term = { kind: "try", body: term, handler: null };
      } else if (this.scanner.isNext("[")) {
        term = this.#bracket(term);
      } else if (this.scanner.isNext(".")) {
        this.scanner.next();
        term = this.#afterDot(term);
      } else return term;
    }
  }

  #commas(): Syntax {
    let left = this.#level(0);
    while (this.scanner.take(",")) left = { kind: "comma", left, right: this.#level(0) };
    return left;
  }

  #level(index: number): Syntax {
    const level = LEVELS[index];
    if (level === undefined) return this.#operand();
    let left = this.#level(index + 1);
    for (;;) {
      const { type, text } = this.scanner.peek();
      if ((type !== "operator" && type !== "name") || !level.operators.includes(text)) return left;
      this.scanner.next();
      const right = this.#nested(() => this.#level(level.joins === "right" ? index : index + 1));
      left = joined(text, left, right);
      if (level.joins === "right") return left;
      const again = this.scanner.peek().text;
      if (level.joins === "none" && this.scanner.peek().type === "operator" && level.operators.includes(again)) {
        throw new JqSyntaxError(`"${text}" and "${again}" need brackets to tell which comes first`);
      }
    }
  }

  #operand(): Syntax {
    const { scanner } = this;
    if (scanner.isNext("def")) {
      const definition = this.definition();
      return { kind: "define", definition, rest: this.pipe() };
    }
    if (scanner.take("label")) {
      const name = this.#variable();
      scanner.expect("|");
      return { kind: "label", name, body: this.pipe() };
    }
    const term = this.postfix();
    if (!scanner.take("as")) return term;
    const patterns = readPatterns(this);
    scanner.expect("|");
    return { kind: "bind", source: term, patterns, body: this.pipe() };
  }

  #term(): Syntax {
    const { scanner } = this;
    const token = scanner.next();
    switch (token.type) {
      case "number":
        return { kind: "literal", value: Number(token.text) };
      case "quote":
        return readText(this, "@text");
      case "format":
        if (scanner.peek().type !== "quote") return { kind: "format", name: token.text };
        scanner.next();
        return readText(this, token.text);
      case "field":
        return { kind: "index", target: IDENTITY, key: { kind: "literal", value: token.text } };
      case "variable":
        return { kind: "variable", name: token.text };
      case "name":
        return this.#word(token);
      case "operator":
        return this.#symbol(token);
      case "end":
        throw new JqSyntaxError("the program ends where a term is expected");
    }
  }

  #symbol(token: Token): Syntax {
    const { scanner } = this;
    switch (token.text) {
      case ".": {
        const next = scanner.peek();
        if (next.type === "quote") {
          scanner.next();
          return { kind: "index", target: IDENTITY, key: readText(this, "@text") };
        }
        return scanner.isNext("[") ? this.#bracket(IDENTITY) : IDENTITY;
      }
      case "..":
        return { kind: "call", name: "recurse", args: [] };
      case "(": {
        const inner = this.pipe();
        scanner.expect(")");
        return inner;
      }
      case "[": {
        if (scanner.take("]")) return { kind: "list", body: null };
        const body = this.pipe();
        scanner.expect("]");
        return { kind: "list", body };
      }
      case "{":
        return readObject(this);
      case "-":
        return { kind: "negate", operand: this.#nested(() => this.postfix()) };
      default:
        throw new JqSyntaxError(`unexpected "${token.text}" at character ${token.at + 1}`);
    }
  }

  #word(token: Token): Syntax {
    const { scanner } = this;
    switch (token.text) {
      case "null":
        return { kind: "literal", value: null };
      case "true":
      case "false":
        return { kind: "literal", value: token.text === "true" };
      case "if":
        return this.#if();
      case "try": {
        const body = this.#nested(() => this.postfix());
        return { kind: "try", body, handler: scanner.take("catch") ? this.#nested(() => this.postfix()) : null };
      }
      case "reduce":
      case "foreach":
        return this.#fold(token.text);
      case "break":
        return { kind: "break", name: this.#variable() };
      default:
        if (KEYWORDS.has(token.text)) {
          throw new JqSyntaxError(`unexpected "${token.text}" at character ${token.at + 1}`);
        }
        return { kind: "call", name: token.text, args: this.#args() };
    }
  }

  #args(): Syntax[] {
    const args: Syntax[] = [];
    if (!this.scanner.take("(")) return args;
    do args.push(this.pipe());
    while (this.scanner.take(";"));
    this.scanner.expect(")");
    return args;
  }

  #if(): Syntax {
    const { scanner } = this;
    const condition = this.pipe();
    scanner.expect("then");
    const then = this.pipe();
    if (scanner.take("elif")) return { kind: "if", condition, then, else: this.#nested(() => this.#if()) };
    const otherwise = scanner.take("else") ? this.pipe() : null;
    scanner.expect("end");
    return { kind: "if", condition, then, else: otherwise };
  }

  #fold(kind: "reduce" | "foreach"): Syntax {
    const { scanner } = this;
    const source = this.postfix();
    scanner.expect("as");
    const patterns = readPatterns(this);
    scanner.expect("(");
    const start = this.pipe();
    scanner.expect(";");
    const update = this.pipe();
    const extract = kind === "foreach" && scanner.take(";") ? this.pipe() : null;
    scanner.expect(")");
    return kind === "reduce"
      ? { kind, source, patterns, start, update }
      : { kind, source, patterns, start, update, extract };
  }

  #afterDot(target: Syntax): Syntax {
    if (this.scanner.isNext("[")) return this.#bracket(target);
    if (this.scanner.peek().type !== "quote") throw this.scanner.unexpected("a field or [");
    this.scanner.next();
    return { kind: "index", target, key: readText(this, "@text") };
  }

  #bracket(target: Syntax): Syntax {
    const { scanner } = this;
    scanner.expect("[");
    if (scanner.take("]")) return { kind: "iterate", target };
    const from = scanner.isNext(":") ? null : this.pipe();
    if (from !== null && scanner.take("]")) return { kind: "index", target, key: from };
    scanner.expect(":");
    const to = scanner.isNext("]") ? null : this.pipe();
    scanner.expect("]");
    return { kind: "slice", target, from, to };
  }

  #name(wanted: string): string {
    if (this.scanner.peek().type !== "name" || KEYWORDS.has(this.scanner.peek().text)) {
      throw this.scanner.unexpected(wanted);
    }
    return this.scanner.next().text;
  }

  #variable(): string {
    if (this.scanner.peek().type !== "variable") throw this.scanner.unexpected("a variable such as $out");
    return this.scanner.next().text;
  }

  #nested<T>(read: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > JQ_NESTING_MAX) throw new JqSyntaxError(`nests deeper than ${JQ_NESTING_MAX} levels`);
    const result = read();
    this.#nesting -= 1;
    return result;
  }
}
