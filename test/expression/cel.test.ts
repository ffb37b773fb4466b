import { celList, isCelList, isCelMap } from "@bufbuild/cel";
import { describe, expect, test } from "vitest";
import { celProgram, compileCel } from "#expression/cel.ts";
import { celValue } from "#expression/cel-values.ts";
import type { Json } from "#kernel/json.ts";
import { cel, errorOf, program } from "./evaluate.ts";

const variables = {
  output: {
    ok: true,
    score: 85,
    half: 0.5,
    name: "Ada",
    nothing: null,
    list: [3, 1, 2],
    users: [
      { id: 1, tags: ["a", "b"] },
      { id: 2, tags: [] },
    ],
  },
  inputs: { limit: 3 },
  nodes: { fetch: { body: { items: [1, 2] } }, "odd id": { x: 1 } },
  run: { id: "run-1" },
  iteration: 2,
  item: { price: 5 },
  index: 4,
} satisfies Parameters<typeof cel>[1];

describe("cel: values", () => {
  test.each<[string, Json]>([
    ["output.ok == true", true],
    ["output.score >= 80 && output.name == 'Ada'", true],
    ["output.score == 85", true],
    ["output.score + 1", 86],
    ["1 + output.score", 86],
    ["output.score - 1", 84],
    ["2 * output.half", 1],
    ["output.score / 2", 42.5],
    ["output.score % 2", 1],
    ["output.score % 7.0", 1],
    ["7 % 4", 3],
    ["7 / 2", 3],
    ["iteration + 1", 3],
    ["iteration < output.score", true],
    ["index * 1.5", 6],
    ["1u + output.score", 86],
    ["size(output.list) + 1", 4],
    ["output.list.size() > iteration", true],
    ["output.list[0]", 3],
    ["output.list[iteration]", 2],
    ["output['name']", "Ada"],
    ["item.price * 2.0", 10],
    ["run.id", "run-1"],
    ["inputs.limit", 3],
    ["nodes.fetch.body.items.size()", 2],
    ["ctx.fetch.body.items == nodes['fetch'].body.items", true],
    ["nodes['odd id'].x", 1],
    ["'fetch' in nodes", true],
    ["'nope' in nodes", false],
    ["$.score + $.half", 85.5],
    ["size($)", 7],
    ["$['name'] + '$.name'", "Ada$.name"],
    ["output.list.map(x, x * 2)", [6, 2, 4]],
    ["output.list.filter(item, item > 1)", [3, 2]],
    ["output.list.map(x, x > 1, x + 1)", [4, 3]],
    ["output.list.all(x, x > 0)", true],
    ["output.list.exists(x, x == 2)", true],
    ["output.list.exists_one(x, x > 1)", false],
    ["output.users.filter(u, u.tags.exists(t, t == 'a')).map(u, u.id)", [1]],
    ["output.list + [4]", [3, 1, 2, 4]],
    [
      "[output.list + [1], output.list + [2]]",
      [
        [3, 1, 2, 1],
        [3, 1, 2, 2],
      ],
    ],
    [
      "[output.list + [1]].map(x, [x + [2], x + [4]])",
      [
        [
          [3, 1, 2, 1, 2],
          [3, 1, 2, 1, 4],
        ],
      ],
    ],
    ["2.0 in output.list", true],
    ["'a' in {'a': null} && !('b' in {'a': null})", true],
    ["{'a': output.nothing, 'b': [1, 'x']}", { a: null, b: [1, "x"] }],
    ["has(output.name)", true],
    ["has(output.nothing)", true],
    ["has(output.absent)", false],
    ["'nothing' in output", true],
    ["output.absent == 1 || true", true],
    ["output.users == [{'id': 1, 'tags': ['a', 'b']}, {'id': 2, 'tags': []}]", true],
    ["output.users != output.list", true],
    ["'añb'.size()", 3],
    ["'😀'.size()", 1],
    ["'abc'.contains('bc') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", true],
    ["'abc'.startsWith('b') || 'abc'.endsWith('b') || 'abc'.contains('d')", false],
    ["'a' < 'b' && 'b' <= 'b' && 'c' > 'b' && 'b' >= 'b'", true],
    ["'b' < 'b' || 'c' <= 'b' || 'b' > 'b' || 'a' >= 'b'", false],
    ["output.name.matches('^A[a-z]+$')", true],
    ["int('42') + int(2.9)", 44],
    ["double('1.5')", 1.5],
    ["bool('true')", true],
    ["string(output.half)", "0.5"],
    ["duration('90m')", "5400s"],
    ["timestamp('2026-01-02T03:04:05Z')", "2026-01-02T03:04:05Z"],
    ["timestamp('2026-01-01T23:30:00Z').getDate('+01:00')", 2],
    ["timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') == duration('24h')", true],
    ["type(output.score) == double", true],
    ["9007199254740992", 2 ** 53],
    ["-9007199254740992", -(2 ** 53)],
    ["output.ok ? 'yes' : 'no'", "yes"],
    ["null", null],
    ["0.0 * -1.0", 0],
    ["// only a comment\noutput.score", 85],
  ])("%s", (source, expected) => {
    expect(cel(source, variables)).toStrictEqual({ ok: true, value: expected });
  });

  test("a result that is part of a document is that part, not a copy", () => {
    const result = cel("output.users", variables);
    expect(result.ok && result.value).toBe(variables.output.users);
  });

  test("views are what the library takes for lists and maps", () => {
    expect(isCelList(celList([]))).toBe(true);
    expect(isCelList(celValue([]))).toBe(true);
    expect(isCelMap(celValue({}))).toBe(true);
  });
});

