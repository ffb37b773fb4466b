/** The dialect against ClickHouse itself, on generated and sampled points: values, types and order. */
import { describe, expect, test } from "vitest";
import { columnsOf, DATASETS } from "#telemetry/analytics/columns.ts";
import { parseSql } from "#telemetry/analytics/parser.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { resolveReadableNames } from "#telemetry/analytics/readable-names.ts";
import { typeName } from "#telemetry/analytics/sql-types.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { asClickHouse } from "../../support/as-clickhouse.ts";
import { clickHouse, type Oracle } from "../../support/clickhouse.ts";
import { EPOCH, generateRows, sourceOf } from "../../support/generated-points.ts";
import { QUERIES } from "./clickhouse-queries.ts";

const oracle = clickHouse();
const rows = generateRows("weir_node", 3_000, 7);
const source = sourceOf({ weir_node: rows, weir_run: [] });

interface Answer {
  meta: { name: string; type: string }[];
  data: Record<string, unknown>[];
  rows: number;
}

function load({ run }: Oracle): void {
  const columns = columnsOf(DATASETS.weir_node).map(({ name, type }) => `${name} ${typeName(type)}`);
  for (const table of ["weir_node", "weir_run"]) run(`CREATE TABLE ${table} (${columns.join(", ")}) ENGINE = Memory`);
  run(`INSERT INTO weir_node FORMAT JSONEachRow ${rows.map((row) => JSON.stringify(row)).join("\n")}`);
}

/** ClickHouse's answer in the terms of ours: Bool was UInt8 where the dialect comes from. */
function theirs(sql: string): Answer {
  const statement = resolveReadableNames(parseSql(sql));
  const { meta, data, rows: count } = JSON.parse((oracle as Oracle).run(asClickHouse(statement))) as Answer;
  return { meta: meta.map(({ name, type }) => ({ name, type: type.replaceAll("Bool", "UInt8") })), data, rows: count };
}

function ours(sql: string): Answer {
  const budget = new WorkBudget(() => 0);
  return JSON.parse(runQuery(prepareQuery(sql, null, EPOCH), source, budget)) as Answer;
}

function expectSame(mine: unknown, other: unknown, where: string): void {
  if (Array.isArray(mine) && Array.isArray(other)) {
    expect(mine.length, where).toBe(other.length);
    for (const [index, item] of mine.entries()) expectSame(item, other[index], `${where}[${index}]`);
    return;
  }
  const wanted = typeof other === "boolean" ? Number(other) : other;
  if (typeof wanted === "number" || (typeof mine === "string" && /^-?\d+$/.test(mine) && mine !== wanted)) {
    const difference = Math.abs(Number(mine) - Number(wanted));
    expect(difference, `${where}: ${mine} and ${wanted}`).toBeLessThanOrEqual(
      1e-9 * Math.max(1, Math.abs(Number(wanted))),
    );
  } else expect(mine, where).toEqual(wanted);
}

describe.skipIf(oracle === null)("ClickHouse answers the same", () => {
  if (oracle !== null) load(oracle);

  test.each(QUERIES)("%s", (sql) => {
    const mine = ours(sql);
    const other = theirs(sql);
    expect(mine.meta.map(({ type }) => type)).toEqual(other.meta.map(({ type }) => type));
    expect(mine.rows).toBe(other.rows);
    for (const [index, row] of mine.data.entries()) {
      expectSame(Object.values(row), Object.values(other.data[index] ?? {}), `row ${index}`);
    }
  });
});
