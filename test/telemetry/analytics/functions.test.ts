/** Every function of the dialect: examples of the platform's reference, and what ClickHouse cannot be asked. */
import { describe, expect, test } from "vitest";
import { AGGREGATE_FUNCTIONS } from "#telemetry/analytics/aggregates.ts";
import { SCALAR_FUNCTIONS } from "#telemetry/analytics/functions.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { generateRows, sourceOf } from "../../support/generated-points.ts";
import { QUERIES } from "./clickhouse-queries.ts";

/** 2026-11-02 03:04:05 UTC, a Monday. */
const NOW = 1_793_588_645;
const rows = generateRows("weir_run", 50, 11);
const source = sourceOf({ weir_run: rows });

function ask(sql: string) {
  return JSON.parse(runQuery(prepareQuery(sql, null, NOW), source, new WorkBudget(() => 0)));
}

const evaluated = (expression: string) => ask(`SELECT ${expression} AS v`).data[0].v;

test("every function of the tables is compared with ClickHouse", () => {
  const asked = QUERIES.join("\n").toLowerCase();
  const names = [...SCALAR_FUNCTIONS, ...AGGREGATE_FUNCTIONS].flatMap(({ name, aliases }) => [
    name,
    ...(aliases ?? []),
  ]);
  // now() is the clock's; what it gives is below.
  const missing = names.filter((name) => name !== "now" && !new RegExp(`\\b${name.toLowerCase()}\\(`).test(asked));
  expect(missing).toEqual([]);
});

test("every function says how it is written and what it means, and its name is known in any case", () => {
  for (const { name, usage, description } of [...SCALAR_FUNCTIONS, ...AGGREGATE_FUNCTIONS]) {
    expect(usage.toLowerCase()).toContain(`${name.toLowerCase()}(`);
    expect(description.length).toBeGreaterThan(3);
  }
  expect(evaluated("UPPER('a')")).toBe("A");
  expect(
    ask(
      "SELECT COUNT() AS n, QUANTILEEXACTWEIGHTED(0.5)(double4, _SAMPLE_interval) AS q FROM weir_run".replace(
        "_SAMPLE",
        "_sample",
      ),
    ).data[0].n,
  ).toBe("50");
});

