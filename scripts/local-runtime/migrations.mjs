/**
 * Applies the SQL files of `migrations/` to the local D1 and keeps the same record as `wrangler d1 migrations apply`
 * does in production: table `d1_migrations`, one row a file, by file name.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** What drizzle-kit writes between two statements; a trigger's inner semicolons make splitting on `;` wrong. */
const BREAKPOINT = "--> statement-breakpoint";

/** The statement by which wrangler makes the table, so that both can go on with what the other began. */
const CREATE_RECORD = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

/**
 * @typedef {{ name: string, statements: string[] }} Migration
 * @typedef {import("@cloudflare/workers-types").D1Database} D1Database
 */

/** Statements of one file, without those that hold nothing but comments. @param {string} sql */
export function splitStatements(sql) {
  return sql
    .split(BREAKPOINT)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, "").trim() !== "");
}

/** The files in the order they apply. @param {string} folder @returns {Promise<Migration[]>} */
export async function readMigrations(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => ({ name, statements: splitStatements(await readFile(path.join(folder, name), "utf8")) })),
  );
}

/**
 * Applies what is not applied yet, each file with its record in one transaction.
 * @param {D1Database} database
 * @param {readonly Migration[]} migrations
 * @returns {Promise<string[]>} Names of the files applied now.
 */
export async function applyMigrations(database, migrations) {
  await database.prepare(CREATE_RECORD).run();
  const { results } = await database.prepare(`SELECT name FROM "d1_migrations"`).all();
  const applied = new Set(results.map((row) => row.name));
  const pending = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, statements } of pending) {
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare(`INSERT INTO "d1_migrations" (name) VALUES (?1)`).bind(name),
    ]);
  }
  return pending.map(({ name }) => name);
}
