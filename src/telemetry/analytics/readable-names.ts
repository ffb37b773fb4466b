/** Readable column names (`node_type`, `cost_usd`) become `blobN` and `doubleN`, which is what both backends know. */
import { type Expression, mapParts, type Select, type SelectItem, type Statement } from "./ast.ts";
import { columnsOf, DATASETS, isDatasetName } from "./columns.ts";

export function resolveReadableNames(statement: Statement): Statement {
  return statement.node === "show" ? statement : { ...resolveSelect(statement).select, format: statement.format };
}

/** From readable name to column, as far as a SELECT lets them through. */
type Names = ReadonlyMap<string, string>;

const NO_NAMES: Names = new Map();

/** `names`: those that a query around this one may use, which is all of them when it asks for `*`. */
function resolveSelect(select: Select): { select: Select; names: Names } {
  const { from } = select;
  if (from === null) return { select, names: NO_NAMES };
  let source = from;
  let names = NO_NAMES;
  if (from.node === "subquery") {
    const inner = resolveSelect(from.select);
    source = { ...from, select: inner.select };
    names = inner.names;
  } else if (isDatasetName(from.name)) {
    const columns = columnsOf(DATASETS[from.name]);
    names = new Map(columns.flatMap(({ name, alias }) => (alias === null ? [] : [[alias, name] as const])));
  }
  const resolved = withColumns({ ...select, from: source }, names);
  return { select: resolved, names: select.items === null ? names : NO_NAMES };
}

function withColumns(select: Select, names: Names): Select {
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
