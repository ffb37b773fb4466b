/** A query of the dialect as ClickHouse takes it: the few functions that Analytics Engine gives another meaning. */
import { type Expression, mapParts, type Select, type Statement } from "#telemetry/analytics/ast.ts";
import { renderStatement } from "#telemetry/analytics/render.ts";

const RENAMED: Readonly<Record<string, string>> = {
  length: "lengthUTF8",
  tolower: "lowerUTF8",
  toupper: "upperUTF8",
  substring: "substringUTF8",
  position: "positionUTF8",
};

export function asClickHouse(statement: Statement): string {
  if (statement.node === "show") return renderStatement(statement);
  return renderStatement({ ...translateSelect(statement), format: statement.format });
}

function translateSelect(select: Select): Select {
  const { from } = select;
  return {
    ...select,
    items: select.items?.map((item) => ({ ...item, expression: translate(item.expression) })) ?? null,
    from: from?.node === "subquery" ? { ...from, select: translateSelect(from.select) } : from,
    where: select.where === null ? null : translate(select.where),
    groupBy: select.groupBy.map(translate),
    having: select.having === null ? null : translate(select.having),
    orderBy: select.orderBy.map((item) => ({ ...item, expression: translate(item.expression) })),
  };
}

function translate(expression: Expression): Expression {
  const inner = mapParts(expression, translate);
  if (inner.node !== "call") return inner;
  const name = inner.name.toLowerCase();
  const renamed = RENAMED[name];
  const one: Expression = { node: "number", text: "1", place: inner.place };
  if (name === "position") return { ...inner, name: "positionUTF8", args: [...inner.args].reverse() };
  if (renamed !== undefined) return { ...inner, name: renamed };
  // Weeks begin on Monday.
  if (name === "tostartofweek") return { ...inner, args: [...inner.args, one] };
  if (name === "quantileweighted") {
    return { ...inner, name: "quantileExactWeighted", parameters: inner.args.slice(0, 1), args: inner.args.slice(1) };
  }
  return inner;
}
