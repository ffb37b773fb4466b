/** What is remembered of statements to D1: sums by text, the busiest first, and no more texts than there is room for. */
import { describe, expect, test } from "vitest";
import {
  STATEMENT_UNITS_MAX,
  STATEMENTS_MAX,
  type StatementFacts,
  StatementStatistics,
  statementText,
} from "#store/statement-statistics.ts";

const facts = (sql: string, more: Partial<StatementFacts> = {}): StatementFacts => ({
  sql,
  durationMs: 1,
  rowsRead: 2,
  rowsWritten: 0,
  isOk: true,
  sizeAfter: null,
  ...more,
});

describe("statements", () => {
  test("are summed by their text, whatever its spaces and however long its lists", () => {
    const statistics = new StatementStatistics();
    statistics.record(facts("SELECT *\n  FROM runs WHERE id IN (?, ?)", { durationMs: 4 }), 1_000);
    statistics.record(facts("SELECT * FROM runs WHERE id IN (?,?,  ?)", { durationMs: 10, isOk: false }), 2_000);
    expect(statistics.slowest(10)).toEqual([
      {
        statement: "SELECT * FROM runs WHERE id IN (?, …)",
        calls: 2,
        errors: 1,
        total_ms: 14,
        mean_ms: 7,
        max_ms: 10,
        rows_read: 4,
        rows_written: 0,
      },
    ]);
    expect(statistics.since).toBe(1_000);
  });

  test("that took most time come first; the size is the last that was told", () => {
    const statistics = new StatementStatistics();
    statistics.record(facts("a", { durationMs: 5, sizeAfter: 100 }), 0);
    for (let i = 0; i < 10; i++) statistics.record(facts("b"), 0);
    statistics.record(facts("c", { sizeAfter: 200 }), 0);
    statistics.record(facts("c"), 0);
    expect(statistics.slowest(2).map(({ statement }) => statement)).toEqual(["b", "a"]);
    expect(statistics.sizeBytes).toBe(200);
  });

  test("beyond the bound take the place of the cheapest", () => {
    const statistics = new StatementStatistics();
    for (let i = 0; i < STATEMENTS_MAX; i++) statistics.record(facts(`s${i}`, { durationMs: i + 1 }), 0);
    statistics.record(facts("one more", { durationMs: 1_000 }), 0);
    const kept = statistics.slowest(STATEMENTS_MAX + 1).map(({ statement }) => statement);
    expect(kept).toHaveLength(STATEMENTS_MAX);
    expect([kept.includes("s0"), kept.includes("s1"), kept[0]]).toEqual([false, true, "one more"]);
  });

  test("that are long are cut; rows of an insert are one", () => {
    expect(statementText("x".repeat(STATEMENT_UNITS_MAX + 1))).toHaveLength(STATEMENT_UNITS_MAX);
    expect(statementText("INSERT INTO t VALUES (?, ?), (?, ?), (?, ?)")).toBe("INSERT INTO t VALUES (?, …), …");
  });
});
