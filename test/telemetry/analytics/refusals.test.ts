/** What is refused, where it is said to be wrong, and what to write instead. */
import { describe, expect, test } from "vitest";
import {
  EXPRESSION_NODES_MAX,
  INTERVAL_MAX,
  SELECT_COLUMNS_MAX,
  SQL_DEPTH_MAX,
  SQL_LENGTH_MAX,
  SUBQUERY_DEPTH_MAX,
  TOP_K_MAX,
} from "#telemetry/analytics/limits.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { SqlError } from "#telemetry/analytics/sql-error.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { EPOCH, generateRows, sourceOf } from "../../support/generated-points.ts";

const source = sourceOf({ weir_run: generateRows("weir_run", 20, 3) });

function refusal(sql: string): { line: number; column: number; reason: string } {
  try {
    runQuery(prepareQuery(sql, null, EPOCH), source, new WorkBudget(() => 0));
  } catch (error) {
    if (error instanceof SqlError) return { line: error.place.line, column: error.place.column, reason: error.reason };
    throw error;
  }
  throw new Error(`it is not refused: ${sql.slice(0, 200)}`);
}

const accepts = (sql: string) => expect(() => prepareQuery(sql, null, EPOCH)).not.toThrow();

describe("what Analytics Engine has not, with what to write instead", () => {
  test.each([
    ["SELECT CASE WHEN 1 THEN 2 END FROM weir_run", 8, /CASE.*if\(condition/],
    ["SELECT 1 UNION ALL SELECT 2", 10, /UNION.*two queries/],
    ["SELECT a FROM weir_run JOIN weir_node ON 1", 24, /JOIN.*one dataset/],
    ["SELECT a FROM weir_run, weir_node", 23, /one dataset/],
    ["WITH x AS (SELECT 1) SELECT * FROM x", 1, /WITH.*subquery/],
    ["SELECT count() OVER () FROM weir_run", 16, /OVER.*window/],
    ["SELECT DISTINCT blob1 FROM weir_run", 8, /DISTINCT.*GROUP BY/],
    ["SELECT NULL", 8, /NULL.*''/],
    ["SELECT blob1 FROM weir_run WHERE blob1 IS NULL", 40, /IS.*''/],
    ["SELECT blob1 FROM weir_run WHERE blob1 IN (SELECT 1)", 44, /only in FROM/],
    ["SELECT (SELECT 1)", 9, /only in FROM/],
    ["SELECT CAST(1 AS String)", 8, /CAST.*toUInt32/],
    ["SELECT blob1 || blob2 FROM weir_run", 14, /format\(/],
    ["SELECT 1::String", 9, /toUInt32/],
    ["SELECT 1 ? 2 : 3", 10, /if\(/],
    ["SELECT multiIf(1, 2, 3)", 8, /multiIf: write if/],
    ["SELECT toString(1)", 8, /format/],
    ["SELECT uniq(blob1) FROM weir_run", 8, /count\(DISTINCT/],
    ["SELECT nope(1)", 8, /no function nope/],
    ["SELECT constructor(1)", 8, /no function/],
    ["SELECT NOW() - INTERVAL 1 HOUR", 25, /INTERVAL '1' HOUR/],
    ["SELECT NOW() - INTERVAL '1' WEEK", 29, /YEAR, MONTH/],
    ["SELECT position('a', 'b')", 20, /position\(needle IN haystack\)/],
    ["SELECT blob1 FROM weir_run LIMIT 1, 2", 35, /OFFSET/],
    ["SELECT blob1 FROM weir_run GROUP BY 1", 37, /positions/],
    ["SELECT blob1 FROM weir_run ORDER BY 1", 37, /positions/],
    ["SELECT *, blob1 FROM weir_run", 9, /alone/],
    ["SELECT blob1 FROM weir_run AS r", 28, /no other name/],
    ["SELECT r.blob1 FROM weir_run", 8, /before the dot/],
    ["SELECT 1 FORMAT CSV", 17, /JSONEachRow/],
    ["SELECT blob1 FROM weir_run WHERE blob1 IN ()", 40, /at least one/],
    ["SELECT blob1, count() FROM weir_run", 8, /GROUP BY/],
    ["SELECT count() FROM weir_run WHERE count() > 1", 36, /HAVING/],
    ["SELECT sum(count()) FROM weir_run", 12, /another aggregate/],
    ["SELECT count() AS n, sum(double1) AS n FROM weir_run", 22, /two columns are called n/],
    ["SELECT a = b = c FROM weir_run", 14, /in a row/],
    ["SELECT BLOB1 FROM weir_run", 8, /did you mean blob1/],
    ["SELECT blob1 FROM weir_runs", 19, /weir_run, weir_node/],
  ])("%s", (sql, column, reason) => {
    const refused = refusal(sql);
    expect(refused.reason).toMatch(reason);
    expect(refused).toMatchObject({ line: 1, column });
  });
});

describe("types", () => {
  test.each([
    ["SELECT blob1 + 1 FROM weir_run", 8, /needs a number here, this is String/],
    ["SELECT blob1 = 5 FROM weir_run", 14, /String with UInt8: quote/],
    ["SELECT blob1 FROM weir_run WHERE blob1", 34, /condition/],
    ["SELECT sum(blob1) FROM weir_run", 12, /number/],
    ["SELECT length(5)", 15, /string/],
    ["SELECT bitAnd(double1, 1) FROM weir_run", 15, /toUInt32/],
    ["SELECT quantileExactWeighted(0.5)(double1, double2) FROM weir_run", 44, /_sample_interval/],
    ["SELECT quantileExactWeighted(2)(double1, _sample_interval) FROM weir_run", 30, /between 0 and 1/],
    ["SELECT if(1, 'a', 2)", 8, /one kind/],
    ["SELECT timestamp > 'yesterday' FROM weir_run", 20, /YYYY-MM-DD/],
    ["SELECT timestamp * 2 FROM weir_run", 18, /toUnixTimestamp/],
    ["SELECT INTERVAL '1' DAY", 8, /add it to a DateTime/],
    ["SELECT INTERVAL '1' DAY + 1", 25, /NOW\(\) - INTERVAL/],
    ["SELECT toDateTime('2026-02-30 00:00:00')", 8, /cannot read/],
    ["SELECT toDateTime(0, 'Mars/Olympus')", 22, /SHOW TIMEZONES/],
    ["SELECT formatDateTime(now(), '%E')", 30, /%E is not/],
    ["SELECT format('{} {}', 1)", 15, /2 \{\} and 1/],
    ["SELECT format('{x}', 1)", 15, /only as/],
    ["SELECT intDiv(1, 0)", 8, /by 0/],
    ["SELECT 1 % 0", 10, /by 0/],
    ["SELECT toUInt32('abc')", 8, /cannot read 'abc'/],
    ["SELECT blob5 LIKE blob6 FROM weir_run", 19, /written out/],
    ["SELECT topK(0)(blob1) FROM weir_run", 13, /1 to 1000/],
    ["SELECT lower(DISTINCT blob1) FROM weir_run", 8, /DISTINCT/],
    ["SELECT max(DISTINCT blob1) FROM weir_run", 8, /DISTINCT/],
    ["SELECT lower(1)(blob1) FROM weir_run", 8, /one pair/],
    ["SELECT round(double1, double2) FROM weir_run", 23, /written out/],
    ["SELECT 9007199254740993", 8, /9007199254740991/],
  ])("%s", (sql, column, reason) => {
    expect(refusal(sql)).toMatchObject({ line: 1, column, reason: expect.stringMatching(reason) });
  });

  test("what fails for a row is refused at the function, and not where its value is not needed", () => {
    expect(refusal("SELECT\n  intDiv(1, double20)\nFROM weir_run")).toMatchObject({ line: 2, column: 3 });
    accepts("SELECT if(double20 = 0, 0, intDiv(1, double20)) FROM weir_run");
  });
});

describe("hostile text", () => {
  test.each([
    ["", /found the end/],
    [" \n\t ", /found the end/],
    [";", /SELECT or SHOW/],
    ["SELECT 1; SELECT 2", /one statement/],
    ["SELECT 1; DROP TABLE weir_run", /one statement/],
    ["DROP TABLE weir_run", /DROP is not allowed/],
    ["INSERT INTO weir_run VALUES (1)", /INSERT is not allowed/],
    ["DELETE FROM weir_run", /DELETE is not allowed/],
    ["PRAGMA table_info(segment)", /PRAGMA is not allowed/],
    ["ATTACH 'x' AS y", /ATTACH is not allowed/],
    ["EXPLAIN SELECT 1", /EXPLAIN is not allowed/],
    ["SELECT * FROM sqlite_master", /no dataset "sqlite_master"/],
    ["SELECT * FROM segment_column", /no dataset/],
    ["SELECT * FROM system.tables", /no dataset|without a schema/],
    ["SELECT * FROM url('http://127.0.0.1/')", /table functions/],
    ["SELECT * FROM file('/etc/passwd')", /table functions/],
    ["SELECT 'a", /no closing '/],
    ["SELECT 1 /* no end", /no closing \*\//],
    ['SELECT "a', /no closing "/],
    ["SELECT 'a\\'", /no closing '/],
    ["SELECT 1\u00a0", /no meaning/],
    ["SELECT \u202e1", /no meaning/],
    ["SELECT 1 \0", /no meaning/],
    ["SELECT ‘a’", /no meaning/],
    ["SELECT @@version", /no meaning/],
    ["SELECT 0x10", /not a number/],
    ["SELECT 1abc", /not a number/],
    ["SELECT #1", /no meaning/],
    ["SHOW DATABASES", /TABLES, TIMEZONES/],
    ["SHOW TABLES; SHOW TABLES", /one statement/],
    ["SELECT 1 FROM (SELECT 1", /"\)"/],
    ["SELECT 1)", /end of the query/],
  ])("%j", (sql, reason) => {
    expect(refusal(sql).reason).toMatch(reason);
  });

  test("comments and quotes hide nothing", () => {
    const read = (sql: string) => JSON.parse(runQuery(prepareQuery(sql, null, EPOCH), source, new WorkBudget(() => 0)));
    expect(read("SELECT '-- ' AS a /* '\n */, '/*' AS b -- ', 'c'\n;").data).toEqual([{ a: "-- ", b: "/*" }]);
    expect(read("SELECT 'it''s' AS a, 'it\\'s' AS b, '\\\\' AS c, '🌊' AS d, 'a\\nb' AS e").data).toEqual([
      { a: "it's", b: "it's", c: "\\", d: "🌊", e: "a\nb" },
    ]);
  });

  test("a place counts lines and columns past comments and strings of several lines", () => {
    expect(refusal("SELECT /* a\n b */ 'x\ny', \n  nope FROM weir_run")).toMatchObject({ line: 4, column: 3 });
  });
});

describe("bounds", () => {
  const nested = (open: string, close: string, depth: number) => `SELECT ${open.repeat(depth)}1${close.repeat(depth)}`;

  test("characters of a query", () => {
    accepts(`SELECT 1${" ".repeat(SQL_LENGTH_MAX - 8)}`);
    expect(refusal(`SELECT 1${" ".repeat(SQL_LENGTH_MAX - 7)}`).reason).toMatch(String(SQL_LENGTH_MAX));
    expect(refusal(`SELECT ${"(".repeat(1_000_000)}`).reason).toMatch(/at most/);
  });

  test("nesting of expressions", () => {
    accepts(nested("(", ")", SQL_DEPTH_MAX - 1));
    for (const [open, close] of [
      ["(", ")"],
      ["if(1, 1, ", ")"],
      ["- ", ""],
      ["NOT ", ""],
      ["length(lower(", "))"],
      ["position('a' IN ", ")"],
    ] as const) {
      expect(refusal(nested(open, close, SQL_DEPTH_MAX)).reason).toMatch(/nested deeper/);
      expect(refusal(nested(open, close, 3_000)).reason).toMatch(/nested deeper/);
    }
  });

  test("operators in a row", () => {
    accepts(`SELECT 1${" + 1".repeat(1_000)}`);
    expect(refusal(`SELECT 1${" + 1".repeat(1_001)}`).reason).toMatch(/in a row/);
    accepts(`SELECT 1${" AND 1".repeat(1_000)}`);
    expect(refusal(`SELECT 1${" OR 1".repeat(1_001)}`).reason).toMatch(/in a row/);
  });

  test("subqueries", () => {
    const sql = (depth: number) => `SELECT 1 FROM ${"(SELECT 1 FROM ".repeat(depth)}weir_run${")".repeat(depth)}`;
    accepts(sql(SUBQUERY_DEPTH_MAX));
    expect(refusal(sql(SUBQUERY_DEPTH_MAX + 1)).reason).toMatch(/subqueries are nested/);
  });

  test("columns, keys and aliases of aliases", () => {
    const columns = (count: number) => Array.from({ length: count }, (_, index) => `${index} AS c${index}`).join(", ");
    accepts(`SELECT ${columns(SELECT_COLUMNS_MAX)}`);
    expect(refusal(`SELECT ${columns(SELECT_COLUMNS_MAX + 1)}`).reason).toMatch(/at most 200 columns/);
    const keys = (count: number) => Array.from({ length: count }, () => "blob1").join(", ");
    accepts(`SELECT count() FROM weir_run GROUP BY ${keys(SELECT_COLUMNS_MAX)}`);
    expect(refusal(`SELECT count() FROM weir_run GROUP BY ${keys(SELECT_COLUMNS_MAX + 1)}`).reason).toMatch(/GROUP BY/);
    const doubling = Array.from({ length: 40 }, (_, index) => `a${index} + a${index} AS a${index + 1}`).join(", ");
    expect(refusal(`SELECT double1 AS a0, ${doubling} FROM weir_run`).reason).toMatch(String(EXPRESSION_NODES_MAX));
    expect(refusal("SELECT a AS b, b AS a FROM weir_run").reason).toMatch(/no column/);
  });

  test("topK and intervals", () => {
    accepts(`SELECT topK(${TOP_K_MAX})(blob1) FROM weir_run`);
    expect(refusal(`SELECT topK(${TOP_K_MAX + 1})(blob1) FROM weir_run`).reason).toMatch(/1000/);
    accepts(`SELECT now() - INTERVAL '${INTERVAL_MAX}' SECOND`);
    expect(refusal(`SELECT now() - INTERVAL '${INTERVAL_MAX + 1}' SECOND`).reason).toMatch(/at most/);
    expect(refusal("SELECT toStartOfInterval(now(), INTERVAL '0' DAY)").reason).toMatch(/at least 1/);
  });

  test("work, kept values, time and rows are bounded, and a query says so", () => {
    const bounded = (sql: string, bounds: object, now = () => 0) => {
      const all = { work: 1e9, keptValues: 1e9, milliseconds: 1e9, ...bounds };
      return () => runQuery(prepareQuery(sql, null, EPOCH), source, new WorkBudget(now, all));
    };
    expect(bounded("SELECT sum(double1 + 1) FROM weir_run", { work: 60 })).not.toThrow();
    expect(bounded("SELECT sum(double1 + 1) FROM weir_run", { work: 59 })).toThrow(/59 steps/);
    expect(bounded("SELECT count(DISTINCT blob7) FROM weir_run", { keptValues: 20 })).not.toThrow();
    expect(bounded("SELECT count(DISTINCT blob7) FROM weir_run", { keptValues: 19 })).toThrow(/19 values/);
    let clock = 0;
    expect(bounded("SELECT count() FROM weir_run", { milliseconds: 5 }, () => (clock += 10))).toThrow(/5 ms/);
  });
});
