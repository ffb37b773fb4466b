/** Names of a program before it runs: functions, variables and labels that do not exist there are errors, all at once. */
import { builtinKeys, isBuiltin } from "./builtins.ts";
import { namesOf } from "./patterns.ts";
import { type Definition, functionKey, type Pattern, type Syntax } from "./syntax.ts";

/** What jq has and Weir leaves out: files, the environment, further inputs, the clock's formats. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "input",
  "inputs",
  "env",
  "halt",
  "halt_error",
  "strftime",
  "strptime",
  "strflocaltime",
  "mktime",
  "gmtime",
  "localtime",
  "input_filename",
  "input_line_number",
  "fromstream",
  "truncate_stream",
]);

interface Names {
  functions: ReadonlySet<string>;
  variables: ReadonlySet<string>;
  labels: ReadonlySet<string>;
}

const PROBLEMS_MAX = 10;

/** The problems in one message; null when there are none. */
export function checkNames(syntax: Syntax): string | null {
  const checker = new Checker();
  checker.visit(syntax, { functions: new Set(), variables: new Set(), labels: new Set() });
  const problems = [...checker.problems];
  return problems.length === 0 ? null : problems.slice(0, PROBLEMS_MAX).join("; ");
}

class Checker {
  readonly problems = new Set<string>();

  visit(syntax: Syntax, names: Names): void {
    switch (syntax.kind) {
      case "variable":
        if (!names.variables.has(syntax.name)) this.problems.add(`$${syntax.name} is not defined`);
        return;
      case "break":
        if (!names.labels.has(syntax.name)) this.problems.add(`there is no "label $${syntax.name}" around its break`);
        return;
      case "call": {
        const key = functionKey(syntax.name, syntax.args.length);
        if (!names.functions.has(key) && (syntax.name.startsWith("_") || !isBuiltin(key)))
          this.#unknown(syntax.name, key);
        for (const argument of syntax.args) this.visit(argument, names);
        return;
      }
      case "define":
        this.visit(syntax.rest, this.#define(syntax.definition, names));
        return;
      case "label":
        this.visit(syntax.body, { ...names, labels: new Set([...names.labels, syntax.name]) });
        return;
      case "bind":
        this.visit(syntax.source, names);
        this.visit(syntax.body, this.#bound(syntax.patterns, names));
        return;
      case "reduce":
      case "foreach": {
        this.visit(syntax.source, names);
        this.visit(syntax.start, names);
        const inner = this.#bound(syntax.patterns, names);
        this.visit(syntax.update, inner);
        if (syntax.kind === "foreach" && syntax.extract !== null) this.visit(syntax.extract, inner);
        return;
      }
      default:
        for (const part of partsOf(syntax)) this.visit(part, names);
    }
  }

  #define(definition: Definition, names: Names): Names {
    const own = functionKey(definition.name, definition.parameters.length);
    const known = { ...names, functions: new Set([...names.functions, own]) };
    const functions = new Set(known.functions);
    const variables = new Set(names.variables);
    for (const parameter of definition.parameters) {
      if (parameter.startsWith("$")) variables.add(parameter.slice(1));
      functions.add(functionKey(parameter.replace("$", ""), 0));
    }
    this.visit(definition.body, { functions, variables, labels: names.labels });
    return known;
  }

  /** Keys inside patterns may read the variables of the same pattern. */
  #bound(patterns: readonly Pattern[], names: Names): Names {
    const inner = { ...names, variables: new Set([...names.variables, ...namesOf(patterns)]) };
    const visitKeys = (pattern: Pattern): void => {
      if (pattern.kind === "items") pattern.items.forEach(visitKeys);
      if (pattern.kind !== "members") return;
      for (const member of pattern.members) {
        this.visit(member.key, inner);
        if (member.pattern !== null) visitKeys(member.pattern);
      }
    };
    patterns.forEach(visitKeys);
    return inner;
  }

  #unknown(name: string, key: string): void {
    const others = builtinKeys().filter((known) => known.startsWith(`${name}/`));
    if (others.length > 0) this.problems.add(`${key} is not defined, ${others.join(" and ")} are`);
    else if (LEFT_OUT.has(name)) this.problems.add(`${name} is not available here`);
    else this.problems.add(`${key} is not defined`);
  }
}

function partsOf(syntax: Syntax): Syntax[] {
  const some = (...parts: (Syntax | null)[]) => parts.filter((part) => part !== null);
  switch (syntax.kind) {
    case "text":
      return syntax.parts.filter((part) => typeof part !== "string");
    case "index":
      return [syntax.target, syntax.key];
    case "slice":
      return some(syntax.target, syntax.from, syntax.to);
    case "iterate":
      return [syntax.target];
    case "list":
      return some(syntax.body);
    case "object":
      return syntax.members.flatMap(({ key, value }) => [key, value]);
    case "negate":
      return [syntax.operand];
    case "pipe":
    case "comma":
    case "and":
    case "or":
    case "alternative":
    case "binary":
    case "assign":
      return [syntax.left, syntax.right];
    case "if":
      return some(syntax.condition, syntax.then, syntax.else);
    case "try":
      return some(syntax.body, syntax.handler);
    default:
      return [];
  }
}
