/**
 * Random CEL expressions, each with its model. Their types fit, so that most have a value; some read a field or an
 * index that is not there, overflow or divide by zero.
 */
import fc from "fast-check";
import type { Json, JsonObject } from "#kernel/json.ts";
import { doubleLiteral, textLiteral } from "./cel-literals.ts";
import {
  arithmetic,
  asNumber,
  COMPARISONS,
  compared,
  decided,
  elementAt,
  every,
  failed,
  int,
  isEqual,
  isLess,
  missing,
  type Numeric,
  Uint,
  type Value,
} from "./cel-model.ts";

export interface Environment {
  output: JsonObject;
  iteration: number;
  index: number;
}

type Locals = ReadonlyMap<string, Value>;

export interface Modelled<Result extends Value = Value> {
  /** `INPUT` stands where the input is named. */
  source: string;
  run(environment: Environment, locals: Locals): Result;
}

/** What `source` has in the place of `output` or `$`. */
export const INPUT = "⟦input⟧";

/** Documents that the expressions are made for. */
export const environment: fc.Arbitrary<Environment> = fc.record({
  output: fc.record({
    a: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    b: fc.integer({ min: -20, max: 20 }),
    f: fc.boolean(),
    s: fc.string({ unit: "binary", maxLength: 5 }),
    t: fc.constantFrom("", "a", "ab", "$.a", "output"),
    l: fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 4 }),
    o: fc.record({ x: fc.integer({ min: -5, max: 5 }) }),
    n: fc.constant(null),
  }),
  iteration: fc.nat({ max: 4 }),
  index: fc.nat({ max: 4 }),
});

const field = (path: readonly string[]) => ({
  source: `${INPUT}.${path.join(".")}`,
  run: ({ output }: Environment) =>
    path.reduce<Json>((value, name) => {
      const holds = typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
      return holds ? (value[name] ?? null) : missing();
    }, output),
});

const literal = <Result extends Value>(source: string, value: Result): Modelled<Result> => ({
  source,
  run: () => value,
});

const numericField = fc.constantFrom(
  ...[["a"], ["b"], ["o", "x"], ["absent"], ["o", "absent", "x"], ["n", "x"]].map(field),
) as fc.Arbitrary<Modelled<Numeric>>;

const count = (name: "iteration" | "index"): Modelled<Numeric> => ({
  source: name,
  run: (environment) => BigInt(environment[name]),
});

const number: fc.Arbitrary<Modelled<Numeric>> = fc.oneof(
  { weight: 3, arbitrary: numericField },
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => literal<Numeric>(doubleLiteral(value), value)),
  fc.integer({ min: -4, max: 9 }).map((value) => literal<Numeric>(doubleLiteral(value), value)),
  fc.bigInt({ min: 0n, max: 9n }).map((value) => literal<Numeric>(String(value), value)),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map((value) => literal<Numeric>(String(value), value)),
  fc.bigInt({ min: 0n, max: 5n }).map((value) => literal<Numeric>(`${value}u`, new Uint(value))),
  fc.constantFrom(count("iteration"), count("index")),
);

const word = fc.oneof(
  fc.constantFrom("", "a", "b", "ab", "$.a", "$", "output", "it's", "\\", "// no comment", '"', "😀", "line\nbreak"),
  fc.string({ unit: "binary", maxLength: 3 }),
);

const string: fc.Arbitrary<Modelled<string>> = fc.oneof(
  fc.constantFrom(field(["s"]), field(["t"])) as fc.Arbitrary<Modelled<string>>,
  word.map((value) => literal(textLiteral(value), value)),
);

type Some<Result extends Value> = fc.Arbitrary<Modelled<Result>>;

const made = new Map<string, unknown>();

/** Each kind is made once for a depth: they refer to one another so much that making them anew would never end. */
function once<Made>(key: string, make: () => Made): Made {
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as Made;
}

/** An expression that needs the values of all its parts, from left to right; `_` in the pattern stands for each. */
function strict<Parts extends Value[], Result extends Value>(
  pattern: string,
  parts: { [Index in keyof Parts]: Modelled<Parts[Index]> },
  evaluate: (...values: Parts) => Result,
): Modelled<Result> {
  let at = 0;
  return {
    source: pattern.replaceAll("_", () => parts[at++]?.source ?? ""),
    run: (environment, locals) => evaluate(...(parts.map((part) => part.run(environment, locals)) as Parts)),
  };
}

