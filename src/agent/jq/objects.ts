/** Object constructions of a jq program: `{a, "b": 1, (.c): 2, $d, @base64 "x": 3}`. */
import type { Parser } from "./parser.ts";
import { JqSyntaxError, type Token } from "./scanner.ts";
import { readText } from "./strings.ts";
import type { Syntax } from "./syntax.ts";

const IDENTITY: Syntax = { kind: "identity" };

/** Reads on after the opening brace, which is taken. */
export function readObject(parser: Parser): Syntax {
  const { scanner } = parser;
  const members: { key: Syntax; value: Syntax }[] = [];
  while (!scanner.take("}")) {
    if (members.length > 0) scanner.expect(",");
    if (members.length > 0 && scanner.take("}")) break;
    members.push(readMember(parser));
  }
  return { kind: "object", members };
}

function readMember(parser: Parser): { key: Syntax; value: Syntax } {
  const { scanner } = parser;
  const token = scanner.next();
  let key: Syntax;
  let short: Syntax | null;
  if (token.type === "variable") {
    key = { kind: "literal", value: token.text };
    short = { kind: "variable", name: token.text };
  } else if (token.type === "operator" && token.text === "(") {
    key = parser.pipe();
    scanner.expect(")");
    short = null;
  } else {
    key = plainKey(parser, token);
    short = { kind: "index", target: IDENTITY, key };
  }
  if (short !== null && !scanner.isNext(":")) return { key, value: short };
  scanner.expect(":");
  return { key, value: parser.pipe(false) };
}

function plainKey(parser: Parser, token: Token): Syntax {
  if (token.type === "name" || token.type === "number") return { kind: "literal", value: token.text };
  if (token.type === "quote") return readText(parser, "@text");
  if (token.type === "format" && parser.scanner.peek().type === "quote") {
    parser.scanner.next();
    return readText(parser, token.text);
  }
  throw new JqSyntaxError(`expected a key at character ${token.at + 1}`);
}
