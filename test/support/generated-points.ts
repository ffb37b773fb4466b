/** Points of every dataset from a seed, sampled for one index in ten, and a source that serves them from memory. */
import { columnsOf, DATASETS, type DatasetName } from "#telemetry/analytics/columns.ts";
import type { PointSource } from "#telemetry/analytics/execute.ts";
import type { Value } from "#telemetry/analytics/sql-types.ts";
import { type Block, blockOf, type Vector } from "#telemetry/analytics/vector.ts";
import { Seeded } from "./seeded.ts";

/** A stored row by column name, as queries see it. */
export type Row = Record<string, Value>;

export const TENANTS = ["acme", "globex", "o'brien", "\\", "a\tb"] as const;
/** 2026-11-02 00:00:00 UTC, a Monday. */
export const EPOCH = 1_793_577_600;
const SPAN_SECONDS = 50 * 86_400;

const WORDS = ["", "ok", "error", "Ärger", "naïve 🌊", "GET", "GetUser", "a%b", "a_b", "tab\there", "l1\nl2", "x'y"];

export function generateRows(dataset: DatasetName, count: number, seed: number): Row[] {
  const seeded = new Seeded(seed);
  const random = () => seeded.next();
  const pick = <Item>(list: readonly Item[]): Item => seeded.pick(list);
  const names = columnsOf(DATASETS[dataset]).map(({ name }) => name);
  return Array.from({ length: count }, (_, number) => {
    const hot = random() < 0.3;
    const row: Row = {
      dataset,
      timestamp: EPOCH + Math.floor(random() * SPAN_SECONDS),
      _sample_interval: hot ? 10 : 1,
      index1: hot ? "acme|hot" : pick(["acme|triage", "globex|enrich", "acme|"]),
    };
    for (const name of names) {
      if (name.startsWith("blob")) row[name] = blobOf(name, number, pick);
      if (name.startsWith("double")) row[name] = doubleOf(name, number, random);
    }
    return row;
  });
}

function blobOf(name: string, number: number, pick: <Item>(list: readonly Item[]) => Item): string {
  switch (name) {
    case "blob1":
      return pick(TENANTS);
    case "blob7":
      return `run_${number}`;
    case "blob12":
      return pick(["completed", "failed", "cancelled"]);
    case "blob13":
      return pick(["200", "404", "503"]);
    case "blob20":
      return "";
    default:
      return pick(WORDS);
  }
}

function doubleOf(name: string, number: number, random: () => number): number {
  switch (name) {
    case "double1":
      return Math.exp(3 + 2 * random()) + random();
    case "double2":
      return number % 3 === 0 ? -random() * 100 : random() * 1_000;
    case "double3":
      return Math.floor(random() * 200);
    case "double4":
      return 1 + (number % 3);
    case "double20":
      return 0;
    default:
      return Math.round(random() * 1_000) / 8;
  }
}

/** Serves rows in blocks of an odd size, so that groups and orders cross blocks. */
export function sourceOf(tables: Partial<Record<DatasetName, readonly Row[]>>, blockRows = 97): PointSource {
  return {
    *scan(dataset, { from, to }) {
      const rows = (tables[dataset] ?? []).filter(
        (row) => Number(row.timestamp) >= from && Number(row.timestamp) <= to,
      );
      for (let start = 0; start < rows.length; start += blockRows) {
        yield blockOfRows(rows.slice(start, start + blockRows), dataset);
      }
    },
  };
}

function blockOfRows(rows: readonly Row[], dataset: DatasetName): Block {
  const vectors = columnsOf(DATASETS[dataset]).map(({ name, type }): Vector => {
    const values = rows.map((row) => row[name] as Value);
    return type.kind === "string"
      ? { form: "values", values }
      : { form: "numbers", values: Float64Array.from(values as number[]) };
  });
  return blockOf(rows.length, vectors);
}
