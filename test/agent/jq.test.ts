import { describe, expect, test } from "vitest";
import { compileJq } from "#agent/jq/jq.ts";
import {
  JQ_EVALUATION_DEPTH_MAX,
  JQ_JSON_TEXT_LENGTH_MAX,
  JQ_LIST_LENGTH_MAX,
  JQ_MESSAGE_LENGTH_MAX,
  JQ_NESTING_MAX,
  JQ_SOURCE_LENGTH_MAX,
  JQ_TEXT_LENGTH_MAX,
} from "#agent/jq/limits.ts";
import { PATTERN_TEXT_LENGTH_MAX } from "#agent/pattern.ts";
import { Work, WorkExceeded } from "#agent/work.ts";
import { JSON_DEPTH_MAX, type Json } from "#kernel/json.ts";

const WORK = 8_000_000;
const NOW_MS = Date.parse("2026-05-01T00:00:00Z");

function jq(program: string, input: Json = null, work = WORK): Json[] | string {
  const compiled = compileJq(program);
  if (!compiled.ok) throw new Error(`${program}: ${compiled.error}`);
  const result = compiled.value.run(input, new Work(work), NOW_MS);
  return result.ok ? result.value : result.error;
}

function syntaxError(program: string): string {
  const compiled = compileJq(program);
  return compiled.ok ? "" : compiled.error;
}

describe("jq: values", () => {
  const cases: [program: string, input: Json, ...values: Json[]][] = [
    [".", { a: 1 }, { a: 1 }],
    [".a.b", { a: { b: 2 } }, 2],
    ['."a b"."c"', { "a b": { c: 3 } }, 3],
    [".a[1:], .a[-1], .a[:1]", { a: [1, 2, 3] }, [2, 3], 3, [1]],
    [".[] | .x?", [{ x: 1 }, 5, { x: null }], 1, null],
    [".a?//7", { a: null }, 7],
    ["..", [[1]], [[1]], [1], 1],
    ['{a, b: .c, "d": 1, (.e): 2, $__loc__: 3}', null],
    ['"a\\(.x)b\\("c" + "d")"', { x: [1, 2] }, "a[1,2]bcd"],
    ['@base64 "x\\(.)y"', "é", "xw6k=y"],
    ["@csv, @tsv, @sh", ["a\tb", 1, null, true], '"a\tb",1,,true', "a\\tb\t1\t\ttrue", "'a\tb' 1 null true"],
    ["[limit(3; range(10))], [range(0; 1; 0.4)], [range(3; 0; -1)]", null, [0, 1, 2], [0, 0.4, 0.8], [3, 2, 1]],
    [
      "reduce .[] as [$i, {j: $j}] (0; . + $i * $j)",
      [
        [1, { j: 2 }],
        [3, { j: 4 }],
      ],
      14,
    ],
    [
      "[foreach .[] as $x (0; . + $x; [$x, .])]",
      [1, 2],
      [
        [1, 1],
        [2, 3],
      ],
    ],
    [".[] as {a: $x} ?// [$x] | $x", [[1], { a: 2 }], 1, 2],
    ["def f(g; $n): [g, n, $n]; f(.[]; .[0])", [4, 5], [4, 5, 4, 4]],
    ["def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; fac", 10, 3_628_800],
    ["[label $out | .[] | if . > 2 then ., break $out else . end]", [1, 2, 3, 4], [1, 2, 3]],
    ["try error({code: 7}) catch .code", null, 7],
    ['[.[] | try tonumber catch "none"]', ["1", "x"], [1, "none"]],
    ["(.a, .b) |= . + 1", { a: 1, b: 2, c: 3 }, { a: 2, b: 3, c: 3 }],
    [".[] |= select(. > 1)", [1, 2, 3], [2, 3]],
    ["del(.[0, 2], .[-1])", [1, 2, 3, 4], [2]],
    ["to_entries, with_entries(.value += 1)", { a: 1 }, [{ key: "a", value: 1 }], { a: 2 }],
    [
      "group_by(.a) | map({a: .[0].a, n: length})",
      [{ a: 2 }, { a: 1 }, { a: 2 }],
      [
        { a: 1, n: 1 },
        { a: 2, n: 2 },
      ],
    ],
    ["sort_by(-.n) | map(.n)", [{ n: 1 }, { n: 3 }, { n: 2 }], [3, 2, 1]],
    [
      '[paths(type == "number")]',
      { a: [1, { b: 2 }] },
      [
        ["a", 0],
        ["a", 1, "b"],
      ],
    ],
    ['capture("(?<y>\\\\d{4})-(?<m>\\\\d\\\\d)")', "on 2026-05", { y: "2026", m: "05" }],
    ['gsub("(?<d>\\\\d)"; "<\\(.d)>")', "a1b2", "a<1>b<2>"],
    ['[splits(", *")], ascii_upcase, length, (explode | implode)', "a, é😀", ["a", "é😀"], "A, é😀", 5, "a, é😀"],
    ['[match("😀").offset, index("😀")]', "é😀", [1, 1]],
    ["tojson, (tojson | fromjson)", [1.5, null], "[1.5,null]", [1.5, null]],
    ["now | todate", null, "2026-05-01T00:00:00Z"],
    ["fromdate", "2026-05-01T00:00:00Z", NOW_MS / 1000],
    ["[nan, infinite, -infinite] | tojson", null, "[null,1.7976931348623157e+308,-1.7976931348623157e+308]"],
    ["[limit(5; repeat(1))], first(range(10; 20)), isempty(empty)", null, [1, 1, 1, 1, 1], 10, true],
    ["[.[] | until(. > 100; . * 2)], [1 | while(. < 10; . * 3)]", [1, 70], [128, 140], [1, 3, 9]],
    ["last(range(50000))", null, 49_999],
    ["[recurse(if . < 3 then . + 1 else empty end)]", 0, [0, 1, 2, 3]],
    ["INDEX(.id) | keys", [{ id: "x" }, { id: "y" }], ["x", "y"]],
    ["# a comment\n.a # another", { a: 1 }, 1],
  ];

  test.each(cases.filter(([program]) => !program.includes("$__loc__")))("%s", (program, input, ...values) => {
    expect(jq(program, input)).toStrictEqual(values);
  });

  test("a chain of `recurse` may be longer than evaluations nest", () => {
    expect(jq(`[recurse(if . < ${JQ_EVALUATION_DEPTH_MAX * 5} then . + 1 else empty end)] | length`, 0)).toStrictEqual([
      JQ_EVALUATION_DEPTH_MAX * 5 + 1,
    ]);
  });

  test("walks data as deep as data may be", () => {
    const nested = (depth: number): Json =>
      depth === 0 ? 1 : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) };
    const deepest = nested(JSON_DEPTH_MAX);
    expect(jq("[..] | length", deepest)).toStrictEqual([JSON_DEPTH_MAX + 1]);
    expect(jq("walk(.)", deepest)).toStrictEqual([deepest]);
    expect(jq("[paths] | length", deepest)).toStrictEqual([JSON_DEPTH_MAX]);
    expect(jq("[tostream] | length", deepest)).toStrictEqual([JSON_DEPTH_MAX + 1]);
    expect(jq("(.. | numbers) |= 2 | [.. | numbers]", deepest)).toStrictEqual([[2]]);
    expect(
      jq('def f: if type == "array" then .[0] | f elif type == "object" then .a | f else . end; f', deepest),
    ).toStrictEqual([1]);
  });

  test("leaves its input as it is", () => {
    const input = { a: [3, 1, 2], b: { c: 1 } };
    const before = structuredClone(input);
    jq('.a |= sort | .b.c = 5 | del(.a[0]) | .a += [1] | setpath(["b"]; 1)', input);
    expect(input).toStrictEqual(before);
  });
});

