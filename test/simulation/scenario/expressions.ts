/**
 * The expressions that random graphs use, each with what it means: a second, much smaller reading of the language, so
 * that the model does not ask the engine what a condition gives.
 */
import { isJsonObject, type Json } from "#kernel/json.ts";
import type { Seeded } from "../../support/seeded.ts";
import { type Given, gives, refuses } from "./given.ts";

/** What an expression may read. */
export interface Reading {
  output: Json;
  inputs: Json;
  /** The pass of the innermost loop. */
  iteration: number;
  /** The output of a completed node, null of any other. */
  node(id: string): Json;
  item?: Json;
  index?: number;
}

interface Form {
  make(random: Seeded, ancestors: readonly string[]): string;
  pattern: RegExp;
  means(match: readonly string[], reading: Reading): Given | "missing";
}

const NUMBER = "(\\d+)\\.0";
const ID = "([A-Za-z0-9_-]+)";
const small = (random: Seeded) => `${random.between(0, 9)}.0`;

/** Conditions of edges and nodes. */
const CONDITIONS: readonly Form[] = [
  {
    make: (random) => `output.v >= ${small(random)}`,
    pattern: new RegExp(`^output\\.v >= ${NUMBER}$`),
    means: ([number], { output }) => atLeast(output, number),
  },
  {
    make: (random) => `inputs.n >= ${small(random)}`,
    pattern: new RegExp(`^inputs\\.n >= ${NUMBER}$`),
    means: ([number], { inputs }) => atLeast({ v: isJsonObject(inputs) ? inputs.n : undefined }, number),
  },
  {
    make: () => "has(output.v)",
    pattern: /^has\(output\.v\)$/,
    means: (_, { output }) => gives(isJsonObject(output) && Object.hasOwn(output, "v")),
  },
  {
    make: () => "output != null",
    pattern: /^output != null$/,
    means: (_, { output }) => gives(output !== null),
  },
  {
    make: (random, ancestors) => (ancestors.length === 0 ? "true" : `nodes['${random.pick(ancestors)}'] != null`),
    pattern: new RegExp(`^nodes\\['${ID}'\\] != null$`),
    means: ([id], { node }) => gives(node(id ?? "") !== null),
  },
  { make: () => "output.absent == 1.0", pattern: /^output\.absent == 1\.0$/, means: () => "missing" },
  {
    make: () => "size(output) > 0",
    pattern: /^size\(output\) > 0$/,
    means: (_, { output }) => {
      if (typeof output === "string" || Array.isArray(output)) return gives(output.length > 0);
      return isJsonObject(output) ? gives(Object.keys(output).length > 0) : refuses("expression_failed");
    },
  },
  {
    make: (random) => `iteration < ${random.between(1, 3)}`,
    pattern: /^iteration < (\d+)$/,
    means: ([number], { iteration }) => gives(iteration < Number(number)),
  },
  { make: () => "true", pattern: /^true$/, means: () => gives(true) },
  { make: () => "false", pattern: /^false$/, means: () => gives(false) },
];

/** Conditions of a `filter`. */
const ITEM_CONDITIONS: readonly Form[] = [
  {
    make: (random) => `item > ${small(random)}`,
    pattern: new RegExp(`^item > ${NUMBER}$`),
    means: ([number], { item }) =>
      typeof item === "number" ? gives(item > Number(number)) : refuses("expression_failed"),
  },
  {
    make: (random) => `item.v >= ${small(random)}`,
    pattern: new RegExp(`^item\\.v >= ${NUMBER}$`),
    means: ([number], { item }) => atLeast(item ?? null, number),
  },
  {
    make: (random) => `index < ${random.between(0, 4)}`,
    pattern: /^index < (\d+)$/,
    means: ([number], { index }) => gives(Number(index) < Number(number)),
  },
];

/** Expressions of a `transform`, in CEL. */
const VALUES: readonly Form[] = [
  { make: () => "output", pattern: /^output$/, means: (_, { output }) => gives(output) },
  {
    make: () => "{'v': inputs.n}",
    pattern: /^\{'v': inputs\.n\}$/,
    means: (_, { inputs }) => {
      const n = isJsonObject(inputs) ? inputs.n : undefined;
      return n === undefined ? "missing" : gives({ v: n });
    },
  },
  {
    make: () => "{'v': output.v}",
    pattern: /^\{'v': output\.v\}$/,
    means: (_, { output }) => {
      const v = isJsonObject(output) ? output.v : undefined;
      return v === undefined ? "missing" : gives({ v });
    },
  },
  {
    make: (random, ancestors) => (ancestors.length === 0 ? "[1.0]" : `{'of': nodes['${random.pick(ancestors)}']}`),
    pattern: new RegExp(`^\\{'of': nodes\\['${ID}'\\]\\}$`),
    means: ([id], { node }) => gives({ of: node(id ?? "") }),
  },
  { make: () => "[1.0]", pattern: /^\[1\.0\]$/, means: () => gives([1]) },
  { make: () => "[output, 1.0]", pattern: /^\[output, 1\.0\]$/, means: (_, { output }) => gives([output, 1]) },
];

export const makeCondition = (random: Seeded, ancestors: readonly string[]) =>
  random.pick(CONDITIONS).make(random, ancestors);
export const makeItemCondition = (random: Seeded) => random.pick(ITEM_CONDITIONS).make(random, []);
export const makeValue = (random: Seeded, ancestors: readonly string[]) => random.pick(VALUES).make(random, ancestors);

const FORMS = [...CONDITIONS, ...ITEM_CONDITIONS, ...VALUES];

/** What an expression gives; `missing` when it reads a field that is not there. */
export function read(source: string, reading: Reading): Given | "missing" {
  for (const { pattern, means } of FORMS) {
    const match = pattern.exec(source);
    if (match !== null) return means(match.slice(1), reading);
  }
  throw new Error(`the model cannot read the expression ${source}`);
}

function atLeast(value: Json | { v: Json | undefined }, number: string | undefined): Given | "missing" {
  const v = isJsonObject(value) ? value.v : undefined;
  if (v === undefined) return "missing";
  return typeof v === "number" ? gives(v >= Number(number)) : refuses("expression_failed");
}
