/** No shape of a query reaches another tenant's points: what it answers is what it would answer if there were no others. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Select, Statement } from "#telemetry/analytics/ast.ts";
import { columnsOf, DATASETS, TENANT_COLUMN } from "#telemetry/analytics/columns.ts";
import { parseSql } from "#telemetry/analytics/parser.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { SqlError } from "#telemetry/analytics/sql-error.ts";
import { fenceTenant } from "#telemetry/analytics/tenant-filter.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { EPOCH, generateRows, sourceOf, TENANTS } from "../../support/generated-points.ts";
import { queries } from "../../support/queries.ts";

const rows = { weir_node: generateRows("weir_node", 300, 1), weir_run: generateRows("weir_run", 200, 2) };
const everything = sourceOf(rows);
const ownSources = new Map(
  TENANTS.map((tenant) => [
    tenant as string,
    sourceOf({
      weir_node: rows.weir_node.filter((row) => row.blob1 === tenant),
      weir_run: rows.weir_run.filter((row) => row.blob1 === tenant),
    }),
  ]),
);

/** The answer, or the refusal. */
function ask(sql: string, tenant: string | null, source = everything): string {
  try {
    return runQuery(prepareQuery(sql, tenant, EPOCH), source, new WorkBudget(() => 0));
  } catch (error) {
    if (error instanceof SqlError) return `refused: ${error.reason}`;
    throw error;
  }
}

function reads(statement: Statement): { select: Select; isFenced: boolean }[] {
  if (statement.node === "show") return [];
  const found: { select: Select; isFenced: boolean }[] = [];
  for (let select: Select | null = statement; select !== null; ) {
    if (select.from?.node === "table") {
      const { where } = select;
      const isFenced =
        where?.node === "binary" &&
        where.operator === "=" &&
        where.left.node === "name" &&
        where.left.name === TENANT_COLUMN &&
        where.right.node === "text" &&
        (select.items ?? []).every(({ expression, alias }) => expression.node === "name" && alias === null);
      found.push({ select, isFenced });
    }
    select = select.from?.node === "subquery" ? select.from.select : null;
  }
  return found;
}

describe("tenant filter", () => {
  test("a tenant's answer is the one it would get if there were no other tenants", () => {
    let answered = 0;
    fc.assert(
      fc.property(queries, fc.constantFrom(...TENANTS), (sql, tenant) => {
        const fenced = ask(sql, tenant);
        expect(fenced).toBe(ask(sql, null, ownSources.get(tenant)));
        if (!fenced.startsWith("refused")) answered += 1;
      }),
      { numRuns: 1_500, seed: 6 },
    );
    // Most of the queries are answered, or the property would say little.
    expect(answered).toBeGreaterThan(900);
  }, 60_000);

  test("what the platform is sent, read anew, answers the same", () => {
    fc.assert(
      fc.property(queries, fc.constantFrom(...TENANTS), (sql, tenant) => {
        const answer = ask(sql, tenant);
        if (answer.startsWith("refused")) return;
        expect(ask(prepareQuery(sql, tenant, EPOCH).sql, null)).toBe(answer);
      }),
      { numRuns: 600, seed: 7 },
    );
  }, 60_000);

  test("every read of a dataset stands in a SELECT of its own, of plain columns, with nothing but the fence", () => {
    fc.assert(
      fc.property(queries, (sql) => {
        const found = reads(fenceTenant(parseSql(sql), "acme"));
        expect(found.length).toBeGreaterThan(0);
        for (const { select, isFenced } of found) {
          expect(isFenced).toBe(true);
          expect(select).toMatchObject({ groupBy: [], having: null, orderBy: [], limit: null, offset: 0 });
        }
      }),
      { numRuns: 500, seed: 8 },
    );
  });

  test.each([
    "SELECT 'globex' AS blob1, count() FROM weir_node WHERE blob1 = 'globex' GROUP BY blob1",
    "SELECT blob1 FROM weir_node WHERE 1 OR blob1 = 'globex' GROUP BY blob1",
    "SELECT blob1 FROM weir_node WHERE NOT (blob1 = 'acme') GROUP BY blob1",
    "SELECT 'acme' AS blob1 FROM weir_node WHERE 1 = 1 OR 1 = 1 GROUP BY blob1",
    "SELECT tenant FROM (SELECT * FROM weir_node) GROUP BY tenant -- WHERE blob1 = 'x'",
    "SELECT blob1 FROM (SELECT blob1 FROM (SELECT blob1 FROM weir_node)) GROUP BY blob1 /* ) */",
    "SELECT topK(100)(blob1) AS all FROM weir_node HAVING 1",
    "SELECT argMax(blob1, blob1), argMin(blob1, blob1), max(blob1), min(blob1) FROM weir_node",
  ])("%s tells nothing of others", (sql) => {
    expect(ask(sql, "acme")).toBe(ask(sql, null, ownSources.get("acme")));
    expect(ask(sql, "nobody")).toBe(ask(sql, null, sourceOf({})));
  });

  test("a tenant of any name is a value, never a part of the query", () => {
    for (const tenant of ["'", "\\", "\\'", "' OR 1=1 --", "x\0y", "/*", "🌊", "') FROM weir_run --"]) {
      const { sql } = prepareQuery("SELECT count() AS n FROM weir_node", tenant, EPOCH);
      expect(JSON.parse(ask(sql, null)).data).toEqual([{ n: tenant === "\\" ? String(count("\\")) : "0" }]);
    }
  });

  test("the fence asks for every column once, so that a query may name any of them", () => {
    const names = columnsOf(DATASETS.weir_node).map(({ name }) => name);
    const answer = JSON.parse(ask("SELECT * FROM weir_node LIMIT 1", "acme"));
    expect(answer.meta.map(({ name }: { name: string }) => name)).toEqual(names);
  });
});

function count(tenant: string): number {
  return rows.weir_node.filter((row) => row.blob1 === tenant).length;
}