describe("jq: what cannot be read", () => {
  test.each([
    ["", "the program ends where a term is expected"],
    [".a |", "the program ends where a term is expected"],
    [".[", "the program ends where a term is expected"],
    ["{a: 1", 'expected "," at character 6'],
    ["1 == 2 == 3", "need brackets"],
    ['"open', "a string is not closed"],
    ['"\\q"', "unknown escape in a string at character 2"],
    [". as x | x", "expected a variable, [ or {"],
    ["if . then 1", 'expected "end"'],
    ["a b", "expected an operator or the end at character 3"],
    ["§", "unexpected character"],
    ["reduce .[] as $x", 'expected "("'],
  ])("%s", (program, message) => {
    expect(syntaxError(program)).toContain(message);
  });

  test("names that do not exist are all reported at once, with what there is instead", () => {
    expect(syntaxError("foo | $bar | split | break $out")).toBe(
      'foo/0 is not defined; $bar is not defined; split/0 is not defined, split/1 and split/2 are; there is no "label $out" around its break',
    );
  });

  test.each(["input", "inputs", "env", 'strftime("%Y")', "input_filename", "halt"])(
    "%s is not available",
    (program) => {
      expect(syntaxError(program)).toContain("is not available here");
    },
  );

  test("functions that are not for programs, and members of JavaScript, do not exist", () => {
    for (const name of ["_match(1; 2)", "_captured", "constructor", "toString", "__proto__", "hasOwnProperty"]) {
      expect(syntaxError(name)).toContain("is not defined");
    }
  });
});

