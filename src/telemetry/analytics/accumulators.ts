/** How aggregates are computed: each accumulator takes rows block by block and keeps one state a group. */

import { compareValues } from "./order.ts";
import { quantileOf } from "./quantile.ts";
import type { Value } from "./sql-types.ts";
import { at, numbersOf, type Vector } from "./vector.ts";
import type { WorkBudget } from "./work-budget.ts";

export interface Accumulator {
  /** Rows with the group that each belongs to; `groups` is how many there are by now. */
  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void;
  result(group: number): Value;
}

/** Doubles that grow with the number of groups. */
class Totals {
  values = new Float64Array(16);

  reach(groups: number): Float64Array {
    if (groups > this.values.length) {
      const larger = new Float64Array(Math.max(groups, this.values.length * 2));
      larger.set(this.values);
      this.values = larger;
    }
    return this.values;
  }
}

/** A condition as the last argument, or null when every row counts. */
function conditionOf(args: readonly Vector[], index: number, rows: number): Float64Array | null {
  const vector = args[index];
  return vector === undefined ? null : numbersOf(vector, rows);
}

export class CountAccumulator implements Accumulator {
  readonly #counts = new Totals();

  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void {
    const counts = this.#counts.reach(groups);
    const holds = conditionOf(args, 0, rows);
    for (let row = 0; row < rows; row++) {
      if (holds === null || holds[row] !== 0) (counts[groupOf[row] as number] as number) += 1;
    }
  }

  result(group: number): Value {
    return this.#counts.reach(group + 1)[group] as number;
  }
}

export class SumAccumulator implements Accumulator {
  readonly #sums = new Totals();

  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void {
    const sums = this.#sums.reach(groups);
    const values = numbersOf(args[0] as Vector, rows);
    const holds = conditionOf(args, 1, rows);
    for (let row = 0; row < rows; row++) {
      if (holds === null || holds[row] !== 0) (sums[groupOf[row] as number] as number) += values[row] as number;
    }
  }

  result(group: number): Value {
    return this.#sums.reach(group + 1)[group] as number;
  }
}

export class AverageAccumulator implements Accumulator {
  readonly #sum = new SumAccumulator();
  readonly #count = new CountAccumulator();

  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void {
    this.#sum.add(rows, groupOf, groups, args);
    this.#count.add(rows, groupOf, groups, args.slice(1));
  }

  result(group: number): Value {
    return (this.#sum.result(group) as number) / (this.#count.result(group) as number);
  }
}

export class DistinctAccumulator implements Accumulator {
  readonly #of: "count" | "sum" | "avg";
  readonly #budget: WorkBudget;
  readonly #seen: Set<Value>[] = [];

