/** Results as they are kept: everything that was measured, with what a reader needs to judge it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { describeMachine, describeVersions } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import type { Session, Subject } from "./session.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface Results extends Session {
  v: 1;
  date: string;
  machine: ReturnType<typeof describeMachine>;
  versions: ReturnType<typeof describeVersions>;
  settings: { runs: number; in_flight: number; repetitions: number; own_weir: boolean };
}

export type Mode = "loaded" | "alone";
type Figure = Exclude<keyof Measurement, "count" | "in_flight">;

/** A figure over the repetitions; null when it could not be read. */
export function figure(results: Session, mode: Mode, subject: Subject, name: Figure): Spread | null {
  const values = results.repetitions.map((repetition) => repetition[mode][subject]?.[name] ?? null);
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : spreadOf(known);
}

/** Runs a second as a share of the bare object-call rate of the same repetition. */
export function shareOfCeiling(results: Session, subject: Subject): Spread | null {
  const shares = results.repetitions.flatMap(({ loaded }) => {
    const ceiling = loaded.object_call?.per_second;
    const own = loaded[subject]?.per_second;
    return ceiling === undefined || own === undefined ? [] : [own / ceiling];
  });
  return shares.length === 0 ? null : spreadOf(shares);
}

export function writeResults(file: string, results: Results): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

export function readResults(file: string): Results {
  const results = JSON.parse(readFileSync(file, "utf8")) as Results;
  if (results.v !== 1) throw new Error(`${file} holds no results of this bench`);
  return results;
}