function chosen<Result extends Value>(condition: Some<boolean>, values: Some<Result>): Some<Result> {
  return fc.tuple(condition, values, values).map(([held, yes, no]) => ({
    source: `(${held.source} ? ${yes.source} : ${no.source})`,
    run: (environment, locals) => (held.run(environment, locals) ? yes : no).run(environment, locals),
  }));
}

/**
 * Numbers. `loops` is how many comprehensions may still nest, `local` the name of an element of the innermost one.
 */
export function numbers(depth: number, loops: number, local?: string): Some<Numeric> {
  return once(`numbers ${depth} ${loops} ${local}`, () => {
    const element: Modelled<Numeric> = {
      source: local ?? "",
      run: (_, locals) => locals.get(local ?? "") as Numeric,
    };
    const leaf = local === undefined ? number : fc.oneof(fc.constant(element), number);
    if (depth === 0) return leaf;
    const inner = numbers(depth - 1, loops, local);
    const list = lists(depth - 1, loops, local);
    const operators = fc.constantFrom("+", "-", "*", "/", "%");
    const sum: Some<Numeric> = fc
      .tuple(inner, operators, inner)
      .map(([left, operator, right]) =>
        strict(`(_ ${operator} _)`, [left, right], (a, b) => arithmetic(operator, a, b)),
      );
    const options: Some<Numeric>[] = [
      leaf,
      sum,
      sum,
      inner.map(negated),
      chosen(booleans(depth - 1, loops, local), inner),
      inner.map((value) => strict("double(_)", [value], asNumber)),
      list.map((value) => strict("_.size()", [value], (of) => BigInt(of.length))),
      strings(depth - 1, loops, local).map((value) => strict("size(_)", [value], (of) => BigInt([...of].length))),
      fc.tuple(list, inner).map(([of, at]) => strict("_[_]", [of, at], elementAt)),
    ];
    return fc.oneof(...options);
  });
}

function negated(value: Modelled<Numeric>): Modelled<Numeric> {
  // The parser takes two negations for none.
  if (value.source.startsWith("-")) return value;
  return strict("-(_)", [value], (of) => {
    if (of instanceof Uint) return failed();
    return typeof of === "bigint" ? int(-of) : -of;
  });
}

export function strings(depth: number, loops: number, local?: string): Some<string> {
  return once(`strings ${depth} ${loops} ${local}`, () => {
    if (depth === 0) return string;
    const inner = strings(depth - 1, loops, local);
    return fc.oneof(
      string,
      fc.tuple(inner, inner).map((parts) => strict("(_ + _)", parts, (a, b) => a + b)),
      chosen(booleans(depth - 1, loops, local), inner),
    );
  });
}

const plainBoolean: Some<boolean> = fc.oneof(
  fc.constantFrom(literal("true", true), literal("false", false), field(["f"]) as Modelled<boolean>),
  fc.constantFrom("a", "n", "absent", "o.x", "o.absent", "l").map(
    (path): Modelled<boolean> => ({
      source: `has(${INPUT}.${path})`,
      run({ output }) {
        const [name = "", inner] = path.split(".");
        return inner === undefined ? output[name] !== undefined : Object.hasOwn(output[name] as JsonObject, inner);
      },
    }),
  ),
);

/** What CEL calls them, and what JavaScript does. */
const SEARCHES = [
  ["contains", "includes"],
  ["startsWith", "startsWith"],
  ["endsWith", "endsWith"],
] as const;

