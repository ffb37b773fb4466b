/** Readable column names (`node_type`, `cost_usd`) become `blobN` and `doubleN`, which is what both backends know. */
import { type Expression, mapParts, type Select, type SelectItem, type Statement } from "./ast.ts";
import { columnsOf, DATASETS, isDatasetName } from "./columns.ts";

export function resolveReadableNames(statement: Statement): Statement {
  return statement.node === "show" ? statement : { ...resolveSelect(statement), format: statement.format };
}

function resolveSelect(select: Select): Select {
  const { from } = select;
  if (from === null) return select;
  if (from.node === "subquery") return { ...select, from: { ...from, select: resolveSelect(from.select) } };
  if (!isDatasetName(from.name)) return select;

  const columns = columnsOf(DATASETS[from.name]);
  const names = new Map(columns.flatMap(({ name, alias }) => (alias === null ? [] : [[alias, name] as const])));
  // An alias of the query itself goes first, except in its own definition.
  const aliases = new Set(select.items?.flatMap(({ alias }) => (alias === null ? [] : [alias])) ?? []);
  const resolve = (expression: Expression, own: string | null = null): Expression => {
    if (expression.node !== "name") return mapParts(expression, (part) => resolve(part, own));
    const column = names.get(expression.name);
    const isTaken = aliases.has(expression.name) && expression.name !== own;
    return column === undefined || isTaken ? expression : { ...expression, name: column };
  };
  const item = ({ expression, alias, place }: SelectItem): SelectItem => {
    // A column that is asked for by its readable name is answered under it.
    const name = expression.node === "name" && names.has(expression.name) ? expression.name : null;
    return { expression: resolve(expression, alias ?? name), alias: alias ?? name, place };
  };
  return {
    ...select,
    items: select.items?.map(item) ?? null,
    where: select.where === null ? null : resolve(select.where),
    groupBy: select.groupBy.map((key) => resolve(key)),
    having: select.having === null ? null : resolve(select.having),
    orderBy: select.orderBy.map((order) => ({ ...order, expression: resolve(order.expression) })),
  };
}