describe("jq: whether several values may come is told from the program", () => {
  test.each([
    [".a", false],
    [".a | .b", false],
    ["[.[] | .a]", false],
    ["map(select(.x))", false],
    ["first(.[])", false],
    ["reduce .[] as $x (0; . + $x)", false],
    ["if .a then 1 else 2 end", false],
    ["sort_by(.a, .b)", false],
    ["select(.a)", false],
    ["def f: .a; f", false],
    [". as [$a, $b] | $a", false],
    [".[]", true],
    [".a, .b", true],
    [".[] | select(.x)", true],
    ["range(3)", true],
    ["if .a then .[] else 1 end", true],
    ["{a: .[]}", true],
    ["def f: .[]; f", true],
    ["def f(g): g; f(.[])", true],
    ["limit(1; .[])", true],
    ["..", true],
  ])("%s", (program, several) => {
    const compiled = compileJq(program);
    expect(compiled.ok && compiled.value.givesSeveral).toBe(several);
  });
});

describe("jq: bounds", () => {
  test("source", () => {
    const source = (length: number) => `"${"x".repeat(length - 2)}"`;
    expect(compileJq(source(JQ_SOURCE_LENGTH_MAX)).ok).toBe(true);
    expect(syntaxError(source(JQ_SOURCE_LENGTH_MAX + 1))).toContain(`at most ${JQ_SOURCE_LENGTH_MAX} characters`);
  });

  test("nesting of the source", () => {
    const brackets = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(compileJq(brackets(JQ_NESTING_MAX)).ok).toBe(true);
    expect(syntaxError(brackets(JQ_NESTING_MAX + 1))).toContain(`deeper than ${JQ_NESTING_MAX}`);
    expect(syntaxError("(".repeat(2000))).toContain("nests deeper");
    expect(syntaxError("-".repeat(2000))).toContain("nests deeper");
    expect(syntaxError("try ".repeat(1000))).toContain("nests deeper");
    expect(syntaxError("def f: ".repeat(500))).toContain("nests deeper");
    expect(syntaxError("1//".repeat(1000))).toContain("nests deeper");
    expect(syntaxError(`if ${"1 then 2 elif ".repeat(200)}`)).toContain("nests deeper");
    expect(syntaxError(`. as ${"[".repeat(500)}`)).toContain("nests too deeply");
  });

  test("long chains of operators and pipes end in an error, not a crash", () => {
    for (const program of [
      `1${"+1".repeat(2000)}`,
      `.${"|.".repeat(2000)}`,
      `1${",1".repeat(2000)}`,
      `.a${".a?".repeat(1000)}`,
    ]) {
      const result = jq(program);
      expect(result === "the query nests too deeply" || Array.isArray(result)).toBe(true);
    }
  });

  test("recursion of a program", () => {
    expect(jq("def f: f; f")).toBe("the query nests too deeply");
    expect(jq("def f: 1 + f; f")).toBe("the query nests too deeply");
    expect(jq("def f: [f]; f")).toBe("the query nests too deeply");
    const depth = `def f: if . == 0 then 0 else . - 1 | f end; ${Math.floor(JQ_EVALUATION_DEPTH_MAX / 5)} | f`;
    expect(jq(depth)).toStrictEqual([0]);
  });

  test.each([
    "last(range(1e12))",
    "[.[] | range(1e9)] | length",
    "reduce range(1e9) as $i (0; . + $i)",
    "first(repeat(empty))",
    "until(false; .)",
    "def f: ., f; last(f)",
    "[limit(1e9; repeat(1))]|length",
    "reduce range(100) as $i ([1]; . + .)|length",
    'reduce range(40) as $i ("x"; . + .) | length',
    "[range(3000)] | [.[] as $a | .[] as $b | .[] as $c | 1] | length",
    "reduce range(1e6) as $i ({}; .[$i | tostring] = 1) | length",
    "[range(1e5)] | combinations(3)",
    '[range(400) | "x" * 1000000 | tojson] | length',
    "reduce range(1e5) as $i (null; [.]) | tojson | length",
    '"x" * 1000000 | [splits("")] | length',
    "[range(20000)] | map(tostring) | [.[] as $x | index($x)] | length",
    "[range(20000)] - [range(20000)] | length",
  ])("%s ends within its work", (program) => {
    let ended: unknown;
    try {
      ended = jq(program, [1, 2, 3]);
    } catch (error) {
      ended = error;
    }
    expect(typeof ended === "string" || ended instanceof WorkExceeded).toBe(true);
  });

  test("texts that a program makes", () => {
    expect(jq(`"x" * ${JQ_TEXT_LENGTH_MAX} | length`)).toStrictEqual([JQ_TEXT_LENGTH_MAX]);
    expect(jq(`"x" * ${JQ_TEXT_LENGTH_MAX + 1}`)).toBe("Repeat string result too long");
    expect(jq(`("x" * ${JQ_TEXT_LENGTH_MAX}) + "y"`)).toContain("a text of more than");
    expect(jq(`[range(10) | "x" * 200000] | join("")`)).toContain("a text of more than");
    expect(jq(`"x" * 900000 | gsub("^"; "y" * 900000)`)).toContain(String(PATTERN_TEXT_LENGTH_MAX));
  });

  test("lists and values that a program makes", () => {
    expect(jq(`[range(${JQ_LIST_LENGTH_MAX})] | length`)).toStrictEqual([JQ_LIST_LENGTH_MAX]);
    expect(jq(`[range(${JQ_LIST_LENGTH_MAX + 1})] | length`)).toBe(`more than ${JQ_LIST_LENGTH_MAX} values`);
    expect(jq(`range(${JQ_LIST_LENGTH_MAX + 1})`)).toBe(`more than ${JQ_LIST_LENGTH_MAX} values`);
    expect(jq(`.[${JQ_LIST_LENGTH_MAX - 1}] = 1 | length`)).toStrictEqual([JQ_LIST_LENGTH_MAX]);
    expect(jq(`.[${JQ_LIST_LENGTH_MAX}] = 1`)).toBe("Array index too large");
    expect(jq(`[range(60000)] | . + .`)).toContain(`a list of more than ${JQ_LIST_LENGTH_MAX}`);
  });

  test("depth of a result, and of JSON that is read", () => {
    expect(jq(`reduce range(${JSON_DEPTH_MAX}) as $i (1; [.])`)).toHaveLength(1);
    expect(jq(`reduce range(${JSON_DEPTH_MAX + 1}) as $i (1; [.])`)).toBe(
      `the result nests deeper than ${JSON_DEPTH_MAX} levels`,
    );
    expect(jq("fromjson", "[".repeat(JSON_DEPTH_MAX + 1) + "]".repeat(JSON_DEPTH_MAX + 1))).toContain("nests deeper");
    expect(jq("fromjson", `"${"x".repeat(JQ_JSON_TEXT_LENGTH_MAX - 2)}"`)).toHaveLength(1);
    expect(jq("fromjson", `"${"x".repeat(JQ_JSON_TEXT_LENGTH_MAX)}"`)).toContain("cannot be parsed as JSON");
  });

  test("messages", () => {
    expect((jq("error", "x".repeat(1000)) as string).length).toBe(JQ_MESSAGE_LENGTH_MAX + 1);
    expect(jq("tonumber", "y".repeat(1000))).toBe('string ("yyyyyyyyy...) cannot be parsed as a number');
  });
});

