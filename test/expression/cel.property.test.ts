/** CEL whatever the expression and the documents: against a model, within its bounds, and never by a throw. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CEL_VARIABLES, type CelVariables, compileCel } from "#expression/cel.ts";
import { EVALUATION_WORK_MAX, EXPRESSION_MESSAGE_MAX } from "#expression/limits.ts";
import { workSpent } from "#expression/work.ts";
import { NODE_ERROR_CODES } from "#kernel/errors.ts";
import { isJsonObject, type JsonObject, jsonProblem } from "#kernel/json.ts";
import { anyName, frozen, INHERITED_NAMES, json, normalForm } from "../support/arbitrary-json.ts";
import { holds } from "../support/property.ts";
import { booleans, environment, expressions, INPUT, type Modelled } from "./cel-expressions.ts";
import { textLiteral } from "./cel-literals.ts";
import { expected } from "./cel-model.ts";
import { cel, errorOf, outcomeOf } from "./evaluate.ts";

const named = ({ source }: Modelled, input: string) => source.replaceAll(INPUT, input);

describe("cel: against a model", () => {
  test("gives what the model gives, whether the input is called output or $", () => {
    holds(
      fc.property(expressions(), environment, fc.constantFrom("output", "$"), (expression, values, input) => {
        const source = named(expression, input);
        // An expression may grow beyond the bounds; those have tests of their own.
        fc.pre(compileCel(source).ok);
        expect(outcomeOf(source, { ...values })).toEqual(expected(() => expression.run(values, new Map())));
      }),
      800,
    );
  });

  test("doubles are calculated and compared as JavaScript does it", () => {
    const operators: Record<string, (left: number, right: number) => number | boolean> = {
      "+": (left, right) => left + right,
      "-": (left, right) => left - right,
      "*": (left, right) => left * right,
      "/": (left, right) => left / right,
      "<": (left, right) => left < right,
      "<=": (left, right) => left <= right,
      ">": (left, right) => left > right,
      ">=": (left, right) => left >= right,
      "==": (left, right) => left === right,
      "!=": (left, right) => left !== right,
    };
    const double = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, 2 ** 53));
    holds(
      fc.property(double, double, fc.constantFrom(...Object.keys(operators)), (left, right, operator) => {
        const value = operators[operator]?.(left, right);
        const answer =
          typeof value === "number" && !Number.isFinite(value)
            ? { error: "number_range" }
            : { value: typeof value === "number" ? value + 0 : value };
        expect(outcomeOf(`output ${operator} item`, { output: left, item: right })).toEqual(answer);
      }),
      500,
    );
  });

  test("an int or a uint beside a double is that double, on either side", () => {
    const count = fc.oneof(fc.nat({ max: 9 }), fc.maxSafeInteger().map(Math.abs));
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    holds(
      fc.property(
        count,
        double,
        fc.constantFrom(..."+-*/<>"),
        fc.constantFrom("", "u"),
        (whole, value, operator, unit) => {
          const variables = { output: whole, item: value };
          const written = `${whole}${unit}`;
          expect(outcomeOf(`${written} ${operator} item`, variables)).toEqual(
            outcomeOf(`output ${operator} item`, variables),
          );
          expect(outcomeOf(`item ${operator} ${written}`, variables)).toEqual(
            outcomeOf(`item ${operator} output`, variables),
          );
        },
      ),
      500,
    );
  });
});

describe("cel: conditions that read a missing field", () => {
  const missing = fc.constantFrom(
    "output.absent",
    "output.o.absent.deeper",
    "output.l[9]",
    "output['absent']",
    "nodes.later.x",
    "output.s.x",
  );
  const around = fc.constantFrom(
    (part: string) => `${part} == 1.0`,
    (part: string) => `1.0 < ${part}`,
    (part: string) => `!(${part} == true)`,
    (part: string) => `${part}.startsWith('a')`,
    (part: string) => `${part} in [1]`,
    (part: string) => `size(${part}) > 0`,
    (part: string) => `[${part}].exists(x, x == 1.0)`,
    (part: string) => `output.l.all(x, x == ${part})`,
    (part: string) => `(${part} ? true : false)`,
    (part: string) => `(${part} + 1.0) * 2.0 > 1.0`,
  );

  test("are missing, whatever is made of the field", () => {
    holds(
      fc.property(missing, around, environment, (part, wrap, values) => {
        const variables = { ...values, output: { ...values.output, l: [1, 2] }, nodes: { later: null } };
        expect(outcomeOf(wrap(part), variables)).toEqual({ error: "missing" });
        expect(outcomeOf(`${wrap(part)} || true`, variables)).toEqual({ value: true });
        expect(outcomeOf(`false && ${wrap(part)}`, variables)).toEqual({ value: false });
        expect(outcomeOf(`${wrap(part)} || false`, variables)).toEqual({ error: "missing" });
        expect(outcomeOf(`true && ${wrap(part)}`, variables)).toEqual({ error: "missing" });
      }),
      300,
    );
  });
});