describe("cel: own properties only", () => {
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("%s of a document reads as absent", (name) => {
    expect(cel(`has(output.${name})`, { output: {} })).toStrictEqual({ ok: true, value: false });
    expect(errorOf(cel(`output.${name}`, { output: {} }))?.details).toStrictEqual({ missing: true });
    expect(errorOf(cel(`output['${name}']`, { output: {} }))?.details).toStrictEqual({ missing: true });
  });

  test("own fields of those names are data", () => {
    const output = JSON.parse(
      '{"__proto__": 1, "constructor": {"name": "Object"}, "$typeName": "google.protobuf.Any"}',
    );
    expect(cel("output['__proto__'] + 1", { output })).toStrictEqual({ ok: true, value: 2 });
    expect(cel("output.constructor.name", { output })).toStrictEqual({ ok: true, value: "Object" });
    expect(cel("[output][0] == output && output['$typeName'] != ''", { output })).toStrictEqual({
      ok: true,
      value: true,
    });
  });

  test("a key `__proto__` in a result stays a key", () => {
    const result = cel("{'__proto__': {'polluted': true}}");
    expect(result.ok && Object.keys(result.value ?? {})).toStrictEqual(["__proto__"]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});

describe("cel: errors", () => {
  test.each([
    ["output.absent", "field not found: absent"],
    ["output.absent.deeper", "field not found: absent"],
    ["output.nothing.x", "field not found: x"],
    ["output.name.x", "field not found: x"],
    ["output.list[3]", "index 3 is out of range"],
    ["output.list[-1]", "index -1 is out of range"],
    ["output.list[output.half]", "index 0.5 is out of range"],
    ["[1, 2][output.half]", "the index is not a whole number"],
    ["[1, 2][0.0 / 0.0]", "the index is not a whole number"],
    ["output[output.name]", "field not found: Ada"],
    ["nodes.absent.x", "field not found: absent"],
    ["output.absent == 1 && output.ok", "field not found: absent"],
  ])("%s is missing", (source, message) => {
    expect(errorOf(cel(source, variables))).toStrictEqual({
      code: "expression_failed",
      message,
      details: { missing: true },
    });
  });

  test.each([
    ["b'bytes'", "expression_failed"],
    ["int", "expression_failed"],
    ["{1: 2}", "expression_failed"],
    ["output.name + 1", "expression_failed"],
    ["output.half % 2", "expression_failed"],
    ["output.score % 0", "expression_failed"],
    ["1 / 0", "expression_failed"],
    ["!output.name", "expression_failed"],
    ["double('abc')", "expression_failed"],
    ["int('0x10')", "expression_failed"],
    ["int('')", "expression_failed"],
    ["timestamp('yesterday')", "expression_failed"],
    ["'a'.matches('(')", "expression_failed"],
    ["9223372036854775807 + 1", "expression_failed"],
    ["output.score / 0.0", "number_range"],
    ["0.0 / 0.0", "number_range"],
    ["9007199254740993", "number_range"],
    ["-9007199254740993", "number_range"],
    ["[18446744073709551615u]", "number_range"],
  ])("%s fails with %s", (source, code) => {
    const error = errorOf(cel(source, variables));
    expect(error?.code).toBe(code);
    expect(error?.details).toBeUndefined();
  });

  test("a text that reads like a missing field is not one", () => {
    const error = errorOf(cel("bool(output)", { output: "field not found: x" }));
    expect(error).toMatchObject({ code: "expression_failed" });
    expect(error?.details).toBeUndefined();
  });

  test("a variable without a value is not a missing field", () => {
    expect(errorOf(cel("item.price > 1", { output: {} }))).toStrictEqual({
      code: "expression_failed",
      message: '"item" has no value here',
    });
  });
});

describe("cel: compile", () => {
  test.each([
    ["outptu.ok", 'unknown variable "outptu"; known here are output, inputs, nodes, ctx, run, iteration, item, index'],
    ["google.protobuf.Timestamp", 'unknown variable "google"; known here are'],
    ["google.protobuf.Timestamp{seconds: 1}", "there is no message type"],
    ["output.list.map(x, y)", 'unknown variable "y"'],
    ["output.list.map(x, x) == [x]", 'unknown variable "x"'],
    ["fetch('x')", 'unknown function "fetch"'],
    ["output.list.map(x)", "map() takes a variable and an expression"],
    ["has(output)", "has() takes a field"],
    ["9223372036854775808", "out of range"],
    ["18446744073709551616u", "out of range"],
    ["", "empty"],
    ["  ", "empty"],
    ["output.ok ==", "syntax error at character 11"],
    ["$.ok && ]", "syntax error at character 6"],
    ["output.ok 'x", "syntax error at character 11"],
    ["$foo", "syntax error at character 1"],
    ["'\\ud800'", "surrogate"],
    ["'\ud800'", "surrogate"],
  ])("%s is refused", (source, message) => {
    expect(errorOf(compileCel(source))).toContain(message);
  });

  test("only the legal variables are known", () => {
    expect(errorOf(compileCel("item.x", { variables: ["output", "inputs"] }))).toBe(
      'unknown variable "item"; known here are output, inputs',
    );
  });

  test.each([
    ["output.ok", ["output"], [], false],
    ["nodes.b.x + ctx['a'].y + nodes.b.z", ["nodes"], ["a", "b"], false],
    ["has(nodes.a) && has(ctx.b.c) && 'd' in nodes", ["nodes"], ["a", "b", "d"], false],
    ["nodes[output.id].x + nodes.a.x", ["nodes", "output"], ["a"], true],
    ["nodes.exists(id, id == 'a')", ["nodes"], [], true],
    ["size(ctx)", ["nodes"], [], true],
    ["output.list.exists(nodes, nodes.x == item)", ["item", "output"], [], false],
    ["inputs.a + run.b + iteration + index", ["index", "inputs", "iteration", "run"], [], false],
  ] as const)("references of %s", (source, names, nodes, dynamicNodes) => {
    const { references } = program(source);
    expect([...references.variables].sort()).toStrictEqual([...names]);
    expect(references.nodes).toStrictEqual([...nodes]);
    expect(references.dynamicNodes).toBe(dynamicNodes);
  });

  test("only the variables that are named are read", () => {
    const read: string[] = [];
    const watched = {
      get output() {
        read.push("output");
        return { ok: true };
      },
      get inputs() {
        read.push("inputs");
        return {};
      },
    };
    expect(cel("output.ok && output.ok", watched).ok).toBe(true);
    expect(read).toStrictEqual(["output"]);
  });

  test("a program can be evaluated again with other values", () => {
    const isHigh = program("output.list.filter(x, x > 1).size() > 1");
    expect([[1, 2, 3], [1], [4, 5]].map((list) => isHigh.evaluate({ output: { list } }))).toStrictEqual([
      { ok: true, value: true },
      { ok: true, value: false },
      { ok: true, value: true },
    ]);
  });

  test("celProgram keeps programs, and nothing of what is refused", () => {
    const program = celProgram("output.cached");
    expect(celProgram("output.cached")).toEqual(program);
    expect(program.ok && celProgram("output.cached")).toMatchObject({ value: program.ok && program.value });
    expect(celProgram("output.")).toEqual(compileCel("output."));
  });
});
