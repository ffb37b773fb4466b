/** A query as a tree, as it was written: names are not resolved and nothing is typed yet. */
import type { Place } from "./sql-error.ts";

export const INTERVAL_UNITS = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"] as const;
export type IntervalUnit = (typeof INTERVAL_UNITS)[number];

export const FORMATS = ["JSON", "JSONEachRow", "TabSeparated"] as const;
export type Format = (typeof FORMATS)[number];

export const BINARY_OPERATORS = ["+", "-", "*", "/", "%", "=", "<>", "<", ">", "<=", ">=", "AND", "OR"] as const;
export type BinaryOperator = (typeof BINARY_OPERATORS)[number];

interface At {
  place: Place;
}

export type Expression = At &
  (
    | { node: "number"; text: string }
    | { node: "text"; value: string }
    | { node: "boolean"; value: boolean }
    | { node: "interval"; count: number; unit: IntervalUnit }
    | { node: "name"; name: string }
    | { node: "negate" | "not"; operand: Expression }
    | { node: "binary"; operator: BinaryOperator; left: Expression; right: Expression }
    | { node: "in"; operand: Expression; list: Expression[]; negated: boolean }
    | { node: "between"; operand: Expression; low: Expression; high: Expression; negated: boolean }
    | { node: "like"; operand: Expression; pattern: Expression; ignoreCase: boolean; negated: boolean }
    | { node: "call"; name: string; parameters: Expression[] | null; distinct: boolean; args: Expression[] }
  );

export type ExpressionOf<Node extends Expression["node"]> = Extract<Expression, { node: Node }>;

export interface SelectItem extends At {
  expression: Expression;
  alias: string | null;
}

export interface OrderItem extends At {
  expression: Expression;
  descending: boolean;
}

export type Source = At & ({ node: "table"; name: string } | { node: "subquery"; select: Select });

export interface Select extends At {
  node: "select";
  /** Null stands for `*`. */
  items: SelectItem[] | null;
  from: Source | null;
  where: Expression | null;
  groupBy: Expression[];
  having: Expression | null;
  orderBy: OrderItem[];
  /** Null: no restriction. */
  limit: number | null;
  offset: number;
}

export type Statement = { format: Format } & (
  | Select
  | (At & { node: "show"; what: "TABLES" | "TIMEZONES" | "TIMEZONE" })
);

/** An expression with its direct parts changed by `change`; the expression itself when it has none. */
export function mapParts(expression: Expression, change: (part: Expression) => Expression): Expression {
  switch (expression.node) {
    case "negate":
    case "not":
      return { ...expression, operand: change(expression.operand) };
    case "binary":
      return { ...expression, left: change(expression.left), right: change(expression.right) };
    case "in":
      return { ...expression, operand: change(expression.operand), list: expression.list.map(change) };
    case "between": {
      const { operand, low, high } = expression;
      return { ...expression, operand: change(operand), low: change(low), high: change(high) };
    }
    case "like":
      return { ...expression, operand: change(expression.operand), pattern: change(expression.pattern) };
    case "call":
      return { ...expression, args: expression.args.map(change) };
    default:
      return expression;
  }
}
