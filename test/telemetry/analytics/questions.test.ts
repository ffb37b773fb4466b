/** Ten questions of an operator, answered by SQL and by plain computation over the same sampled points. */
import { describe, expect, test } from "vitest";
import { checkStatement } from "#telemetry/analytics/check.ts";
import { DATASETS, type DatasetName, positionsOf } from "#telemetry/analytics/columns.ts";
import { PANELS } from "#telemetry/analytics/panels.ts";
import { parseSql } from "#telemetry/analytics/parser.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { parseWindow } from "#telemetry/analytics/time-window.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { EPOCH, generateRows, type Row, sourceOf } from "../../support/generated-points.ts";

const NOW = EPOCH + 50 * 86_400;

/** A row by readable name, with its weight. */
type Fields = Record<string, string | number> & { weight: number; timestamp: number };

const tables = Object.fromEntries(
  (["weir_run", "weir_node", "weir_llm", "weir_http", "weir_api", "weir_queue"] as const).map((name, seed) => [
    name,
    generateRows(name, 2_000, seed + 20),
  ]),
) as Record<DatasetName, Row[]>;
const source = sourceOf(tables, 256);

const rowsOf = (name: DatasetName): Fields[] => {
  const { blobs, doubles } = positionsOf(DATASETS[name]);
  return tables[name].map((row) => ({
    ...Object.fromEntries([...blobs].map(([field, position]) => [field, row[`blob${position + 1}`] as string])),
    ...Object.fromEntries([...doubles].map(([field, position]) => [field, row[`double${position + 1}`] as number])),
    weight: row._sample_interval as number,
    timestamp: row.timestamp as number,
  }));
};

function ask(sql: string): Record<string, unknown>[] {
  return JSON.parse(runQuery(prepareQuery(sql, null, NOW), source, new WorkBudget(() => 0))).data;
}

const sum = (rows: readonly Fields[], of: (row: Fields) => number = () => 1) =>
  rows.reduce((total, row) => total + row.weight * of(row), 0);