export function booleans(depth: number, loops: number, local?: string): Some<boolean> {
  return once(`booleans ${depth} ${loops} ${local}`, () => {
    if (depth === 0) return plainBoolean;
    const inner = booleans(depth - 1, loops, local);
    const numeric = numbers(depth - 1, loops, local);
    const textual = strings(depth - 1, loops, local);
    const list = lists(depth - 1, loops, local);
    const comparison = fc.constantFrom(...COMPARISONS);
    const options: Some<boolean>[] = [
      plainBoolean,
      inner.map((value) => strict("!(_)", [value], (of) => !of)),
      fc.tuple(inner, fc.constantFrom("&&", "||"), inner).map(([left, operator, right]) => ({
        source: `(${left.source} ${operator} ${right.source})`,
        run: (environment, locals) =>
          decided(
            operator === "||",
            [left, right].map((side) => () => side.run(environment, locals)),
          ),
      })),
      fc
        .tuple(numeric, comparison, numeric)
        .map(([left, operator, right]) =>
          strict(`(_ ${operator} _)`, [left, right], (a, b) => compared(operator, a, b, isLess)),
        ),
      fc
        .tuple(textual, comparison, textual)
        .map(([left, operator, right]) =>
          strict(`(_ ${operator} _)`, [left, right], (a, b) => compared(operator, a, b, (c, d) => c < d)),
        ),
      fc
        .tuple(textual, fc.constantFrom(...SEARCHES), textual)
        .map(([of, [name, method], part]) =>
          strict(`(_).${name}(_)`, [of, part], (whole, piece) => whole[method](piece)),
        ),
      fc.tuple(numeric, list).map((parts) => strict("(_ in _)", parts, (a, b) => b.some((each) => isEqual(each, a)))),
      fc.tuple(list, list).map((parts) => strict("(_ == _)", parts, isEqual)),
      chosen(inner, inner),
    ];
    if (loops > 0) options.push(quantified(depth, loops, local), quantified(depth, loops, local));
    return fc.oneof(...options);
  });
}

/** A comprehension: its list, and what its body gives for each element. */
function comprehension<Result extends Value, Made extends Value>(
  macro: string,
  list: Modelled<Numeric[]>,
  name: string,
  body: Modelled<Result>,
  evaluate: (elements: Numeric[], sides: (() => Result)[]) => Made,
): Modelled<Made> {
  return {
    source: `${list.source}.${macro}(${name}, ${body.source})`,
    run(environment, locals) {
      const elements = list.run(environment, locals);
      const inside = (element: Numeric) => new Map([...locals, [name, element]]);
      return evaluate(
        elements,
        elements.map((element) => () => body.run(environment, inside(element))),
      );
    },
  };
}

function quantified(depth: number, loops: number, local?: string): Some<boolean> {
  const name = `x${loops}`;
  const macros = fc.constantFrom("all", "exists", "exists_one");
  return fc
    .tuple(lists(depth - 1, loops - 1, local), macros, booleans(depth - 1, loops - 1, name))
    .map(([list, macro, body]) =>
      comprehension(macro, list, name, body, (_, sides) =>
        macro === "exists_one" ? every(sides).filter((held) => held).length === 1 : decided(macro === "exists", sides),
      ),
    );
}

/** Lists of numbers. */
export function lists(depth: number, loops: number, local?: string): Some<Numeric[]> {
  return once(`lists ${depth} ${loops} ${local}`, () => {
    const leaf = fc.constant(field(["l"]) as Modelled<Numeric[]>);
    if (depth === 0) return leaf;
    const inner = lists(depth - 1, loops, local);
    const options: Some<Numeric[]>[] = [
      leaf,
      fc
        .array(numbers(depth - 1, loops, local), { maxLength: 3 })
        .map((elements) => strict(`[${elements.map(() => "_").join(", ")}]`, elements, (...values) => values)),
      fc.tuple(inner, inner).map((parts) => strict("(_ + _)", parts, (a, b) => [...a, ...b])),
    ];
    if (loops > 0) {
      const name = `x${loops}`;
      const list = lists(depth - 1, loops - 1, local);
      options.push(
        fc
          .tuple(list, numbers(depth - 1, loops - 1, name))
          .map(([of, body]) => comprehension("map", of, name, body, (_, sides) => sides.map((side) => side()))),
        fc.tuple(list, booleans(depth - 1, loops - 1, name)).map(([of, body]) =>
          comprehension("filter", of, name, body, (elements, sides) => {
            const held = every(sides);
            return elements.filter((_, at) => held[at]);
          }),
        ),
      );
    }
    return fc.oneof(...options);
  });
}

/** Any of them, small ones as often as those of three levels. */
export function expressions(): fc.Arbitrary<Modelled> {
  const all = [1, 2, 3].flatMap((depth): fc.Arbitrary<Modelled>[] => [
    numbers(depth, 2),
    booleans(depth, 2),
    strings(depth, 2),
    lists(depth, 2),
  ]);
  return fc.oneof(...all, numbers(1, 0), numbers(2, 0));
}
