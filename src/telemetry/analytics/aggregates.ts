/** The table of aggregate functions: names, what they take and give. How they are computed stands in accumulators.ts. */
import {
  type Accumulator,
  AverageAccumulator,
  CountAccumulator,
  DistinctAccumulator,
  EdgeAccumulator,
  ExtremeAccumulator,
  ExtremeArgumentAccumulator,
  QuantileAccumulator,
  SumAccumulator,
  TopAccumulator,
} from "./accumulators.ts";
import { TOP_K_MAX } from "./limits.ts";
import { type Place, SqlError } from "./sql-error.ts";
import { FLOAT64, INT64, isNumber, isNumeric, isWhole, type SqlType, typeName, UINT64 } from "./sql-types.ts";
import type { Typed } from "./typed.ts";
import type { WorkBudget } from "./work-budget.ts";

export interface AggregateCall {
  name: string;
  place: Place;
  parameters: readonly Typed[];
  distinct: boolean;
  args: readonly Typed[];
}

export interface BoundAggregate {
  type: SqlType;
  /** What is evaluated for each row. */
  args: readonly Typed[];
  create(budget: WorkBudget): Accumulator;
}

export interface AggregateFunction {
  name: string;
  aliases?: readonly string[];
  usage: string;
  description: string;
  /** Arguments, parameters in the first pair of brackets, and whether DISTINCT may stand before the argument. */
  args: readonly [least: number, most: number];
  parameters: readonly [least: number, most: number];
  distinct?: boolean;
  check(call: AggregateCall): BoundAggregate;
}

const NONE = [0, 0] as const;
const ONE = [1, 1] as const;
const TWO = [2, 2] as const;

export const AGGREGATE_FUNCTIONS: readonly AggregateFunction[] = [
  {
    name: "count",
    usage: "count() or count(DISTINCT x)",
    description: "rows, or different values; weigh by sampling with sum(_sample_interval)",
    args: [0, 1],
    parameters: NONE,
    distinct: true,
    check({ args, distinct, place }) {
      const [arg] = args;
      if (arg === undefined) {
        if (distinct) throw new SqlError(place, "count(DISTINCT x) needs what to count");
        return { type: UINT64, args: [], create: () => new CountAccumulator() };
      }
      // Columns are never NULL: count(x) counts rows.
      if (!distinct) return { type: UINT64, args: [], create: () => new CountAccumulator() };
      return { type: UINT64, args, create: (budget) => new DistinctAccumulator("count", budget) };
    },
  },
  {
    name: "countIf",
    usage: "countIf(condition)",
    description: "rows for which the condition holds",
    args: ONE,
    parameters: NONE,
    check(call) {
      conditionAt(call, 0);
      return { type: UINT64, args: call.args, create: () => new CountAccumulator() };
    },
  },
  summing("sum", "sum([DISTINCT] x)", "the sum", 1),
  summing("sumIf", "sumIf(x, condition)", "the sum over the rows for which the condition holds", 2),
  averaging("avg", "avg([DISTINCT] x)", "the mean", 1),
  averaging("avgIf", "avgIf(x, condition)", "the mean over the rows for which the condition holds", 2),
  extreme("min", "the smallest value", -1),
  extreme("max", "the largest value", 1),
  extremeArgument("argMin", "value of a in the row where v is smallest", -1),
  extremeArgument("argMax", "value of a in the row where v is largest", 1),
  {
    name: "quantileExactWeighted",
    usage: "quantileExactWeighted(q)(x, weight)",
    description: "the value below which the share q of the weight lies; weigh by _sample_interval",
    args: TWO,
    parameters: ONE,
    check: (call) => quantile(call, call.parameters[0], call.args),
  },
  {
    name: "quantileWeighted",
    usage: "quantileWeighted(q, x, weight)",
    description: "another way to write quantileExactWeighted(q)(x, weight)",
    args: [3, 3],
    parameters: NONE,
    check: (call) => quantile(call, call.args[0], call.args.slice(1)),
  },
  edge("first_value", "value of the first row, in the order of writing", "first"),
  edge("last_value", "value of the last row, in the order of writing", "last"),
  top("topK", "topK([n])(x)", "the n most frequent values (10)", ONE),
  top("topKWeighted", "topKWeighted([n])(x, weight)", "the n values of the most weight (10)", TWO),
];

const BY_NAME: ReadonlyMap<string, AggregateFunction> = new Map(
  AGGREGATE_FUNCTIONS.flatMap((each) =>
    [each.name, ...(each.aliases ?? [])].map((name) => [name.toLowerCase(), each] as const),
  ),
);

export function aggregateFunction(name: string): AggregateFunction | null {
  return BY_NAME.get(name.toLowerCase()) ?? null;
}

function argumentAt(call: AggregateCall, index: number): Typed {
  const arg = call.args[index];
  if (arg === undefined) throw new Error(`${call.name} was checked with too few arguments`);
  return arg;
}

