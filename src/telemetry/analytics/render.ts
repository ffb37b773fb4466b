/** From a tree back to text: canonical, without comments, and read the same way whether or not backslashes escape. */

import { aggregateFunction } from "./aggregates.ts";
import type { Expression, Select, Source, Statement } from "./ast.ts";
import { scalarFunction } from "./functions.ts";

/** The statement as Analytics Engine takes it. */
export function renderStatement(statement: Statement): string {
  const text = statement.node === "show" ? `SHOW ${statement.what}` : renderSelect(statement);
  return `${text} FORMAT ${statement.format}`;
}

function renderSelect(select: Select): string {
  const items = select.items?.map(
    ({ expression, alias }) => renderExpression(expression) + (alias === null ? "" : ` AS ${alias}`),
  ) ?? ["*"];
  const parts = [`SELECT ${items.join(", ")}`];
  if (select.from !== null) parts.push(`FROM ${renderSource(select.from)}`);
  if (select.where !== null) parts.push(`WHERE ${renderExpression(select.where)}`);
  if (select.groupBy.length > 0)
    parts.push(`GROUP BY ${select.groupBy.map((key) => renderExpression(key)).join(", ")}`);
  if (select.having !== null) parts.push(`HAVING ${renderExpression(select.having)}`);
  if (select.orderBy.length > 0) {
    const keys = select.orderBy.map((item) => renderExpression(item.expression) + (item.descending ? " DESC" : " ASC"));
    parts.push(`ORDER BY ${keys.join(", ")}`);
  }
  if (select.limit !== null) parts.push(`LIMIT ${select.limit}`);
  if (select.offset > 0) parts.push(`OFFSET ${select.offset}`);
  return parts.join(" ");
}

function renderSource(source: Source): string {
  return source.node === "table" ? source.name : `(${renderSelect(source.select)})`;
}

/** How tightly each kind of expression holds together; a looser one within a tighter one gets brackets. */
const LEVELS: Readonly<Record<string, number>> = { OR: 1, AND: 2, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6 };
const NOT_LEVEL = 3;
const COMPARISON_LEVEL = 4;
const UNARY_LEVEL = 7;

export function renderExpression(expression: Expression, within = 0): string {
  const [text, level] = rendered(expression);
  return level < within ? `(${text})` : text;
}

function rendered(expression: Expression): [text: string, level: number] {
  const below = (part: Expression) => renderExpression(part, COMPARISON_LEVEL + 1);
  switch (expression.node) {
    case "number":
      return [expression.text, 9];
    case "text":
      return [renderText(expression.value), 9];
    case "boolean":
      return [String(expression.value), 9];
    case "interval":
      return [`INTERVAL '${expression.count}' ${expression.unit}`, 9];
    case "name":
      return [renderName(expression.name), 9];
    case "negate": {
      // `--` would begin a comment.
      const operand = renderExpression(expression.operand, UNARY_LEVEL);
      return [operand.startsWith("-") ? `-(${operand})` : `-${operand}`, UNARY_LEVEL];
    }
    case "not":
      return [`NOT ${renderExpression(expression.operand, NOT_LEVEL)}`, NOT_LEVEL];
    case "binary": {
      const level = LEVELS[expression.operator] ?? COMPARISON_LEVEL;
      const isChain = level !== COMPARISON_LEVEL;
      const left = renderExpression(expression.left, isChain ? level : level + 1);
      return [`${left} ${expression.operator} ${renderExpression(expression.right, level + 1)}`, level];
    }
    case "in": {
      const list = expression.list.map((item) => renderExpression(item)).join(", ");
      return [`${below(expression.operand)} ${not(expression)}IN (${list})`, COMPARISON_LEVEL];
    }
    case "between": {
      const { operand, low, high } = expression;
      return [`${below(operand)} ${not(expression)}BETWEEN ${below(low)} AND ${below(high)}`, COMPARISON_LEVEL];
    }
    case "like": {
      const { operand, pattern, ignoreCase } = expression;
      const operator = `${not(expression)}${ignoreCase ? "ILIKE" : "LIKE"}`;
      return [`${below(operand)} ${operator} ${below(pattern)}`, COMPARISON_LEVEL];
    }
    case "call":
      return [renderCall(expression), 9];
  }
}

function not({ negated }: { negated: boolean }): string {
  return negated ? "NOT " : "";
}

function renderCall({ name, parameters, distinct, args }: Extract<Expression, { node: "call" }>): string {
  const lower = name.toLowerCase();
  const [first, second] = args;
  if (lower === "extract" && first?.node === "text" && second !== undefined) {
    return `extract(${first.value} FROM ${renderExpression(second)})`;
  }
  if (lower === "position" && first !== undefined && second !== undefined) {
    return `position(${renderExpression(first, COMPARISON_LEVEL + 1)} IN ${renderExpression(second)})`;
  }
  const list = (each: readonly Expression[]) => each.map((item) => renderExpression(item)).join(", ");
  const canonical = lower === "if" ? "if" : (aggregateFunction(name)?.name ?? scalarFunction(name)?.name ?? name);
  return `${canonical}${parameters === null ? "" : `(${list(parameters)})`}(${distinct ? "DISTINCT " : ""}${list(args)})`;
}

/** A doubled quote is one in every reading; so are pairs of backslashes, which never leave a quote open. */
function renderText(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Names that need no quotes have none; others cannot be columns and were refused. */
function renderName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll(/[\\"]/g, "")}"`;
}
