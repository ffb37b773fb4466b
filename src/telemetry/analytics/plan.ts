/** What a checked SELECT does, step by step: read, filter, group, filter groups, put out, order, cut. */
import type { BoundAggregate } from "./aggregates.ts";
import type { Format } from "./ast.ts";
import type { DatasetName } from "./columns.ts";
import type { Column, Typed } from "./typed.ts";

export type SourcePlan =
  | { kind: "none" }
  | { kind: "dataset"; dataset: DatasetName }
  | { kind: "select"; select: SelectPlan };

export interface Output extends Column {
  value: Typed;
}

export interface SelectPlan {
  source: SourcePlan;
  /** Columns of the source, which `where`, `keys` and arguments of aggregates read. */
  input: readonly Column[];
  where: Typed | null;
  /** Grouped: what follows reads keys and then aggregates as columns; else the source. */
  isGrouped: boolean;
  keys: readonly Typed[];
  aggregates: readonly BoundAggregate[];
  having: Typed | null;
  outputs: readonly Output[];
  orderBy: readonly { value: Typed; descending: boolean }[];
  limit: number | null;
  offset: number;
}

export type StatementPlan = { format: Format } & (
  | { kind: "select"; select: SelectPlan }
  | { kind: "show"; what: "TABLES" | "TIMEZONES" | "TIMEZONE" }
);
