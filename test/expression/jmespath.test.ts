import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileJmespath } from "#expression/jmespath.ts";
import { EXPRESSION_STRING_MAX } from "#expression/limits.ts";
import type { Json } from "#kernel/json.ts";
import { errorOf, jmespath } from "./evaluate.ts";

const data: Json = {
  numbers: [1, 10, 9, 2],
  items: [
    { n: "x", v: 3 },
    { n: "constructor", v: 1 },
    { n: "__proto__", v: 2 },
  ],
  text: "  hi  ",
  nothing: null,
  forged: { expref: true, type: "Field", name: "n" },
};

describe("jmespath: values", () => {
  test.each<[string, Json]>([
    ["numbers[1]", 10],
    ["absent.deeper", null],
    ["items[*].v", [3, 1, 2]],
    ["items[?v > `1`].n", ["x", "__proto__"]],
    ["items[?v > $.numbers[0]] | length(@)", 2],
    ["items[?!nothing && n == 'x' || v == `1`].v", [3, 1]],
    ["{a: numbers[0], b: 'x'}", { a: 1, b: "x" }],
    ["numbers[::2]", [1, 9]],
    ["'abc'[::-1]", "cba"],
    ["[numbers, numbers][] | length(@)", 8],
    ["numbers == `[1, 10, 9, 2]`", true],
    ["items[0] != items[1]", true],
    ["nothing ? 'a' : 'b'", "b"],
    ["let $x = `2` in map(&(v * $x), items)", [6, 2, 4]],
    ["items[*].let $own = v in $own", [3, 1, 2]],
    ["sort(numbers)", [1, 2, 9, 10]],
    ["sort(['b', 'a'])", ["a", "b"]],
    ["sort_by(items, &v)[*].v", [1, 2, 3]],
    ["sort_by(items, &n)[0].n", "__proto__"],
    ["max(numbers)", 10],
    ["min(numbers)", 1],
    ["max(['a', 'c', 'b'])", "c"],
    ["max(`[]`)", null],
    ["max_by(items, &n).n", "x"],
    ["min_by(items, &v).v", 1],
    ["trim(text)", "hi"],
    ["trim_left(text)", "hi  "],
    ["trim_right('xxhixx', 'x')", "xxhi"],
    ["pad_left('x', `3`, '0')", "00x"],
    ["pad_right('x', `3`)", "x  "],
    ["join('-', ['a', 'b'])", "a-b"],
    ["replace('aaa', 'a', 'b')", "bbb"],
    ["replace('aaa', 'a', '$&', `2`)", "$&$&a"],
    ["split('a,b,c', ',', `1`)", ["a", "b,c"]],
    ["reverse('añ')", "ña"],
    ["reverse(numbers)", [2, 9, 10, 1]],
    ["length('😀')", 1],
    ["length(items[0])", 2],
    ["to_string(items[0])", '{"n":"x","v":3}'],
    ["contains(numbers, `9`)", true],
    ["contains('abc', 'bc')", true],
    ["find_first('hello', 'l')", 2],
    ["find_last('hello', 'l')", 3],
    ["find_first('hello', 'z')", null],
    ["merge(items[0], {v: `4`})", { n: "x", v: 4 }],
    ["keys(group_by(items, &n))", ["x", "constructor", "__proto__"]],
    ["sum(numbers) + avg(numbers)", 27.5],
    ["items({a: `1`})", [["a", 1]]],
    ["forged.name", "n"],
  ])("%s", (source, expected) => {
    expect(jmespath(source, data)).toStrictEqual({ ok: true, value: expected });
  });

  test("a query of the whole document answers with it, not with a copy", () => {
    const result = jmespath("@", data);
    expect(result.ok && result.value).toBe(data);
  });
});

describe("jmespath: own properties only", () => {
  test.each(["constructor", "__proto__", "toString", "items[0].constructor.name", "text.length"])(
    "%s reads as null",
    (source) => {
      expect(jmespath(source, data)).toStrictEqual({ ok: true, value: null });
    },
  );

  test("keys that are built stay keys", () => {
    for (const source of ['{"__proto__": items[0]}', "merge(@)", "from_items([['__proto__', items[0]]])"]) {
      const result = jmespath(source, source === "merge(@)" ? JSON.parse('{"__proto__": 1}') : data);
      expect(result.ok && Object.keys(result.value ?? {})).toStrictEqual(["__proto__"]);
    }
  });

  test("data that looks like an expression is not run", () => {
    expect(errorOf(jmespath("map(forged, items)", data))?.code).toBe("expression_failed");
  });
});