function by(rows: readonly Fields[], key: (row: Fields) => string): Map<string, Fields[]> {
  const groups = new Map<string, Fields[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

/** Each row as often as it stands for points, in order: the value at the share of them. */
function quantile(rows: readonly Fields[], field: string, level: number): number {
  const values = rows.flatMap((row) => Array<number>(row.weight).fill(Number(row[field]))).sort((a, b) => a - b);
  return values[Math.max(0, Math.ceil(values.length * level) - 1)] as number;
}

const W = "WHERE timestamp > NOW() - INTERVAL '30' DAY";
const recent = (name: DatasetName) => rowsOf(name).filter(({ timestamp }) => timestamp > NOW - 30 * 86_400);

describe("questions of an operator", () => {
  test("p95 of execution by type of node", () => {
    const asked = ask(
      `SELECT node_type, quantileExactWeighted(0.95)(execution_ms, _sample_interval) AS p95 FROM weir_node ${W} GROUP BY node_type ORDER BY node_type`,
    );
    const groups = [...by(recent("weir_node"), (row) => String(row.node_type))];
    expect(asked).toHaveLength(groups.length);
    for (const [type, rows] of groups) {
      expect(asked).toContainEqual({ node_type: type, p95: quantile(rows, "execution_ms", 0.95) });
    }
  });

  test("share of errors by route", () => {
    const asked = ask(
      `SELECT route, 100 * sumIf(_sample_interval, code_class = '503') / sum(_sample_interval) AS percent FROM weir_api ${W} GROUP BY route`,
    );
    for (const [route, rows] of by(recent("weir_api"), (row) => String(row.route))) {
      const failed = rows.filter((row) => row.code_class === "503");
      const row = asked.find((each) => each.route === route);
      expect(row?.percent).toBeCloseTo((100 * sum(failed)) / sum(rows), 9);
    }
  });

  test("cost and tokens by model", () => {
    const asked = ask(
      `SELECT model, sum(_sample_interval * cost_usd) AS usd, sum(_sample_interval * input_tokens) AS tokens FROM weir_llm ${W} GROUP BY model ORDER BY usd DESC`,
    );
    for (const [model, rows] of by(recent("weir_llm"), (row) => String(row.model))) {
      const row = asked.find((each) => each.model === model);
      expect(row?.usd).toBeCloseTo(
        sum(rows, (each) => Number(each.cost_usd)),
        6,
      );
      expect(row?.tokens).toBeCloseTo(
        sum(rows, (each) => Number(each.input_tokens)),
        6,
      );
    }
    expect(asked.map((row) => Number(row.usd))).toEqual(asked.map((row) => Number(row.usd)).sort((a, b) => b - a));
  });

  test("the most expensive runs", () => {
    const asked = ask(
      `SELECT run_id, sum(_sample_interval * cost_usd) AS usd FROM weir_llm ${W} GROUP BY run_id ORDER BY usd DESC, run_id LIMIT 10`,
    );
    const expected = [...by(recent("weir_llm"), (row) => String(row.run_id))]
      .map(([run_id, rows]) => ({ run_id, usd: sum(rows, (row) => Number(row.cost_usd)) }))
      .sort((a, b) => b.usd - a.usd || (a.run_id < b.run_id ? -1 : 1))
      .slice(0, 10);
    expect(asked).toEqual(expected);
  });

  test("waiting in each queue", () => {
    const asked = ask(
      `SELECT queue, avg(queue_wait_ms) AS mean, quantileExactWeighted(0.99)(queue_wait_ms, _sample_interval) AS p99 FROM weir_queue ${W} GROUP BY queue`,
    );
    for (const [queue, rows] of by(recent("weir_queue"), (row) => String(row.queue))) {
      const row = asked.find((each) => each.queue === queue);
      expect(row?.p99).toBe(quantile(rows, "queue_wait_ms", 0.99));
      expect(row?.mean).toBeCloseTo(
        rows.reduce((total, each) => total + Number(each.queue_wait_ms), 0) / rows.length,
        9,
      );
    }
  });

  test("runs a day, and their success", () => {
    const asked = ask(
      `SELECT toStartOfDay(timestamp) AS day, sum(_sample_interval) AS runs, sumIf(_sample_interval, state = 'completed') AS good FROM weir_run ${W} GROUP BY day ORDER BY day`,
    );
    const days = [
      ...by(recent("weir_run"), (row) => new Date(row.timestamp * 1_000).toISOString().slice(0, 10)),
    ].sort();
    expect(asked).toEqual(
      days.map(([day, rows]) => ({
        day: `${day} 00:00:00`,
        runs: String(sum(rows)),
        good: String(sum(rows.filter((row) => row.state === "completed"))),
      })),
    );
  });

  test("median duration of the runs of each workflow that ran often", () => {
    const asked = ask(
      `SELECT workflow, count() AS n, quantileExactWeighted(0.5)(total_ms, _sample_interval) AS p50 FROM weir_run ${W} GROUP BY workflow HAVING n > 80 ORDER BY workflow`,
    );
    const expected = [...by(recent("weir_run"), (row) => String(row.workflow))].filter(([, rows]) => rows.length > 80);
    expect(new Set(asked.map((row) => row.workflow))).toEqual(new Set(expected.map(([workflow]) => workflow)));
    for (const [workflow, rows] of expected) {
      const row = asked.find((each) => each.workflow === workflow);
      expect(row).toMatchObject({ n: String(rows.length), p50: quantile(rows, "total_ms", 0.5) });
    }
  });

  test("which errors, where, how often", () => {
    const asked = ask(
      `SELECT error_type, node_type, sum(_sample_interval) AS n FROM weir_node ${W} AND error_type IN ('error', 'GET') AND node_type NOT LIKE 'a%' GROUP BY error_type, node_type ORDER BY n DESC, error_type, node_type`,
    );
    const rows = recent("weir_node").filter(
      (row) => ["error", "GET"].includes(String(row.error_type)) && !String(row.node_type).startsWith("a"),
    );
    const expected = [...by(rows, (row) => JSON.stringify([row.error_type, row.node_type]))]
      .map(([key, group]) => [...(JSON.parse(key) as [string, string]), sum(group)] as const)
      .map(([error_type, node_type, n]) => ({ error_type, node_type, n: String(n) }));
    expect(asked).toHaveLength(expected.length);
    expect(asked).toEqual(expect.arrayContaining(expected));
  });

  test("requests by latency", () => {
    const asked = ask(
      `SELECT if(total_ms <= 50, 50, if(total_ms <= 100, 100, 1000)) AS up_to, sum(_sample_interval) AS n FROM weir_api ${W} GROUP BY up_to ORDER BY up_to`,
    );
    const bucket = (row: Fields) => (Number(row.total_ms) <= 50 ? 50 : Number(row.total_ms) <= 100 ? 100 : 1_000);
    const expected = [50, 100, 1_000].map((up_to) => ({
      up_to,
      n: String(sum(recent("weir_api").filter((row) => bucket(row) === up_to))),
    }));
    expect(asked).toEqual(expected);
  });

  test("hosts that are slow, their slowest request, and how much was sampled", () => {
    const asked = ask(
      `SELECT host, max(execution_ms) AS slowest, argMax(run_id, execution_ms) AS run, count() AS rows_read, max(_sample_interval) AS worst FROM weir_http ${W} GROUP BY host ORDER BY slowest DESC LIMIT 3`,
    );
    const expected = [...by(recent("weir_http"), (row) => String(row.host))]
      .map(([host, rows]) => {
        const slowest = rows.reduce((a, b) => (Number(b.execution_ms) > Number(a.execution_ms) ? b : a));
        const worst = Math.max(...rows.map(({ weight }) => weight));
        return { host, slowest: slowest.execution_ms, run: slowest.run_id, rows_read: String(rows.length), worst };
      })
      .sort((a, b) => Number(b.slowest) - Number(a.slowest))
      .slice(0, 3);
    expect(asked.map((row) => row.slowest)).toEqual(expected.map((row) => row.slowest));
    for (const row of asked) {
      const group = recent("weir_http").filter((each) => each.host === row.host);
      expect(row.rows_read).toBe(String(group.length));
      expect(group.some((each) => each.run_id === row.run && each.execution_ms === row.slowest)).toBe(true);
    }
  });
});

describe("panels", () => {
  test.each(PANELS.flatMap((panel) => panel.queries.map((query) => [panel.name, query.name, query] as const)))(
    "%s: %s runs, weighed by sampling, within its window",
    (_, __, query) => {
      const window = parseWindow("30d");
      if (window === null) throw new Error("30d is a window");
      const sql = query.sql(window);
      expect(sql).toContain("_sample_interval");
      expect(sql).toContain(`INTERVAL '${30 * 1_440}' MINUTE`);
      expect(ask(sql).length).toBeGreaterThan(0);
      // As the platform takes it, which knows no readable names.
      const { sql: sent } = prepareQuery(sql, "acme", NOW);
      expect(() => checkStatement(parseSql(sent), NOW)).not.toThrow();
    },
  );

  test("windows are minutes, hours or days up to what is kept, in at most 120 steps", () => {
    expect(parseWindow("15m")).toEqual({ seconds: 900, stepSeconds: 10 });
    expect(parseWindow("1h")).toEqual({ seconds: 3_600, stepSeconds: 30 });
    expect(parseWindow("90d")).toEqual({ seconds: 90 * 86_400, stepSeconds: 86_400 });
    for (const text of ["", "91d", "0h", "1w", "1.5h", "-1h", "h", "1 h", "99999999d", "1h; DROP"]) {
      expect(parseWindow(text)).toBeNull();
    }
  });
});
