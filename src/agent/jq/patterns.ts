/** Destructuring patterns: `$x`, `[$a, $b]`, `{a: $x, $y}`, and alternatives of them parted by `?//`. */
import type { Parser } from "./parser.ts";
import { JqSyntaxError } from "./scanner.ts";
import { readText } from "./strings.ts";
import type { Pattern, Syntax } from "./syntax.ts";

export function readPatterns(parser: Parser): Pattern[] {
  const patterns = [readPattern(parser, 0)];
  while (parser.scanner.take("?//")) patterns.push(readPattern(parser, 0));
  return patterns;
}

/** Every variable that one of the patterns binds: in the others it is null. */
export function namesOf(patterns: readonly Pattern[]): Set<string> {
  const names = new Set<string>();
  const collect = (pattern: Pattern): void => {
    if (pattern.kind === "name") names.add(pattern.name);
    else if (pattern.kind === "items") pattern.items.forEach(collect);
    else {
      for (const member of pattern.members) {
        if (member.name !== null) names.add(member.name);
        if (member.pattern !== null) collect(member.pattern);
      }
    }
  };
  patterns.forEach(collect);
  return names;
}

const PATTERN_NESTING_MAX = 16;

function readPattern(parser: Parser, nesting: number): Pattern {
  const { scanner } = parser;
  if (nesting > PATTERN_NESTING_MAX) throw new JqSyntaxError("a pattern nests too deeply");
  const token = scanner.peek();
  if (token.type === "variable") {
    scanner.next();
    return { kind: "name", name: token.text };
  }
  if (scanner.take("[")) {
    const items: Pattern[] = [];
    do items.push(readPattern(parser, nesting + 1));
    while (scanner.take(","));
    scanner.expect("]");
    return { kind: "items", items };
  }
  if (!scanner.take("{")) throw scanner.unexpected("a variable, [ or {");
  const members: { key: Syntax; name: string | null; pattern: Pattern | null }[] = [];
  do members.push(readMember(parser, nesting));
  while (scanner.take(","));
  scanner.expect("}");
  return { kind: "members", members };
}

function readMember(parser: Parser, nesting: number): { key: Syntax; name: string | null; pattern: Pattern | null } {
  const { scanner } = parser;
  const token = scanner.next();
  let key: Syntax;
  let name: string | null = null;
  if (token.type === "variable") {
    name = token.text;
    key = { kind: "literal", value: token.text };
    if (!scanner.isNext(":")) return { key, name, pattern: null };
  } else if (token.type === "name") key = { kind: "literal", value: token.text };
  else if (token.type === "quote") key = readText(parser, "@text");
  else if (token.type === "operator" && token.text === "(") {
    key = parser.pipe();
    scanner.expect(")");
  } else throw new JqSyntaxError(`expected a key at character ${token.at + 1}`);
  scanner.expect(":");
  return { key, name, pattern: readPattern(parser, nesting + 1) };
}
