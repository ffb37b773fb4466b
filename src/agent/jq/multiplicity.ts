/**
 * Whether a program can give several values, told from its text alone, so that the shape of a result depends on the
 * program and never on the data: `.[] | select(.big)` gives a list even when one element is big.
 */
import type { Syntax } from "./syntax.ts";

/** Functions that take filters and give at most one value, whatever the filters give. */
const GIVES_ONE: ReadonlySet<string> = new Set([
  "first/1",
  "last/1",
  "nth/2",
  "add/1",
  "any/1",
  "any/2",
  "all/1",
  "all/2",
  "isempty/1",
  "map/1",
  "map_values/1",
  "with_entries/1",
  "sort_by/1",
  "group_by/1",
  "unique_by/1",
  "min_by/1",
  "max_by/1",
  "del/1",
  "pick/1",
  "walk/1",
  "INDEX/1",
  "INDEX/2",
  "IN/1",
  "IN/2",
  "debug/1",
]);

/** Functions that give several values. Any other gives one for each combination of its arguments' values. */
const GIVES_SEVERAL: ReadonlySet<string> = new Set([
  "range",
  "recurse",
  "repeat",
  "while",
  "limit",
  "skip",
  "paths",
  "leaf_paths",
  "path",
  "combinations",
  "scan",
  "splits",
  "match",
  "capture",
  "tostream",
]);

/** True when the program may give more than one value. */
export function givesSeveral(syntax: Syntax, defined: ReadonlySet<string> = new Set()): boolean {
  const several = (part: Syntax | null) => part !== null && givesSeveral(part, defined);
  switch (syntax.kind) {
    case "identity":
    case "literal":
    case "format":
    case "list":
    case "variable":
    case "break":
      return false;
    case "iterate":
    case "comma":
    case "foreach":
      return true;
    case "text":
      return syntax.parts.some((part) => typeof part !== "string" && several(part));
    case "index":
      return several(syntax.target) || several(syntax.key);
    case "slice":
      return several(syntax.target) || several(syntax.from) || several(syntax.to);
    case "object":
      return syntax.members.some(({ key, value }) => several(key) || several(value));
    case "negate":
      return several(syntax.operand);
    case "assign":
      return syntax.operator === "|=" ? false : several(syntax.right);
    case "pipe":
    case "and":
    case "or":
    case "binary":
    case "alternative":
      return several(syntax.left) || several(syntax.right);
    case "if":
      return several(syntax.condition) || several(syntax.then) || several(syntax.else);
    case "try":
      return several(syntax.body) || several(syntax.handler);
    case "reduce":
      return several(syntax.start);
    case "bind":
      return several(syntax.source) || several(syntax.body) || syntax.patterns.some((one) => one.kind === "members");
    case "label":
      return several(syntax.body);
    case "define": {
      const { definition } = syntax;
      const body = givesSeveral(definition.body, defined);
      const names = new Set([...defined, ...definition.parameters.map((name) => name.replace("$", ""))]);
      return givesSeveral(syntax.rest, body ? names.add(definition.name) : names);
    }
    case "call": {
      if (defined.has(syntax.name) || GIVES_SEVERAL.has(syntax.name)) return true;
      return !GIVES_ONE.has(`${syntax.name}/${syntax.args.length}`) && syntax.args.some(several);
    }
  }
}
