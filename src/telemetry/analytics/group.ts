/** Finds the group of each row by its keys, and keeps what the groups' keys are. */
import { keyOf } from "./accumulators.ts";
import { GROUPS_MAX } from "./limits.ts";
import { PairNumbers } from "./pair-numbers.ts";
import { SqlError, START } from "./sql-error.ts";
import { isNumeric, type SqlType, type Value } from "./sql-types.ts";
import { at, type Vector } from "./vector.ts";

/** Numbers values in the order they are met. */
class Numbering {
  readonly values: Value[] = [];
  readonly #numbers = new Map<string | number, number>();

  of(value: Value): number {
    const key = typeof value === "object" ? keyOf(value) : value;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.values.length;
      checkGroups(number);
      this.#numbers.set(key, number);
      this.values.push(value);
    }
    return number;
  }

  ofRows(vector: Vector, rows: number): Uint32Array {
    const numbers = new Uint32Array(rows);
    if (vector.form === "constant") return numbers.fill(this.of(vector.value));
    if (vector.form === "dictionary") {
      const known = new Int32Array(vector.entries.length).fill(-1);
      for (let row = 0; row < rows; row++) {
        const code = vector.codes[row] as number;
        if (known[code] === -1) known[code] = this.of(vector.entries[code] as Value);
        numbers[row] = known[code] as number;
      }
      return numbers;
    }
    let last: Value | undefined;
    let lastNumber = 0;
    for (let row = 0; row < rows; row++) {
      const value = at(vector, row);
      if (value !== last) {
        lastNumber = this.of(value);
        last = value;
      }
      numbers[row] = lastNumber;
    }
    return numbers;
  }
}

function checkGroups(count: number): void {
  if (count < GROUPS_MAX) return;
  throw new SqlError(START, `GROUP BY makes more than ${GROUPS_MAX} groups: group by something coarser`);
}

export class Groups {
  readonly #types: readonly SqlType[];
  readonly #keys: readonly Numbering[];
  /** For each key but the first: pairs of the group so far and the key's value. */
  readonly #pairs: readonly PairNumbers[];

  constructor(types: readonly SqlType[]) {
    this.#types = types;
    this.#keys = types.map(() => new Numbering());
    this.#pairs = types.slice(1).map(() => new PairNumbers());
  }

  /** Without keys there is one group, even of no rows. */
  get count(): number {
    return this.#pairs.at(-1)?.size ?? this.#keys[0]?.values.length ?? 1;
  }

  ofRows(keys: readonly Vector[], rows: number): Uint32Array {
    const [first, ...others] = keys;
    if (first === undefined) return new Uint32Array(rows);
    const groups = this.#keys[0]?.ofRows(first, rows) ?? new Uint32Array(rows);
    for (const [index, key] of others.entries()) {
      const numbers = this.#keys[index + 1]?.ofRows(key, rows) ?? new Uint32Array(rows);
      const pairs = this.#pairs[index] as PairNumbers;
      for (let row = 0; row < rows; row++) groups[row] = pairs.of(groups[row] as number, numbers[row] as number);
      checkGroups(pairs.size - 1);
    }
    return groups;
  }

  /** The keys of all groups, a column each. */
  columns(): Vector[] {
    const { count } = this;
    const columns = this.#keys.map(() => new Array<Value>(count));
    for (let group = 0; group < count; group++) {
      let rest = group;
      for (let key = this.#keys.length - 1; key > 0; key--) {
        const [left, right] = this.#pairs[key - 1]?.pair(rest) ?? [0, 0];
        (columns[key] as Value[])[group] = this.#keys[key]?.values[right] as Value;
        rest = left;
      }
      if (columns[0] !== undefined) columns[0][group] = this.#keys[0]?.values[rest] as Value;
    }
    return columns.map((values, key) => vectorOf(values, this.#types[key] as SqlType));
  }
}

export function vectorOf(values: readonly Value[], type: SqlType): Vector {
  if (isNumeric(type)) return { form: "numbers", values: Float64Array.from(values as readonly number[]) };
  return { form: "values", values };
}
