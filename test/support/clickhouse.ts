/**
 * ClickHouse as an oracle: the engine behind the dialect, from the npm package `chdb`. It takes half a gigabyte, so it
 * is no dependency; `.ci/run` installs it into a folder of its own, and WEIR_ORACLE names another.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const FOLDER = path.resolve(ROOT, process.env.WEIR_ORACLE ?? ".oracle");

interface Session {
  query(sql: string, format: string): string;
  cleanup?(): void;
}

export interface Oracle {
  /** Runs a statement; answers in the format that it asks for. */
  run(sql: string, format?: string): string;
}

let opened: Oracle | null | undefined;

/** Null, and said loudly, where it is not installed. */
export function clickHouse(): Oracle | null {
  opened ??= open();
  return opened;
}

function open(): Oracle | null {
  if (!existsSync(path.join(FOLDER, "node_modules/chdb"))) {
    // biome-ignore lint/suspicious/noConsole: a comparison that is left out must be seen
    console.warn(
      `SKIPPED: comparison with ClickHouse. npm install --prefix ${path.relative(process.cwd(), FOLDER) || "."} chdb@3.4.0 installs it.`,
    );
    return null;
  }
  const require = createRequire(path.join(FOLDER, "package.json"));
  const { Session: SessionClass } = require("chdb") as { Session: new () => Session };
  const session = new SessionClass();
  return { run: (sql, format = "JSON") => session.query(sql, format) };
}
