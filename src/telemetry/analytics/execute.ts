/** Carries out a plan block by block: nothing but groups, kept values and the answer's rows is held in memory. */
import type { Accumulator } from "./accumulators.ts";
import type { DatasetName } from "./columns.ts";
import { evaluate, rowsWhere } from "./evaluate.ts";
import { Groups, vectorOf } from "./group.ts";
import { RESULT_ROWS_MAX } from "./limits.ts";
import { compareOrdered } from "./order.ts";
import type { SelectPlan } from "./plan.ts";
import { SqlError, START } from "./sql-error.ts";
import type { Value } from "./sql-types.ts";
import { ALWAYS, narrowed, passedThrough, type TimeBounds } from "./time-bounds.ts";
import type { Column, Typed } from "./typed.ts";
import { at, type Block, blockOf, selectRows, type Vector } from "./vector.ts";
import type { WorkBudget } from "./work-budget.ts";

/** Where points come from: columns of each block stand in the order of `columnsOf`. */
export interface PointSource {
  scan(dataset: DatasetName, bounds: TimeBounds): Iterable<Block>;
}

export interface QueryResult {
  columns: readonly Column[];
  rows: number;
  values: readonly Vector[];
}

/** Rows that are put in order at once before the least of them are let go. */
const ORDER_SLACK = 4_096;

/** With a LIMIT up to this, rows are put into their places one by one; beyond it all of them are sorted. */
const INSERTED_ROWS_MAX = 1_000;

export function executeSelect(plan: SelectPlan, source: PointSource, budget: WorkBudget): QueryResult {
  const collected = new Rows(plan.outputs);
  for (const block of blocksOf(plan, source, budget, ALWAYS, null)) {
    collected.add(block);
    if (collected.rows > RESULT_ROWS_MAX) {
      throw new SqlError(START, `the answer has more than ${RESULT_ROWS_MAX} rows: add LIMIT, or GROUP BY`);
    }
  }
  return { columns: plan.outputs, rows: collected.rows, values: collected.vectors() };
}

/** `bounds` are those of the source's column `timeIndex`, when somebody above set them. */
function* blocksOf(
  plan: SelectPlan,
  source: PointSource,
  budget: WorkBudget,
  above: TimeBounds,
  timeOutput: number | null,
): Generator<Block> {
  const rows = filtered(plan, source, budget, above, timeOutput);
  if (plan.isGrouped) {
    const groups = grouped(plan, rows, budget);
    const kept = plan.having === null ? null : rowsWhere(plan.having, groups, budget);
    yield* ordered(plan, [kept === null ? groups : selectRows(groups, kept)], budget);
  } else yield* ordered(plan, rows, budget);
}

function* filtered(
  plan: SelectPlan,
  source: PointSource,
  budget: WorkBudget,
  above: TimeBounds,
  timeOutput: number | null,
): Generator<Block> {
  for (const block of input(plan, source, budget, above, timeOutput)) {
    budget.checkTime();
    budget.spend(block.rows);
    const kept = plan.where === null ? null : rowsWhere(plan.where, block, budget);
    if (kept === null) yield block;
    else if (kept.length > 0) yield selectRows(block, kept);
  }
}

function input(
  plan: SelectPlan,
  source: PointSource,
  budget: WorkBudget,
  above: TimeBounds,
  timeOutput: number | null,
): Iterable<Block> {
  const timeColumn = timeOutput === null ? null : passedThrough(plan, timeOutput);
  switch (plan.source.kind) {
    case "none":
      return [blockOf(1, [])];
    case "dataset": {
      const own = plan.input.findIndex(({ name }) => name === "timestamp");
      const bounds = timeColumn === own ? above : ALWAYS;
      return source.scan(plan.source.dataset, narrowed(bounds, plan.where, own));
    }
    case "select": {
      const inner = plan.source.select;
      const index = timeColumn ?? plan.input.findIndex(({ name }) => name === "timestamp");
      const bounds = narrowed(timeColumn === index ? above : ALWAYS, plan.where, index);
      return blocksOf(inner, source, budget, bounds, index === -1 ? null : index);
    }
  }
}