  constructor(of: "count" | "sum" | "avg", budget: WorkBudget) {
    this.#of = of;
    this.#budget = budget;
  }

  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void {
    while (this.#seen.length < groups) this.#seen.push(new Set());
    const vector = args[0] as Vector;
    let fresh = 0;
    for (let row = 0; row < rows; row++) {
      const seen = this.#seen[groupOf[row] as number] as Set<Value>;
      const before = seen.size;
      seen.add(keyOf(at(vector, row)));
      fresh += seen.size - before;
    }
    this.#budget.keep(fresh);
  }

  result(group: number): Value {
    const seen = this.#seen[group] ?? new Set();
    if (this.#of === "count") return seen.size;
    let sum = 0;
    for (const value of seen) sum += value as number;
    return this.#of === "sum" ? sum : sum / seen.size;
  }
}

/** Arrays are told apart by what they hold. */
export function keyOf(value: Value): string | number {
  return typeof value === "object" ? JSON.stringify(value) : value;
}

/** One value a group, with whether there is one yet. */
class Held {
  readonly #isNumber: boolean;
  readonly values: Value[] = [];

  constructor(isNumber: boolean) {
    this.#isNumber = isNumber;
  }

  result(group: number): Value {
    return this.values[group] ?? (this.#isNumber ? 0 : "");
  }
}

export class ExtremeAccumulator implements Accumulator {
  readonly #sign: 1 | -1;
  readonly #held: Held;

  constructor(sign: 1 | -1, isNumber: boolean) {
    this.#sign = sign;
    this.#held = new Held(isNumber);
  }

  add(rows: number, groupOf: Uint32Array, _groups: number, args: readonly Vector[]): void {
    const vector = args[0] as Vector;
    const { values } = this.#held;
    for (let row = 0; row < rows; row++) {
      const group = groupOf[row] as number;
      const value = at(vector, row);
      const best = values[group];
      if (best === undefined || isBetter(value, best, this.#sign)) values[group] = value;
    }
  }

  result(group: number): Value {
    return this.#held.result(group);
  }
}

function isBetter(value: Value, best: Value, sign: 1 | -1): boolean {
  if (typeof value === "number" && typeof best === "number") {
    if (Number.isNaN(value)) return false;
    return Number.isNaN(best) || (sign === 1 ? value > best : value < best);
  }
  return compareValues(value, best) * sign > 0;
}

export class ExtremeArgumentAccumulator implements Accumulator {
  readonly #sign: 1 | -1;
  readonly #best: Value[] = [];
  readonly #held: Held;

  constructor(sign: 1 | -1, isNumber: boolean) {
    this.#sign = sign;
    this.#held = new Held(isNumber);
  }

  add(rows: number, groupOf: Uint32Array, _groups: number, args: readonly Vector[]): void {
    const [argument, value] = args as [Vector, Vector];
    for (let row = 0; row < rows; row++) {
      const group = groupOf[row] as number;
      const candidate = at(value, row);
      const best = this.#best[group];
      if (best !== undefined && !isBetter(candidate, best, this.#sign)) continue;
      this.#best[group] = candidate;
      this.#held.values[group] = at(argument, row);
    }
  }

  result(group: number): Value {
    return this.#held.result(group);
  }
}

export class EdgeAccumulator implements Accumulator {
  readonly #which: "first" | "last";
  readonly #held: Held;

  constructor(which: "first" | "last", isNumber: boolean) {
    this.#which = which;
    this.#held = new Held(isNumber);
  }

  add(rows: number, groupOf: Uint32Array, _groups: number, args: readonly Vector[]): void {
    const vector = args[0] as Vector;
    const { values } = this.#held;
    for (let row = 0; row < rows; row++) {
      const group = groupOf[row] as number;
      if (this.#which === "last" || values[group] === undefined) values[group] = at(vector, row);
    }
  }

  result(group: number): Value {
    return this.#held.result(group);
  }
}

/** Keeps values, weights and groups of all rows; groups are put together when the first result is asked for. */
export class QuantileAccumulator implements Accumulator {
  readonly #level: number;
  readonly #isFloat: boolean;
  readonly #budget: WorkBudget;
  #rows = 0;
  #values = new Float64Array(1_024);
  #weights = new Float64Array(1_024);
  #groups = new Uint32Array(1_024);
  #starts: Uint32Array | null = null;

  constructor(level: number, isFloat: boolean, budget: WorkBudget) {
    this.#level = level;
    this.#isFloat = isFloat;
    this.#budget = budget;
  }

  add(rows: number, groupOf: Uint32Array, _groups: number, args: readonly Vector[]): void {
    this.#budget.keep(rows);
    this.#reach(this.#rows + rows);
    const values = numbersOf(args[0] as Vector, rows);
    const weights = numbersOf(args[1] as Vector, rows);
    for (let row = 0; row < rows; row++) {
      const value = values[row] as number;
      if (Number.isNaN(value)) continue;
      this.#values[this.#rows] = value;
      this.#weights[this.#rows] = weights[row] as number;
      this.#groups[this.#rows] = groupOf[row] as number;
      this.#rows += 1;
    }
  }

  #reach(rows: number): void {
    if (rows <= this.#values.length) return;
    const length = Math.max(rows, this.#values.length * 2);
    const grown = <List extends Float64Array | Uint32Array>(list: List, larger: List): List => {
      larger.set(list);
      return larger;
    };
    this.#values = grown(this.#values, new Float64Array(length));
    this.#weights = grown(this.#weights, new Float64Array(length));
    this.#groups = grown(this.#groups, new Uint32Array(length));
  }

  result(group: number): Value {
    const starts = this.#starts ?? this.#sortByGroup();
    const from = starts[group] ?? 0;
    const to = starts[group + 1] ?? from;
    if (from === to) return this.#isFloat ? Number.NaN : 0;
    return quantileOf(this.#values.subarray(from, to), this.#weights.subarray(from, to), this.#level);
  }

  /** Counting sort; afterwards a group's rows stand side by side. */
  #sortByGroup(): Uint32Array {
    let groups = 0;
    for (let row = 0; row < this.#rows; row++) groups = Math.max(groups, (this.#groups[row] as number) + 1);
    const starts = new Uint32Array(groups + 1);
    for (let row = 0; row < this.#rows; row++) (starts[(this.#groups[row] as number) + 1] as number) += 1;
    for (let group = 0; group < groups; group++) (starts[group + 1] as number) += starts[group] as number;
    const next = starts.slice();
    const values = new Float64Array(this.#rows);
    const weights = new Float64Array(this.#rows);
    for (let row = 0; row < this.#rows; row++) {
      const group = this.#groups[row] as number;
      const to = next[group] as number;
      values[to] = this.#values[row] as number;
      weights[to] = this.#weights[row] as number;
      next[group] = to + 1;
    }
    this.#values = values;
    this.#weights = weights;
    this.#starts = starts;
    return starts;
  }
}

export class TopAccumulator implements Accumulator {
  readonly #count: number;
  readonly #budget: WorkBudget;
  readonly #weights: Map<string | number, { value: Value; weight: number }>[] = [];

  constructor(count: number, budget: WorkBudget) {
    this.#count = count;
    this.#budget = budget;
  }

  add(rows: number, groupOf: Uint32Array, groups: number, args: readonly Vector[]): void {
    while (this.#weights.length < groups) this.#weights.push(new Map());
    const vector = args[0] as Vector;
    const given = args[1] === undefined ? null : numbersOf(args[1], rows);
    let fresh = 0;
    for (let row = 0; row < rows; row++) {
      const value = at(vector, row);
      const weight = given === null ? 1 : (given[row] as number);
      const known = this.#weights[groupOf[row] as number] as Map<string | number, { value: Value; weight: number }>;
      const entry = known.get(keyOf(value));
      if (entry === undefined) {
        known.set(keyOf(value), { value, weight });
        fresh += 1;
      } else entry.weight += weight;
    }
    this.#budget.keep(fresh);
  }

  result(group: number): Value {
    return [...(this.#weights[group]?.values() ?? [])]
      .sort((left, right) => right.weight - left.weight)
      .slice(0, this.#count)
      .map(({ value }) => value);
  }
}