describe("jmespath: errors", () => {
  test.each([
    ["", "empty"],
    ["a ==", "invalid token"],
    ["nope(@)", 'unknown function "nope"'],
    ["toString(@)", 'unknown function "toString"'],
    ["&a", "& stands only before an argument"],
    ["a b", "unexpected token"],
  ])("%s is refused", (source, message) => {
    expect(errorOf(compileJmespath(source))).toContain(message);
  });

  test.each([
    ["sum(text)", "expression_failed"],
    ["sort([`1`, 'a'])", "expression_failed"],
    ["$undefined", "expression_failed"],
    ["`1e308` * `10`", "number_range"],
    ["to_number('Infinity')", "number_range"],
  ])("%s fails with %s", (source, code) => {
    expect(errorOf(jmespath(source, data))?.code).toBe(code);
  });
});

describe("jmespath: bounds", () => {
  const many = Array.from({ length: 100_000 }, (_, index) => index);
  const wide = Object.fromEntries(many.map((index) => [`k${index}`, index]));

  test("strings that are built", () => {
    expect(jmespath(`length(pad_left('', \`${EXPRESSION_STRING_MAX}\`))`, null).ok).toBe(true);
    expect(jmespath(`length(pad_left('a', \`${EXPRESSION_STRING_MAX}\`))`, null)).toStrictEqual({
      ok: true,
      value: EXPRESSION_STRING_MAX,
    });
    for (const source of [
      `pad_left('a', \`${EXPRESSION_STRING_MAX + 1}\`)`,
      "join(@, ['', ''])",
      "replace(@, 'x', 'yy')",
      "reverse(@)",
    ]) {
      expect(errorOf(jmespath(source, "x".repeat(EXPRESSION_STRING_MAX + 1)))?.code, source).toBe("expression_limit");
    }
  });

  test.each<[string, Json]>([
    ["l[*].[$.l[*]]", { l: many.slice(0, 5000) }],
    [
      "l[?$.wide]",
      { l: [...many, ...many, ...many, ...many, ...many, ...many, ...many, ...many, ...many, ...many, ...many], wide },
    ],
    ["l[?$.wide == $.other]", { l: many, wide, other: structuredClone(wide) }],
    ["map(&trim($.text), l)", { l: many, text: " ".repeat(1_000_000) }],
    ["map(&contains($.text, $.part), l)", { l: many, text: "a".repeat(1_000_000), part: `${"a".repeat(500)}b` }],
    ["l[*].let $x = @ in $x", { l: many }],
    [`[@, @]${" | [@, @][]".repeat(25)}`, 1],
  ])("%s ends in good time", (source, input) => {
    const start = performance.now();
    const error = errorOf(jmespath(source, input));
    expect(performance.now() - start).toBeLessThan(3000);
    expect(error?.code).toBe("expression_limit");
  });

  test("to_string of a tree that multiplies fails before it is written", () => {
    expect(jmespath(`[@, @]${" | [@, @]".repeat(25)} | to_string(@)`, 1).ok).toBe(false);
  });
});

describe("jmespath: properties", () => {
  const fragment = fc.constantFrom(
    ..."a b . [ ] [*] [] [? { } : , ( ) | || && ! == < `1` 'x' @ $ & $v * + - / % ? length( sort( map(& let in \"q\"".split(
      " ",
    ),
    " ",
  );
  const source = fc.oneof(
    fc.string(),
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join("")),
  );

  test("never throws, and answers with a value or an error of the table", () => {
    fc.assert(
      fc.property(source, fc.jsonValue(), (text, input) => {
        const compiled = compileJmespath(text);
        if (!compiled.ok) return typeof compiled.error === "string" && compiled.error !== "";
        const result = compiled.value.evaluate(input as Json);
        return result.ok ? JSON.stringify(result.value) !== undefined : typeof result.error.code === "string";
      }),
      { numRuns: 1500 },
    );
  });
});
