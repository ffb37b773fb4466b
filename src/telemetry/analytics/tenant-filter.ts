/**
 * Puts a tenant's fence around every read of a dataset: `FROM weir_run` becomes `FROM (SELECT … FROM weir_run WHERE
 * blob1 = 'acme')`. It stands in a SELECT of its own, so that no alias, condition or operator of the query can reach it.
 */
import type { Expression, Select, Statement } from "./ast.ts";
import { columnsOf, DATASETS, isDatasetName, TENANT_COLUMN } from "./columns.ts";

export function fenceTenant(statement: Statement, tenant: string): Statement {
  return statement.node === "show" ? statement : { ...fenceSelect(statement, tenant), format: statement.format };
}

function fenceSelect(select: Select, tenant: string): Select {
  const { from } = select;
  if (from === null) return select;
  if (from.node === "subquery") return { ...select, from: { ...from, select: fenceSelect(from.select, tenant) } };
  const { place } = from;
  const name = (column: string): Expression => ({ node: "name", name: column, place });
  const columns = isDatasetName(from.name) ? columnsOf(DATASETS[from.name]) : [];
  const fenced: Select = {
    node: "select",
    items: columns.map((column) => ({ expression: name(column.name), alias: null, place })),
    from,
    where: {
      node: "binary",
      operator: "=",
      left: name(TENANT_COLUMN),
      right: { node: "text", value: tenant, place },
      place,
    },
    groupBy: [],
    having: null,
    orderBy: [],
    limit: null,
    offset: 0,
    place,
  };
  return { ...select, from: { node: "subquery", select: fenced, place } };
}