function grouped(plan: SelectPlan, blocks: Iterable<Block>, budget: WorkBudget): Block {
  const groups = new Groups(plan.keys.map((key) => key.type));
  const accumulators = plan.aggregates.map((aggregate) => aggregate.create(budget));
  for (const block of blocks) {
    const { rows } = block;
    const cache = new Map<string, Vector>();
    const vectorFor = (typed: Typed): Vector => {
      let vector = cache.get(typed.key);
      if (vector === undefined) {
        vector = evaluate(typed, block, budget);
        cache.set(typed.key, vector);
      }
      return vector;
    };
    const groupOf = groups.ofRows(plan.keys.map(vectorFor), rows);
    for (const [index, accumulator] of accumulators.entries()) {
      budget.spend(rows);
      const args = plan.aggregates[index]?.args.map(vectorFor) ?? [];
      accumulator.add(rows, groupOf, groups.count, args);
    }
  }
  const { count } = groups;
  const results = accumulators.map((accumulator, index) => {
    const type = plan.aggregates[index]?.type;
    if (type === undefined) throw new Error("each accumulator has its aggregate");
    return vectorOf(resultsOf(accumulator, count), type);
  });
  return blockOf(count, [...groups.columns(), ...results]);
}

function resultsOf(accumulator: Accumulator, groups: number): Value[] {
  const results = new Array<Value>(groups);
  for (let group = 0; group < groups; group++) results[group] = accumulator.result(group);
  return results;
}

/** Puts out the columns of the result, in order and cut. */
function* ordered(plan: SelectPlan, blocks: Iterable<Block>, budget: WorkBudget): Generator<Block> {
  const { limit, offset, outputs } = plan;
  const end = limit === null ? Number.POSITIVE_INFINITY : offset + limit;
  if (plan.orderBy.length === 0) {
    let seen = 0;
    for (const block of blocks) {
      if (seen >= end) return;
      const from = Math.max(0, offset - seen);
      const to = Math.min(block.rows, end - seen);
      seen += block.rows;
      if (from >= to) continue;
      const cut = from === 0 && to === block.rows ? block : selectRows(block, range(from, to));
      yield blockOf(
        cut.rows,
        outputs.map(({ value }) => evaluate(value, cut, budget)),
      );
    }
    return;
  }
  const keys: Column[] = plan.orderBy.map(({ value }) => ({ name: "", type: value.type }));
  let rows = new Rows([...outputs, ...keys]);
  const least = (kept: Rows, from: number, to: number) => {
    const vectors = kept.vectors();
    const order = firstRows(plan, vectors.slice(outputs.length), kept.rows, to);
    const block = blockOf(kept.rows, vectors);
    return { block, selection: order.slice(from) };
  };
  for (const block of blocks) {
    const values = [...outputs, ...plan.orderBy].map(({ value }) => evaluate(value, block, budget));
    budget.keep(block.rows);
    rows.add(blockOf(block.rows, values));
    if (rows.rows > 2 * end + ORDER_SLACK) {
      const { block: all, selection } = least(rows, 0, end);
      rows = new Rows([...outputs, ...keys]);
      rows.add(selectRows(all, selection));
    }
  }
  const { block, selection } = least(rows, offset, end);
  const cut = selectRows(block, selection);
  yield blockOf(
    cut.rows,
    outputs.map((_, index) => cut.column(index)),
  );
}

function range(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, index) => from + index);
}

/** The first `end` rows in the order of the query. */
function firstRows(plan: SelectPlan, keys: readonly Vector[], rows: number, end: number): Uint32Array {
  const compare = (left: number, right: number): number => {
    for (const [index, key] of keys.entries()) {
      const compared = compareOrdered(at(key, left), at(key, right), plan.orderBy[index]?.descending ?? false);
      if (compared !== 0) return compared;
    }
    // Rows that are alike stay as they came.
    return left - right;
  };
  if (end > INSERTED_ROWS_MAX || end >= rows) return range(0, rows).sort(compare).slice(0, Math.min(end, rows));
  const kept: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (kept.length === end && (end === 0 || compare(row, kept[end - 1] as number) > 0)) continue;
    let low = 0;
    for (let high = kept.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (compare(row, kept[middle] as number) < 0) high = middle;
      else low = middle + 1;
    }
    kept.splice(low, 0, row);
    if (kept.length > end) kept.pop();
  }
  return Uint32Array.from(kept);
}

/** Rows of many blocks, put together column by column. */
class Rows {
  rows = 0;
  readonly #columns: readonly Column[];
  readonly #blocks: Block[] = [];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  add(block: Block): void {
    if (block.rows === 0) return;
    this.#blocks.push(block);
    this.rows += block.rows;
  }

  vectors(): Vector[] {
    const [only] = this.#blocks;
    if (only !== undefined && this.#blocks.length === 1) return this.#columns.map((_, index) => only.column(index));
    return this.#columns.map(({ type }, index) => {
      const values = this.#blocks.flatMap((block) => {
        const vector = block.column(index);
        return Array.from({ length: block.rows }, (_, row) => at(vector, row));
      });
      return vectorOf(values, type);
    });
  }
}
