import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readMigrations, splitStatements } from "../../scripts/local-runtime/migrations.mjs";

describe("statements of a migration", () => {
  test("end at drizzle's breakpoint and nowhere else", () => {
    const sql = [
      "CREATE TABLE a (id text);",
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;",
      "CREATE INDEX i ON a (id);",
    ];
    expect(splitStatements(sql.join("\n--> statement-breakpoint\n"))).toEqual(sql);
  });

  test("a statement on the breakpoint's line is kept", () => {
    expect(splitStatements("SELECT 1;--> statement-breakpoint\nSELECT 2;\n")).toEqual(["SELECT 1;", "SELECT 2;"]);
  });

  test("what holds only comments is none", () => {
    expect(splitStatements("-- nothing yet\n--> statement-breakpoint\n/* nor\nhere */\n")).toEqual([]);
  });
});

test("migrations come in the order of their names, without other files", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "weir-migrations-"));
  try {
    for (const name of ["0010_c.sql", "0001_b.sql", "0000_a.sql", "notes.md"]) {
      await writeFile(path.join(folder, name), "SELECT 1;");
    }
    const migrations = await readMigrations(folder);
    expect(migrations.map(({ name }) => name)).toEqual(["0000_a.sql", "0001_b.sql", "0010_c.sql"]);
    expect(migrations[0]?.statements).toEqual(["SELECT 1;"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
