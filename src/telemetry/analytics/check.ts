/** From a tree to a plan: resolves names and aliases, types every expression, and refuses with the place what is wrong. */
import type { Expression, Select, SelectItem, Statement } from "./ast.ts";
import { ExpressionChecker } from "./check-expression.ts";
import { columnsOf, DATASET_NAMES, DATASETS, isDatasetName } from "./columns.ts";
import { condition } from "./operators.ts";
import type { Output, SelectPlan, SourcePlan, StatementPlan } from "./plan.ts";
import { renderExpression } from "./render.ts";
import { SqlError, shown } from "./sql-error.ts";
import { type Column, columnOf, type Typed } from "./typed.ts";

/** `nowSeconds` is what now() means in all of the query. */
export function checkStatement(statement: Statement, nowSeconds: number): StatementPlan {
  const { format } = statement;
  if (statement.node === "show") return { kind: "show", what: statement.what, format };
  return { kind: "select", select: checkSelect(statement, nowSeconds), format };
}

function checkSelect(select: Select, nowSeconds: number): SelectPlan {
  const { source, input } = checkSource(select, nowSeconds);
  const items = select.items ?? input.map((column) => itemOf(column, select));
  if (items.length === 0) throw new SqlError(select.place, "* needs FROM: there are no columns without a dataset");
  const checker = new ExpressionChecker(input, aliasesOf(items), nowSeconds);

  const where = select.where === null ? null : checker.ofRows(select.where, "WHERE");
  if (where !== null) condition(where, "WHERE");
  const keys = select.groupBy.map((expression) => keyOf(checker, expression));
  const values = items.map(({ expression, alias }) => checker.ofGroups(expression, alias));
  const having = select.having === null ? null : checker.ofGroups(select.having, null);
  if (having !== null) condition(having, "HAVING");
  const orders = select.orderBy.map(({ expression }) => orderKey(checker, expression));

  const { aggregates } = checker;
  const isGrouped = keys.length > 0 || aggregates.length > 0 || having !== null;
  const lift = (typed: Typed) => (isGrouped ? overGroups(typed, keys, input) : typed);
  return {
    source,
    input,
    where,
    isGrouped,
    keys,
    aggregates,
    having: having === null ? null : lift(having),
    outputs: outputsOf(items, values.map(lift)),
    orderBy: orders.map((typed, index) => ({
      value: lift(typed),
      descending: select.orderBy[index]?.descending ?? false,
    })),
    limit: select.limit,
    offset: select.offset,
  };
}

function checkSource({ from }: Select, nowSeconds: number): { source: SourcePlan; input: readonly Column[] } {
  if (from === null) return { source: { kind: "none" }, input: [] };
  if (from.node === "subquery") {
    const select = checkSelect(from.select, nowSeconds);
    return { source: { kind: "select", select }, input: select.outputs };
  }
  if (!isDatasetName(from.name)) {
    throw new SqlError(from.place, `there is no dataset "${shown(from.name)}": use one of ${DATASET_NAMES.join(", ")}`);
  }
  return { source: { kind: "dataset", dataset: from.name }, input: columnsOf(DATASETS[from.name]) };
}

function itemOf({ name }: Column, { place }: Select): SelectItem {
  return { expression: { node: "name", name, place }, alias: null, place };
}

function aliasesOf(items: readonly SelectItem[]): Map<string, Expression> {
  const aliases = new Map<string, Expression>();
  for (const { alias, expression, place } of items) {
    if (alias === null) continue;
    if (aliases.has(alias)) throw new SqlError(place, `two columns are called ${alias}`);
    aliases.set(alias, expression);
  }
  return aliases;
}

function keyOf(checker: ExpressionChecker, expression: Expression): Typed {
  if (expression.node === "number") {
    throw new SqlError(expression.place, "GROUP BY takes columns, aliases or expressions, not their positions");
  }
  return checker.ofRows(expression, "GROUP BY");
}

function orderKey(checker: ExpressionChecker, expression: Expression): Typed {
  if (expression.node === "number") {
    throw new SqlError(expression.place, "ORDER BY takes columns, aliases or expressions, not their positions");
  }
  return checker.ofGroups(expression, null);
}

function outputsOf(items: readonly SelectItem[], values: readonly Typed[]): Output[] {
  const names = new Set<string>();
  return items.map((item, index) => {
    const value = values[index] as Typed;
    const name =
      item.alias ?? (item.expression.node === "name" ? item.expression.name : renderExpression(item.expression));
    if (names.has(name)) throw new SqlError(item.place, `two columns are called ${shown(name)}: name one with AS`);
    if (value.type.kind === "interval")
      throw new SqlError(item.place, "an interval is no result: add it to a DateTime");
    names.add(name);
    return { name, type: value.type, value };
  });
}

/** The expression over groups: keys come first as columns, then aggregates. */
function overGroups(typed: Typed, keys: readonly Typed[], input: readonly Column[]): Typed {
  const known = keys.findIndex((key) => key.key === typed.key);
  if (known !== -1 && typed.node !== "constant") return columnOf(known, typed.type, typed.place);
  const lift = (part: Typed) => overGroups(part, keys, input);
  switch (typed.node) {
    case "constant":
      return typed;
    case "aggregate":
      return columnOf(keys.length + typed.index, typed.type, typed.place);
    case "column": {
      const name = input[typed.index]?.name ?? "";
      throw new SqlError(typed.place, `${shown(name)} stands neither in GROUP BY nor in an aggregate such as max(…)`);
    }
    case "call":
      return { ...typed, args: typed.args.map(lift) };
    case "choose":
      return { ...typed, condition: lift(typed.condition), yes: lift(typed.yes), no: lift(typed.no) };
  }
}