describe("cel: what it reads", () => {
  const id = fc.constantFrom("a", "b", "odd id", "__proto__", "constructor", "toString");
  const reading = fc.oneof(
    fc.constantFrom("a", "b").map((node) => ({ source: `nodes.${node}.x`, nodes: [node], variables: ["nodes"] })),
    id.map((node) => ({ source: `ctx[${textLiteral(node)}].x`, nodes: [node], variables: ["nodes"] })),
    id.map((node) => ({ source: `${textLiteral(node)} in nodes`, nodes: [node], variables: ["nodes"] })),
    fc.constantFrom("a", "b").map((node) => ({ source: `has(ctx.${node})`, nodes: [node], variables: ["nodes"] })),
    fc
      .constantFrom("output", "inputs", "run", "item")
      .map((name) => ({ source: `${name}.x`, nodes: [], variables: [name] })),
    fc.constantFrom("iteration", "index").map((name) => ({ source: `${name} + 1`, nodes: [], variables: [name] })),
    fc.constantFrom(
      { source: "$.x", nodes: [], variables: ["output"] },
      { source: "[1].map(nodes, nodes)", nodes: [], variables: [] },
    ),
  );

  test("the variables and nodes that it lists are those that it reads", () => {
    holds(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 5 }), (readings) => {
        const source = `[${readings.map((each) => each.source).join(", ")}]`;
        const compiled = compileCel(source);
        if (!compiled.ok) throw new Error(compiled.error);
        const { references } = compiled.value;
        const read = new Set<string>();
        const nodes = Object.fromEntries(
          ["a", "b", "odd id", "__proto__", "constructor", "toString"].map((node) => [node, { x: 1 }]),
        );
        const nodesRead = new Set<string>();
        const watched = new Proxy(nodes, {
          getOwnPropertyDescriptor(target, key) {
            nodesRead.add(String(key));
            return Reflect.getOwnPropertyDescriptor(target, key);
          },
        });
        const variables = Object.defineProperties(
          {},
          Object.fromEntries(
            CEL_VARIABLES.map((name) => {
              const value = {
                output: { x: 1 },
                inputs: { x: 1 },
                run: { x: 1 },
                item: { x: 1 },
                nodes: watched,
                ctx: watched,
                iteration: 1,
                index: 1,
              }[name];
              const get = () => {
                read.add(name);
                return value;
              };
              return [name, { get }];
            }),
          ),
        );
        expect(compiled.value.evaluate(variables).ok).toBe(true);
        expect(read).toEqual(new Set(readings.flatMap((each) => each.variables)));
        expect(references.variables).toEqual(read);
        expect(nodesRead).toEqual(new Set(readings.flatMap((each) => each.nodes)));
        expect(references.nodes).toEqual([...nodesRead].sort());
        expect(references.dynamicNodes).toBe(false);
      }),
      400,
    );
  });

  test("work that grows with the documents is charged", () => {
    const large = environment.chain((values) =>
      fc
        .array(fc.integer({ min: -3, max: 3 }), { minLength: 50, maxLength: 120 })
        .map((l) => ({ ...values, output: { ...values.output, l } })),
    );
    holds(
      fc.property(booleans(3, 2), large, (expression, values) => {
        const compiled = compileCel(named(expression, "output"));
        fc.pre(compiled.ok);
        if (!compiled.ok) return;
        let reads = 0;
        const l = new Proxy(values.output.l, {
          get(target, key, receiver) {
            if (typeof key === "string" && key !== "length") reads += 1;
            return Reflect.get(target, key, receiver);
          },
        });
        const before = workSpent();
        compiled.value.evaluate({ ...values, output: { ...values.output, l } });
        expect(reads).toBeLessThanOrEqual(2 * (workSpent() - before) + compiled.value.source.length);
      }),
      300,
    );
  });
});