function numberAt(call: AggregateCall, index: number): Typed {
  const arg = argumentAt(call, index);
  if (isNumber(arg.type)) return arg;
  throw new SqlError(arg.place, `${call.name} needs a number here, this is ${typeName(arg.type)}`);
}

function conditionAt(call: AggregateCall, index: number): void {
  const arg = argumentAt(call, index);
  if (!isWhole(arg.type)) {
    throw new SqlError(arg.place, `${call.name} needs a condition here, this is ${typeName(arg.type)}`);
  }
}

function weightAt(args: readonly Typed[], name: string): void {
  const weight = args[1];
  if (weight === undefined || isWhole(weight.type)) return;
  throw new SqlError(weight.place, `the weight of ${name} must be a whole number, such as _sample_interval`);
}

function summing(name: string, usage: string, description: string, count: 1 | 2): AggregateFunction {
  return {
    name,
    usage,
    description,
    args: [count, count],
    parameters: NONE,
    distinct: count === 1,
    check(call) {
      const { type } = numberAt(call, 0);
      if (count === 2) conditionAt(call, 1);
      const total = type.kind === "float" ? FLOAT64 : type.kind === "int" ? INT64 : UINT64;
      return {
        type: total,
        args: call.args,
        create: (budget) => (call.distinct ? new DistinctAccumulator("sum", budget) : new SumAccumulator()),
      };
    },
  };
}

function averaging(name: string, usage: string, description: string, count: 1 | 2): AggregateFunction {
  return {
    name,
    usage,
    description,
    args: [count, count],
    parameters: NONE,
    distinct: count === 1,
    check(call) {
      numberAt(call, 0);
      if (count === 2) conditionAt(call, 1);
      return {
        type: FLOAT64,
        args: call.args,
        create: (budget) => (call.distinct ? new DistinctAccumulator("avg", budget) : new AverageAccumulator()),
      };
    },
  };
}

function extreme(name: string, description: string, sign: 1 | -1): AggregateFunction {
  return {
    name,
    usage: `${name}(x)`,
    description,
    args: ONE,
    parameters: NONE,
    check(call) {
      const { type } = argumentAt(call, 0);
      return { type, args: call.args, create: () => new ExtremeAccumulator(sign, isNumeric(type)) };
    },
  };
}

function extremeArgument(name: string, description: string, sign: 1 | -1): AggregateFunction {
  return {
    name,
    usage: `${name}(a, v)`,
    description,
    args: TWO,
    parameters: NONE,
    check(call) {
      const { type } = argumentAt(call, 0);
      return {
        type,
        args: call.args,
        create: () => new ExtremeArgumentAccumulator(sign, isNumeric(type)),
      };
    },
  };
}

function quantile(call: AggregateCall, level: Typed | undefined, args: readonly Typed[]): BoundAggregate {
  if (level === undefined || level.node !== "constant" || !isNumber(level.type)) {
    throw new SqlError(level?.place ?? call.place, "the level of a quantile is a number written out, such as 0.95");
  }
  const share = level.value as number;
  if (!(share >= 0 && share <= 1)) throw new SqlError(level.place, "the level of a quantile lies between 0 and 1");
  const [arg] = args;
  if (arg === undefined || !isNumeric(arg.type) || arg.type.kind === "interval") {
    throw new SqlError(arg?.place ?? call.place, `${call.name} needs a number or a moment here`);
  }
  weightAt(args, call.name);
  const isFloat = arg.type.kind === "float";
  return { type: arg.type, args, create: (budget) => new QuantileAccumulator(share, isFloat, budget) };
}

function edge(name: string, description: string, which: "first" | "last"): AggregateFunction {
  return {
    name,
    usage: `${name}(x)`,
    description,
    args: ONE,
    parameters: NONE,
    check(call) {
      const { type } = argumentAt(call, 0);
      return { type, args: call.args, create: () => new EdgeAccumulator(which, isNumeric(type)) };
    },
  };
}

function top(name: string, usage: string, description: string, args: typeof ONE | typeof TWO): AggregateFunction {
  return {
    name,
    usage,
    description,
    args,
    parameters: [0, 1],
    check(call) {
      const { type } = argumentAt(call, 0);
      const [parameter] = call.parameters;
      const isNumberOut = parameter === undefined || (parameter.node === "constant" && isWhole(parameter.type));
      const count = parameter?.node === "constant" ? (parameter.value as number) : 10;
      if (!isNumberOut || count < 1 || count > TOP_K_MAX) {
        throw new SqlError(parameter?.place ?? call.place, `n of ${name} is a whole number from 1 to ${TOP_K_MAX}`);
      }
      weightAt(call.args, call.name);
      return {
        type: { kind: "array", of: type },
        args: call.args,
        create: (budget) => new TopAccumulator(count, budget),
      };
    },
  };
}