describe("jq: hostile data and programs", () => {
  test("reaches own members only", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(jq(`.${name}`, { a: 1 })).toStrictEqual([null]);
      expect(jq(`has("${name}")`, { a: 1 })).toStrictEqual([false]);
      expect(jq(`getpath(["${name}", "x"])`, {})).toStrictEqual([null]);
    }
  });

  test("`__proto__` is a member like any other, and never a prototype", () => {
    const polluting = JSON.parse('{"__proto__": {"polluted": true}}') as Json;
    expect(JSON.stringify(jq(".", polluting))).toBe('[{"__proto__":{"polluted":true}}]');
    for (const program of [
      'setpath(["__proto__", "polluted"]; true)',
      '.["__proto__"] = {polluted: true}',
      '{("__proto__"): {polluted: true}}',
      '[{key: "__proto__", value: {polluted: true}}] | from_entries',
      '. * {"__proto__": {polluted: true}}',
      '. + {"__proto__": {polluted: true}}',
      'reduce ("__proto__", "constructor", "prototype") as $k (.; .[$k].polluted = true)',
      'with_entries(.key = "__proto__")',
    ]) {
      jq(program, { a: 1 });
      expect(({} as { polluted?: boolean }).polluted, program).toBeUndefined();
      expect(Object.getPrototypeOf((jq(program, { a: 1 }) as object[])[0])).toBe(Object.prototype);
    }
  });

  test("patterns that backtrack elsewhere end at once", () => {
    for (const pattern of ["(a+)+$", "(a|aa)+$", "([a-z]+)*x", "(.*)*(.*)*x"]) {
      expect(jq(`test(${JSON.stringify(pattern)})`, `${"a".repeat(5_000)}!`)).toStrictEqual([false]);
    }
    expect(jq('test("(?=a)b")', "a")).toContain("is not a valid regex");
    expect(jq('test("a"; "x")', "a")).toContain("is not a valid modifier string");
  });

  test("an error of what comes after a `try` is not caught by it", () => {
    expect(jq('try (1, 2) catch "caught" | error("after")')).toBe("after");
    expect(jq('try ((try 1 catch "inner") | error("x")) catch ("outer: " + .)')).toStrictEqual(["outer: x"]);
    expect(jq('label $f | try (1, break $f) catch "caught"')).toStrictEqual([1]);
  });
});
