import { describe, expect, test } from "vitest";
import { celProgram, compileCel } from "#expression/cel.ts";
import { compileJmespath } from "#expression/jmespath.ts";
import {
  COMPREHENSION_ELEMENTS_MAX,
  COMPREHENSION_NESTING_MAX,
  CONVERSION_TEXT_MAX,
  EVALUATION_WORK_MAX,
  EXPRESSION_CACHE_BYTES_MAX,
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_LIST_MAX,
  EXPRESSION_MESSAGE_MAX,
  EXPRESSION_NODES_MAX,
  EXPRESSION_RESULT_MAX,
  EXPRESSION_SOURCE_BYTES_MAX,
  EXPRESSION_STRING_MAX,
  JSON_DEPTH_MAX,
  PATTERN_LENGTH_MAX,
  PROGRAM_BYTES,
  PROGRAM_BYTES_PER_UNIT,
} from "#expression/limits.ts";
import { jsonResult } from "#expression/result.ts";
import { charge, withBudget } from "#expression/work.ts";
import { ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { cel, errorOf, jmespath, program } from "./evaluate.ts";

function numbers(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

describe("bounds of a source", () => {
  const compilers = [
    ["cel", (source: string) => compileCel(source)],
    ["jmespath", (source: string) => compileJmespath(source)],
  ] as const;

  test.each(compilers)("%s: bytes", (_, compile) => {
    const quoted = (bytes: number) => `'${"é".repeat((bytes - 2) / 2)}${bytes % 2 === 0 ? "" : "a"}'`;
    expect(compile(quoted(EXPRESSION_SOURCE_BYTES_MAX)).ok).toBe(true);
    expect(errorOf(compile(quoted(EXPRESSION_SOURCE_BYTES_MAX + 1)))).toContain("longer than 2048 bytes");
  });

  test.each(compilers)("%s: brackets", (_, compile) => {
    const source = (depth: number) =>
      `${"(".repeat(depth)}\`1\`${")".repeat(depth)}`.replaceAll("`", compile === compilers[0][1] ? "" : "`");
    expect(compile(source(EXPRESSION_DEPTH_MAX)).ok).toBe(true);
    expect(errorOf(compile(source(EXPRESSION_DEPTH_MAX + 1)))).toContain("nests deeper than 32 levels");
    expect(errorOf(compile(source(1000)))).toContain("nests deeper than 32 levels");
    expect(errorOf(compile(source(3000)))).toContain("longer than");
  });

  test("cel: nodes", () => {
    const list = (elements: number) => `[${numbers(elements).map(() => "1")}]`;
    expect(compileCel(list(EXPRESSION_NODES_MAX - 1)).ok).toBe(true);
    expect(errorOf(compileCel(list(EXPRESSION_NODES_MAX)))).toContain("more than 500 nodes");
  });

  test("cel: depth of the tree", () => {
    const chain = (fields: number) => `output${".a".repeat(fields)}`;
    expect(compileCel(chain(EXPRESSION_DEPTH_MAX - 1)).ok).toBe(true);
    expect(errorOf(compileCel(chain(EXPRESSION_DEPTH_MAX)))).toContain("nests deeper than 32 levels");
  });

  test("cel: chained ternaries and prefixes neither overflow the parser nor pass", () => {
    expect(compileCel(`${"true ? 1 : ".repeat(EXPRESSION_DEPTH_MAX - 1)}2`).ok).toBe(true);
    expect(errorOf(compileCel(`${"true?1:".repeat(280)}2`))).toContain("nests deeper");
    expect(cel(`${"!".repeat(2000)}true`)).toStrictEqual({ ok: true, value: true });
    expect(compileCel(`[${"true?1:2,".repeat(40)}3]`).ok).toBe(true);
  });

  test("cel: comprehensions inside one another", () => {
    const nest = (levels: number): string => (levels === 0 ? "true" : `[1].all(x${levels}, ${nest(levels - 1)})`);
    expect(cel(nest(COMPREHENSION_NESTING_MAX))).toStrictEqual({ ok: true, value: true });
    expect(errorOf(compileCel(nest(COMPREHENSION_NESTING_MAX + 1)))).toContain("comprehensions nest deeper than 2");
    expect(cel("[1].map(x, x).map(x, x).map(x, x).all(x, x == 1)")).toStrictEqual({ ok: true, value: true });
  });

  test("jmespath: nodes and depth of the tree", () => {
    const list = (elements: number) => `[${numbers(elements).map(() => "a")}]`;
    expect(compileJmespath(list(EXPRESSION_NODES_MAX - 1)).ok).toBe(true);
    expect(errorOf(compileJmespath(list(EXPRESSION_NODES_MAX)))).toContain("more than 500 nodes");
    expect(compileJmespath(`${"!".repeat(EXPRESSION_DEPTH_MAX - 1)}a`).ok).toBe(true);
    expect(errorOf(compileJmespath(`${"!".repeat(EXPRESSION_DEPTH_MAX)}a`))).toContain("nests deeper than 32");
    expect(errorOf(compileJmespath("!".repeat(2000)))).toBeTypeOf("string");
  });
});

describe("bounds of an evaluation", () => {
  test("elements of a comprehension", () => {
    const source = "output.all(x, x >= 0)";
    expect(cel(source, { output: numbers(COMPREHENSION_ELEMENTS_MAX) })).toStrictEqual({ ok: true, value: true });
    expect(errorOf(cel(source, { output: numbers(COMPREHENSION_ELEMENTS_MAX + 1) }))).toStrictEqual({
      code: "expression_limit",
      message: "the expression goes through more than 1000 elements",
    });
    const map = Object.fromEntries(numbers(COMPREHENSION_ELEMENTS_MAX + 1).map((key) => [`k${key}`, 1]));
    expect(errorOf(cel("output.exists(k, k == 'x')", { output: map }))?.code).toBe("expression_limit");
  });

  test("a longer list may be read without going through it", () => {
    const output = numbers(50_000);
    expect(cel("size(output) > 1000 && output[49999] == 49999", { output })).toStrictEqual({ ok: true, value: true });
  });

  test("no operator swallows a bound", () => {
    const output = numbers(COMPREHENSION_ELEMENTS_MAX + 1);
    expect(errorOf(cel("output.exists(x, x < 0) || true", { output }))?.code).toBe("expression_limit");
    expect(errorOf(cel("[1].exists(y, output.all(x, true)) || true", { output }))?.code).toBe("expression_limit");
  });

  test("strings that are built", () => {
    const half = "x".repeat(EXPRESSION_STRING_MAX / 2);
    expect(cel("size(output + item)", { output: half, item: half })).toStrictEqual({
      ok: true,
      value: EXPRESSION_STRING_MAX,
    });
    expect(errorOf(cel("output + item + 'x'", { output: half, item: half }))?.code).toBe("expression_limit");
    expect(errorOf(cel("size(bytes(output) + bytes(item) + b'x')", { output: half, item: half }))?.code).toBe(
      "expression_limit",
    );
  });

  test("lists that are built", () => {
    const half = numbers(EXPRESSION_LIST_MAX / 2);
    expect(cel("size(output + output)", { output: half })).toStrictEqual({ ok: true, value: EXPRESSION_LIST_MAX });
    expect(errorOf(cel("size(output + output + [1])", { output: half }))?.code).toBe("expression_limit");
    expect(errorOf(cel(`[[1]]${".map(a, a + a)".repeat(15)}`))?.code).toBe("expression_limit");
  });

  test("work", () => {
    const spend = (units: number) =>
      withBudget(() => {
        charge(units);
        return ok(true);
      });
    expect(spend(EVALUATION_WORK_MAX)).toStrictEqual({ ok: true, value: true });
    expect(errorOf(spend(EVALUATION_WORK_MAX + 1))?.code).toBe("expression_limit");
    expect(spend(1).ok).toBe(true);
    const around = withBudget(() => {
      spend(EVALUATION_WORK_MAX);
      charge(EVALUATION_WORK_MAX);
      spend(1);
      charge(1);
      return ok(true);
    });
    expect(errorOf(around)?.code).toBe("expression_limit");
  });

  test.each([
    ["output.all(x, output.all(y, x + y >= 0))", numbers(1000)],
    ["output.all(x, output.all(y, x.a || true))", numbers(1000)],
    [`output.all(x, output.all(y, [${numbers(200)}] != []))`, numbers(100)],
    ["output.l.all(x, output.a == output.b)", { l: numbers(1000), a: numbers(20_000), b: numbers(20_000) }],
    ["output.l.all(x, -1.0 in output.a || true)", { l: numbers(1000), a: numbers(20_000) }],
    ["output.l.all(x, output.a.size() > 0)", { l: numbers(1000), a: "x".repeat(1_000_000) }],
    ["output.a.contains(output.b)", { a: "a".repeat(4_000_000), b: `${"a".repeat(2000)}b${"a".repeat(2000)}` }],
    ["output.l.all(x, output.a.matches('(\\\\pL*\\\\d*)*[xy]$') || true)", { l: numbers(1000), a: "éa1".repeat(2000) }],
    ["output.l.all(x, output.a >= output.b)", { l: numbers(1000), a: "x".repeat(2_000_000), b: "x".repeat(2_000_000) }],
    [`[1]${".map(a, [a, a])".repeat(20)} == [2]${".map(a, [a, a])".repeat(20)}`, null],
    [
      "output.l.all(x, size(output.m) > 0)",
      { l: numbers(1000), m: Object.fromEntries(numbers(20_000).map((key) => [key, 1])) },
    ],
  ] as [string, Json][])("%s ends in good time", (source, output) => {
    const run = program(source);
    const start = performance.now();
    const error = errorOf(run.evaluate({ output }));
    expect(performance.now() - start).toBeLessThan(3000);
    if (!source.startsWith("[1]")) expect(error?.code).toBe("expression_limit");
  });

  test("text that is converted", () => {
    const digits = (length: number) => "1".padStart(length, "0");
    expect(cel("int(output)", { output: digits(CONVERSION_TEXT_MAX) })).toStrictEqual({ ok: true, value: 1 });
    expect(errorOf(cel("int(output)", { output: digits(CONVERSION_TEXT_MAX + 1) }))?.message).toBe("not a valid int");
  });

  test("patterns and their subjects", () => {
    const matches = "output.matches(item)";
    expect(cel(matches, { output: "a", item: "a?".repeat(PATTERN_LENGTH_MAX / 2) }).ok).toBe(true);
    expect(errorOf(cel(matches, { output: "a", item: `${"a?".repeat(PATTERN_LENGTH_MAX / 2)}a` }))?.code).toBe(
      "expression_limit",
    );
    expect(cel(matches, { output: "a".repeat(EXPRESSION_STRING_MAX), item: "a" }).ok).toBe(true);
    expect(errorOf(cel(matches, { output: "a".repeat(EXPRESSION_STRING_MAX + 1), item: "a" }))?.code).toBe(
      "expression_limit",
    );
    expect(errorOf(cel(matches, { output: "é".repeat(20_000), item: "^(?:[^q]{0,900})*[xy]$" }))?.code).toBe(
      "expression_limit",
    );
  });

  test("messages", () => {
    const error = errorOf(cel("output[output.key]", { output: { key: "k".repeat(100_000) } }));
    expect(error?.message.length).toBe(EXPRESSION_MESSAGE_MAX);
    expect(error?.details).toStrictEqual({ missing: true });
  });
});

describe("bounds of a result", () => {
  test("size", () => {
    const text = (length: number) => "x".repeat(length - 2);
    expect(jsonResult(text(EXPRESSION_RESULT_MAX)).ok).toBe(true);
    expect(errorOf(jsonResult(text(EXPRESSION_RESULT_MAX + 1)))?.code).toBe("output_too_large");
  });

  test("shared parts count as often as they appear", () => {
    expect(errorOf(cel(`[1]${".map(a, [a, a])".repeat(25)}`))?.code).toBe("output_too_large");
    expect(errorOf(jmespath(`[@, @]${" | [@, @]".repeat(28)}`, 1))?.code).toBe("output_too_large");
  });

  test("depth", () => {
    expect(jsonResult(nested(JSON_DEPTH_MAX)).ok).toBe(true);
    expect(errorOf(jsonResult(nested(JSON_DEPTH_MAX + 1)))?.code).toBe("expression_limit");
    expect(cel("[output]", { output: nested(JSON_DEPTH_MAX - 1) }).ok).toBe(true);
    expect(errorOf(cel("[output]", { output: nested(JSON_DEPTH_MAX) }))?.code).toBe("expression_limit");
    const shared = nested(JSON_DEPTH_MAX - 1);
    expect(errorOf(jsonResult([shared, [shared]]))?.code).toBe("expression_limit");
  });
});

describe("the cache of programs", () => {
  test("is bounded by what they take together: the least recently used goes first", () => {
    const programOf = (source: string) => {
      const compiled = celProgram(source);
      if (!compiled.ok) throw new Error(compiled.error);
      return compiled.value;
    };
    const source = (index: number) => `output == '${String(index).padStart(1_900, "x")}'`;
    const weight = PROGRAM_BYTES + source(0).length * PROGRAM_BYTES_PER_UNIT;
    const fits = Math.floor(EXPRESSION_CACHE_BYTES_MAX / weight);
    const kept = numbers(fits).map((index) => programOf(source(index)));
    expect(numbers(fits).every((index) => programOf(source(index)) === kept[index])).toBe(true);
    programOf(source(fits));
    expect(programOf(source(1))).toBe(kept[1]);
    expect(programOf(source(0))).not.toBe(kept[0]);
  });
});
