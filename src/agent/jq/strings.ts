/** Strings of a jq program: JSON's escapes, and `\(…)` with a program inside. */
import type { Parser } from "./parser.ts";
import { JqSyntaxError } from "./scanner.ts";
import type { Syntax } from "./syntax.ts";

const PLAIN = /[^"\\]*/y;
const ESCAPE = /\\(?:(["\\/bfnrt])|u([0-9A-Fa-f]{4}))/y;

/** Reads on after the opening quote, which is taken. */
export function readText(parser: Parser, format: string): Syntax {
  const { scanner } = parser;
  const parts: (string | Syntax)[] = [];
  let literal = "";
  for (;;) {
    PLAIN.lastIndex = scanner.position;
    literal += PLAIN.exec(scanner.source)?.[0] ?? "";
    scanner.position = PLAIN.lastIndex;
    const at = scanner.position;
    if (at >= scanner.source.length) throw new JqSyntaxError("a string is not closed");
    if (scanner.source.charAt(at) === '"') {
      scanner.position += 1;
      break;
    }
    if (scanner.source.startsWith("\\(", at)) {
      scanner.position += 2;
      parts.push(literal, parser.pipe());
      literal = "";
      scanner.expect(")");
      continue;
    }
    ESCAPE.lastIndex = at;
    const escaped = ESCAPE.exec(scanner.source);
    if (escaped === null) throw new JqSyntaxError(`unknown escape in a string at character ${at + 1}`);
    literal += JSON.parse(`"${escaped[0]}"`) as string;
    scanner.position = ESCAPE.lastIndex;
  }
  if (parts.length === 0) return { kind: "literal", value: literal };
  parts.push(literal);
  return { kind: "text", parts, format };
}
