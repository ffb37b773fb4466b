/** The syntax tree of a jq program, as the parser makes it and the evaluator reads it. */

export const ARITHMETIC = ["+", "-", "*", "/", "%"] as const;
export const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="] as const;
export type BinaryOperator = (typeof ARITHMETIC)[number] | (typeof COMPARISONS)[number];

export const ASSIGNMENTS = ["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="] as const;
export type AssignmentOperator = (typeof ASSIGNMENTS)[number];

export type Syntax =
  | { kind: "identity" }
  | { kind: "literal"; value: null | boolean | number | string }
  /** Literal parts and interpolated ones, the latter through `format`. */
  | { kind: "text"; parts: (string | Syntax)[]; format: string }
  | { kind: "format"; name: string }
  | { kind: "index"; target: Syntax; key: Syntax }
  | { kind: "slice"; target: Syntax; from: Syntax | null; to: Syntax | null }
  | { kind: "iterate"; target: Syntax }
  | { kind: "list"; body: Syntax | null }
  | { kind: "object"; members: { key: Syntax; value: Syntax }[] }
  | { kind: "negate"; operand: Syntax }
  | { kind: "pipe" | "comma" | "and" | "or" | "alternative"; left: Syntax; right: Syntax }
  | { kind: "binary"; operator: BinaryOperator; left: Syntax; right: Syntax }
  | { kind: "assign"; operator: AssignmentOperator; left: Syntax; right: Syntax }
  | { kind: "if"; condition: Syntax; then: Syntax; else: Syntax | null }
  | { kind: "try"; body: Syntax; handler: Syntax | null }
  | { kind: "reduce"; source: Syntax; patterns: Pattern[]; start: Syntax; update: Syntax }
  | { kind: "foreach"; source: Syntax; patterns: Pattern[]; start: Syntax; update: Syntax; extract: Syntax | null }
  | { kind: "bind"; source: Syntax; patterns: Pattern[]; body: Syntax }
  | { kind: "label"; name: string; body: Syntax }
  | { kind: "break"; name: string }
  | { kind: "variable"; name: string }
  | { kind: "call"; name: string; args: Syntax[] }
  | { kind: "define"; definition: Definition; rest: Syntax };

/** Parameters that begin with `$` are values, and filters too. */
export interface Definition {
  name: string;
  parameters: string[];
  body: Syntax;
}

export type Pattern =
  | { kind: "name"; name: string }
  | { kind: "items"; items: Pattern[] }
  | { kind: "members"; members: { key: Syntax; name: string | null; pattern: Pattern | null }[] };

/** The name under which a function is known: its parameters tell functions of one name apart. */
export function functionKey(name: string, arity: number): string {
  return `${name}/${arity}`;
}
