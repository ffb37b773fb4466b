/**
 * Logs of earlier versions must fold to the state that they folded to then: deployed runs are read from such logs.
 *
 * To add one: write its scenario in `scenarios.ts` and run `RECORD_LOGS=1 npx vitest run test/stored-logs`. That writes
 * the files that are missing and never touches one that is there. A file that fails here is no reason to record it again:
 * the change breaks runs that are stored. Make the fold read what was written; what the state gained has a default in
 * `parseState`.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { fold } from "#engine/apply.ts";
import { EVENT_TYPES, type RunEvent } from "#engine/events.ts";
import { parseState, serialiseState } from "#engine/state.ts";
import { NODE_TYPES } from "#workflow/node-types.ts";
import { SCENARIOS } from "./scenarios.ts";

const FOLDER = new URL("logs/", import.meta.url);

interface StoredLog {
  events: RunEvent[];
  /** Node types of the workflow. */
  types: string[];
  state: object;
}

if (process.env.RECORD_LOGS === "1") await recordMissing();
const names = (await readdir(FOLDER)).sort();
const read = async (name: string) => JSON.parse(await readFile(new URL(name, FOLDER), "utf8")) as StoredLog;
const logs = new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));

async function recordMissing(): Promise<void> {
  const known = new Set(await readdir(FOLDER));
  for (const [name, make] of Object.entries(SCENARIOS)) {
    if (known.has(`${name}.json`)) continue;
    const run = make();
    const types = [...new Set(run.graph.definition.nodes.map(({ type }) => type))];
    const head = `{\n"types": ${JSON.stringify(types)},\n"events": [\n`;
    const events = run.events.map((event) => JSON.stringify(event)).join(",\n");
    await writeFile(
      new URL(`${name}.json`, FOLDER),
      `${head}${events}\n],\n"state": ${serialiseState(run.state)}\n}\n`,
    );
  }
}

describe("stored logs", () => {
  test.each(names)("%s folds to the state it was stored with", (name) => {
    const { events, state } = logs.get(name) as StoredLog;
    expect(fold(events)).toEqual(parseState(JSON.stringify(state)));
  });

  test("every scenario is recorded", () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(SCENARIOS).map((name) => `${name}.json`)));
  });

  test("they hold every event that the engine writes, and nodes of every type", () => {
    const all = [...logs.values()];
    const types = new Set(all.flatMap((log) => log.events.map(({ type }) => type as string)));
    const elsewhere = ["run.waiting", "budget.reserved", "budget.settled", "budget.exceeded", "log"];
    expect(EVENT_TYPES.filter((type) => !types.has(type))).toEqual(elsewhere);
    const nodes = new Set(all.flatMap((log) => log.types));
    const available = [...NODE_TYPES.values()].filter(({ status }) => status === "available").map(({ type }) => type);
    expect(available.filter((type) => !nodes.has(type))).toEqual([]);
  });
});
