import { describe, expect, test } from "vitest";
import { dateReader } from "#agent/pipeline/dates.ts";
import { DATE_FORMAT_LENGTH_MAX } from "#agent/pipeline/parse-date.ts";
import type { Json } from "#kernel/json.ts";
import { pipeline } from "./context.ts";

function read(cell: string | number, format?: string): string | null {
  const reader = dateReader(format);
  if (!reader.ok) throw new Error(reader.error);
  return reader.value(cell);
}

describe("parse_date: without a format", () => {
  test.each([
    ["2026-05-01", "2026-05-01T00:00:00.000Z"],
    ["2026-05-01T10:20", "2026-05-01T10:20:00.000Z"],
    ["2026-05-01 10:20:30", "2026-05-01T10:20:30.000Z"],
    ["2026-05-01T10:20:30.123456Z", "2026-05-01T10:20:30.123Z"],
    ["2026-05-01T10:20:30+02:00", "2026-05-01T08:20:30.000Z"],
    ["2026-W18-5", "2026-05-01T00:00:00.000Z"],
    ["2026-121", "2026-05-01T00:00:00.000Z"],
    ["Tue, 15 Nov 1994 08:12:31 GMT", "1994-11-15T08:12:31.000Z"],
    ["1 May 2026 10:20 +0200", "2026-05-01T08:20:00.000Z"],
    [1777630830, "2026-05-01T10:20:30.000Z"],
    [1777630830123, "2026-05-01T10:20:30.123Z"],
    ["1777630830", "2026-05-01T10:20:30.000Z"],
    [0, "1970-01-01T00:00:00.000Z"],
    [-1, "1969-12-31T23:59:59.000Z"],
    ["  2026-05-01  ", "2026-05-01T00:00:00.000Z"],
  ])("%s", (cell, expected) => {
    expect(read(cell)).toBe(expected);
  });

  test.each([
    "",
    "tomorrow",
    "01/05/2026",
    "2026-13-01",
    "2026-02-30",
    "2026",
    "99999999-01-01",
    "+275760-09-13",
    1e20,
    "x".repeat(200),
  ])("%s is none", (cell) => {
    expect(read(cell)).toBeNull();
  });
});

describe("parse_date: with a format", () => {
  test.each([
    ["01/05/2026 10:20", "dd/MM/yyyy HH:mm", "2026-05-01T10:20:00.000Z"],
    ["May 1, 2026 1:05 PM", "MMMM d, yyyy h:mm a", "2026-05-01T13:05:00.000Z"],
    ["1 Feb 26", "d MMM yy", "2026-02-01T00:00:00.000Z"],
    ["20260501T102030+0200", "yyyyMMdd'T'HHmmssxx", "2026-05-01T08:20:30.000Z"],
    ["2026-05-01 10:20:30", "%Y-%m-%d %H:%M:%S", "2026-05-01T10:20:30.000Z"],
    ["01/May/2026:10:20:30 +0200", "%d/%b/%Y:%H:%M:%S %z", "2026-05-01T08:20:30.000Z"],
    ["2026-05-01T10:20:30.123456Z", "%Y-%m-%dT%H:%M:%S.%fZ", "2026-05-01T10:20:30.123Z"],
    ["10 o'clock on 2026-05-01", "%H o'clock on %F", "2026-05-01T10:00:00.000Z"],
    ["100% 2026-05-01", "100%% %F", "2026-05-01T00:00:00.000Z"],
    [20260501, "yyyyMMdd", "2026-05-01T00:00:00.000Z"],
    ["1777630830", "%s", "2026-05-01T10:20:30.000Z"],
  ])("%s as %s", (cell, format, expected) => {
    expect(read(cell, format)).toBe(expected);
  });

  test("years of two digits lie from 1969 to 2068", () => {
    expect(read("31.12.68", "dd.MM.yy")).toBe("2068-12-31T00:00:00.000Z");
    expect(read("1.1.69", "d.M.yy")).toBe("1969-01-01T00:00:00.000Z");
  });

  test("a day that a month does not have is no date", () => {
    expect(read("30/02/2026", "dd/MM/yyyy")).toBeNull();
    expect(read("29/02/2024", "dd/MM/yyyy")).toBe("2024-02-29T00:00:00.000Z");
  });

  test("a format that cannot be used is an error with an example", () => {
    const error = (format: string) => {
      const reader = dateReader(format);
      return reader.ok ? "" : reader.error;
    };
    expect(error("YYYY-MM-DD")).toContain("write yyyy for the year and dd for the day; an example");
    expect(error("HH:mm")).toContain("it has no year; an example");
    expect(read("2026", "yyyy RRRR")).toBeNull();
    expect(error("'yyyy' HH:mm")).toContain("it has no year");
    expect(error("%Y-%Q")).toContain("%Q is not supported; known are %Y");
    expect(error("%")).toContain("% is not supported");
    expect(error("yyyy n")).toContain('"n" means nothing: put text that stands for itself in quotes');
  });
});

describe("the step", () => {
  test("puts RFC 3339 where the date stood; what is missing stays", async () => {
    const rows: Json = [{ d: "01.05.2026", x: 1 }, { d: null }, { d: "" }, { x: 2 }];
    expect(await pipeline([{ step: "parse_date", field: "d", format: "dd.MM.yyyy" }], rows)).toStrictEqual([
      { d: "2026-05-01T00:00:00.000Z", x: 1 },
      { d: null },
      { d: "" },
      { x: 2 },
    ]);
    expect(await pipeline([{ step: "parse_date", field: "a.d" }], [{ a: { d: "2026-05-01" } }])).toStrictEqual([
      { a: { d: "2026-05-01" }, "a.d": "2026-05-01T00:00:00.000Z" },
    ]);
  });

  test("names the rows that have no date, and what helps", async () => {
    const rows: Json = [{ d: "2026-05-01" }, { d: "n/a" }, { d: true }, { d: [1] }, { d: "x" }];
    expect(await pipeline([{ step: "parse_date", field: "d" }], rows)).toStrictEqual(
      new Error(
        'step 0 (parse_date): "d" of 4 of 5 rows is not a date that is known without a format: row 1 has "n/a", row 2 has true, row 3 has [1]. Drop them with table_filter, or give their format',
      ),
    );
  });

  test("the length of a format is bounded", async () => {
    const at = (length: number) =>
      pipeline([{ step: "parse_date", field: "d", format: `yyyy${"-".repeat(length - 4)}` }], []);
    expect(await at(DATE_FORMAT_LENGTH_MAX)).toStrictEqual([]);
    expect(String(await at(DATE_FORMAT_LENGTH_MAX + 1))).toContain("/pipeline/0/format");
  });
});