describe("cel: what it never does", () => {
  const fragments =
    "output inputs nodes ctx run item . [ ] ( ) { } , : ? && || == != + - * / % < in ! 'a' \" ''' r' 1 2.5 0u 0x 1e9 x $ $. has( size( .map(x, .filter(x, .all(x, .exists(x, .exists_one(x, true null \\ // b' .matches( timestamp( duration( type( int( dyn( ` é 9223372036854775808 __result__ @range @append".split(
      " ",
    );
  const fragment = fc.constantFrom(...fragments, " ", "\n");
  const pieces = fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join(""));

  /** Correct sources with parts of them taken out, doubled, replaced or moved. */
  const mutated = fc
    .tuple(
      expressions(),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.constantFrom("cut", "double", "put", "move"), fragment), {
        maxLength: 4,
      }),
    )
    .map(([expression, edits]) =>
      edits.reduce(
        (source, [place, length, edit, put]) => {
          const at = source === "" ? 0 : place % source.length;
          const part = source.slice(at, at + length);
          const [before, after] = [source.slice(0, at), source.slice(at + length)];
          if (edit === "cut") return before + after;
          if (edit === "double") return before + part + part + after;
          if (edit === "move") return part + before + after;
          return before + put + after;
        },
        named(expression, "output"),
      ),
    );
  const source = fc.oneof({ weight: 3, arbitrary: mutated }, pieces, fc.string(), fc.string({ unit: "binary" }));

  test("it never throws: a source is refused with a message, or gives JSON or an error of the table", () => {
    holds(
      fc.property(source, environment, json(), (written, values, more) => {
        const compiled = compileCel(written);
        if (!compiled.ok) {
          expect(compiled.error).not.toBe("");
          expect(compileCel(written)).toEqual(compiled);
          return;
        }
        const variables: CelVariables = {
          ...values,
          output: frozen(isJsonObject(more) ? { ...more, ...values.output } : values.output),
          inputs: frozen(more),
          nodes: frozen({ a: more }),
          run: { id: "run" },
          item: more,
        };
        const before = workSpent();
        const result = compiled.value.evaluate(variables);
        expect(workSpent() - before).toBeLessThanOrEqual(EVALUATION_WORK_MAX + 100);
        if (result.ok) expect(jsonProblem(result.value)).toBeNull();
        else {
          expect(NODE_ERROR_CODES).toContain(result.error.code);
          expect(result.error.message.length).toBeLessThanOrEqual(EXPRESSION_MESSAGE_MAX);
        }
        const again = compiled.value.evaluate(variables);
        expect(again.ok ? normalForm(again.value) : again.error).toEqual(
          result.ok ? normalForm(result.value) : result.error,
        );
      }),
      900,
    );
  });

  test("no variable but those that exist is read, whatever the source is made of", () => {
    holds(
      fc.property(source, fc.subarray([...CEL_VARIABLES]), (written, variables) => {
        const compiled = compileCel(written, { variables });
        if (!compiled.ok) return;
        for (const name of compiled.value.references.variables) {
          expect(
            name === "nodes"
              ? variables.some((each) => each === "nodes" || each === "ctx")
              : variables.includes(name as never),
          ).toBe(true);
        }
      }),
      400,
    );
  });

  test("prototypes are neither read nor changed", () => {
    const before = INHERITED_NAMES.map((name) => Reflect.get(Object.prototype, name));
    holds(
      fc.property(fc.constantFrom(...INHERITED_NAMES), json(anyName, 1), (name, value) => {
        const output: JsonObject = { value };
        for (const of of ["output", "output.value", "{}", "{'a': 1}", "[]", "'text'", "1", "nodes", "item"]) {
          const error = errorOf(cel(`${of}[${textLiteral(name)}]`, { output, nodes: {}, item: [] }));
          if (of !== "output.value" || !isJsonObject(value) || !Object.hasOwn(value, name)) {
            expect(error?.details).toEqual({ missing: true });
          }
        }
        const made = cel(`{${textLiteral(name)}: output}`, { output });
        expect(made.ok && Object.entries(made.value ?? {})).toEqual([[name, output]]);
      }),
      200,
    );
    expect(INHERITED_NAMES.map((name) => Reflect.get(Object.prototype, name))).toEqual(before);
  });
});