describe("as the platform's reference has it", () => {
  test.each<[string, unknown]>([
    ["bitRotateLeft(1, 1)", 2],
    ["bitRotateLeft(128, 1)", 1],
    ["bitRotateRight(1, 1)", 128],
    ["bitRotateRight(12, 2)", 3],
    ["bitShiftLeft(1, 1)", 2],
    ["bitShiftLeft(128, 1)", 0],
    ["bitShiftRight(1, 1)", 0],
    ["bitShiftRight(12, 2)", 3],
    ["bitHammingDistance(3, 0)", 2],
    ["bitXor(1, 2)", 3],
    ["bitTest(3, 1)", 1],
    ["bitNot(1)", 254],
    ["round(5.5)", 6],
    ["round(3.14, 1)", 3.1],
    ["floor(5.5)", 5],
    ["ceil(3.14, 1)", 3.2],
    ["intDiv(7, 2)", 3],
    ["ln(1)", 0],
    ["pow(3, 2)", 9],
    ["hex(1)", "01"],
    ["hex('abc')", "616263"],
    ["bin(1)", "00000001"],
    ["bin('abc')", "011000010110001001100011"],
    ["toUInt8('42')", 42],
    ["toUInt32(4.9)", 4],
    ["length('a string')", "8"],
    ["length('naïve 🌊')", "7"],
    ["empty('')", 1],
    ["lower('STRING Ä')", "string Ä"],
    ["upperUTF8('straße ä')", "STRASSE Ä"],
    ["toLower('Ä')", "ä"],
    ["startsWith('prefix ...', 'prefix')", 1],
    ["endsWith('prefix suffix', 'suffix')", 1],
    ["position(':' IN 'hello: world')", "6"],
    ["position('x' IN 'hello')", "0"],
    ["substring('hello world', 6)", " world"],
    ["substring('hello: world', 1, position(':' IN 'hello: world') - 1)", "hello"],
    ["format('blob1: {}', 'x')", "blob1: x"],
    ["extract(SECOND from toDateTime('2022-06-06 11:30:15'))", 15],
    ["now()", "2026-11-02 03:04:05"],
    ["today()", "2026-11-02"],
    ["now() - INTERVAL '42' DAY", "2026-09-21 03:04:05"],
    ["toDateTime('355924804')", "1981-04-12 12:00:04"],
    ["toDateTime('2022-12-01 16:17:00', 'America/New_York')", "2022-12-01 16:17:00"],
    ["toUnixTimestamp(toDateTime('2022-12-01 16:17:00', 'America/New_York'))", 1_669_929_420],
    ["formatDateTime(toDateTime('2022-12-01 23:17:00', 'America/New_York'), '%Y-%m-%d', 'Etc/UTC')", "2022-12-02"],
    ["formatDateTime(now(), '%Y-%m-%d %H:%i:%S')", "2026-11-02 03:04:05"],
    ["toYYYYMM(toDateTime('2025-10-27 16:55:25'))", 202_510],
    ["toDayOfWeek(toDateTime('2025-10-27 00:00:00'))", 1],
    ["toDayOfWeek(toDateTime('2025-11-02 00:00:00'))", 7],
    ["toStartOfWeek(toDateTime('2025-10-29 00:00:00'))", "2025-10-27"],
    ["toStartOfMonth(toDateTime('2025-10-27 00:00:00'))", "2025-10-01"],
    ["toStartOfFifteenMinutes(toDateTime('2025-10-27 16:55:25'))", "2025-10-27 16:45:00"],
    ["toStartOfInterval(toDateTime('2025-10-27 16:55:25'), INTERVAL '15' MINUTE)", "2025-10-27 16:45:00"],
    [
      "toStartOfInterval(toDateTime('2025-10-27 02:55:25'), INTERVAL '1' DAY, 'America/New_York')",
      "2025-10-26 00:00:00",
    ],
    ["if(21 > 20, 'It is warm', 'Bring a jumper')", "It is warm"],
    ["true", 1],
    ["-42", -42],
    ["4.2", 4.2],
    ["1 / 0 = 1 / 0", 1],
    ["0 / 0", null],
    ["'a' ILIKE 'A'", 1],
    ["'error 5' LIKE 'error%'", 1],
    ["'a%b' LIKE 'a\\%b'", 1],
    ["'aXb' LIKE 'a\\%b'", 0],
  ])("%s", (expression, value) => {
    expect(evaluated(expression)).toEqual(value);
  });

  test("clocks that are put forward and back", () => {
    const paris = (text: string, interval: string) =>
      evaluated(`toDateTime('${text}', 'Europe/Paris') + INTERVAL ${interval}`);
    expect(paris("2026-03-29 01:30:00", "'1' HOUR")).toBe("2026-03-29 03:30:00");
    expect(paris("2026-10-24 12:00:00", "'1' DAY")).toBe("2026-10-25 12:00:00");
    expect(evaluated("toStartOfDay(toDateTime('2026-10-25 12:00:00', 'Europe/Paris')) ")).toBe("2026-10-25 00:00:00");
  });

  test("SHOW TABLES, SHOW TIMEZONES and SHOW TIMEZONE", () => {
    expect(ask("SHOW TABLES").data.map((row: { dataset: string }) => row.dataset)).toContain("weir_node");
    expect(ask("show timezone").data).toEqual([{ timezone: "Etc/UTC" }]);
    const zones = ask("SHOW TIMEZONES").data.map((row: { timezone: string }) => row.timezone);
    expect(zones).toEqual(expect.arrayContaining(["Etc/UTC", "America/New_York", "Europe/Paris"]));
  });
});

describe("formats", () => {
  const print = (sql: string) => runQuery(prepareQuery(sql, null, NOW), source, new WorkBudget(() => 0));

  test("JSON names types, writes 64-bit numbers as strings, and has null for what is no number", () => {
    expect(
      JSON.parse(
        print("SELECT count() AS n, 300 AS small, 0 / 0 AS nan, 'x\"y' AS s, topK(1)(dataset) AS top FROM weir_run"),
      ),
    ).toEqual({
      meta: [
        { name: "n", type: "UInt64" },
        { name: "small", type: "UInt16" },
        { name: "nan", type: "Float64" },
        { name: "s", type: "String" },
        { name: "top", type: "Array(String)" },
      ],
      data: [{ n: "50", small: 300, nan: null, s: 'x"y', top: ["weir_run"] }],
      rows: 1,
    });
    expect(JSON.parse(print("SELECT blob1 FROM weir_run WHERE 0"))).toEqual({
      meta: [{ name: "blob1", type: "String" }],
      data: [],
      rows: 0,
    });
  });

  test("JSONEachRow and TabSeparated are lines, with what would break one escaped", () => {
    expect(print("SELECT 1 AS a, 'x\ny' AS b FORMAT JSONEachRow")).toBe('{"a":1,"b":"x\\ny"}\n');
    expect(print("SELECT 'a\tb\nc\\\\d' AS a, 1.5 AS b, 0 / 0 AS c, -1 / 0 AS d FORMAT TabSeparated")).toBe(
      "a\\tb\\nc\\\\d\t1.5\tnan\t-inf\n",
    );
    expect(print("SELECT topK(1)(dataset), today() FROM weir_run format tabseparated")).toBe(
      "['weir_run']\t2026-11-02\n",
    );
  });
});
