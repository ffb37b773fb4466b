import { describe, expect, test } from "vitest";
import { fail, nodeError, ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { pipeline, testContext } from "./context.ts";

async function errorOf(steps: unknown, input: Json): Promise<string> {
  const result = await pipeline(steps, input);
  return result instanceof Error ? result.message : "";
}

describe("table_sort", () => {
  const rows: Json = [{ n: 2, t: "b" }, { n: null, t: "x" }, { n: 1, t: "a" }, { t: "none" }, { n: 2, t: "c" }];

  test("is stable, and what is missing stands last in either order", async () => {
    const ascending = await pipeline([{ step: "table_sort", field: "n", order: "asc" }], rows);
    expect((ascending as { t: string }[]).map(({ t }) => t)).toStrictEqual(["a", "b", "c", "x", "none"]);
    const descending = await pipeline([{ step: "table_sort", field: "n", order: "desc" }], rows);
    expect((descending as { t: string }[]).map(({ t }) => t)).toStrictEqual(["b", "c", "a", "x", "none"]);
  });

  test("orders booleans before numbers before texts, texts by their characters", async () => {
    const mixed = [{ v: "b" }, { v: 10 }, { v: true }, { v: "B" }, { v: 9 }, { v: false }].map((row) => row as Json);
    const sorted = await pipeline([{ step: "table_sort", field: "v", order: "asc" }], mixed);
    expect((sorted as { v: Json }[]).map(({ v }) => v)).toStrictEqual([false, true, 9, 10, "B", "b"]);
  });

  test("reads a column of that very name before a dotted path", async () => {
    const deep: Json = [
      { a: { b: 2 }, id: 1 },
      { "a.b": 1, a: { b: 9 }, id: 2 },
    ];
    const sorted = await pipeline([{ step: "table_sort", field: "a.b", order: "asc" }], deep);
    expect((sorted as { id: number }[]).map(({ id }) => id)).toStrictEqual([2, 1]);
  });
});

describe("table_filter", () => {
  const rows: Json = [{ n: 1 }, { n: 2 }, { n: "2" }, { n: null }, { x: 1 }, { n: [1] }];
  test.each([
    ["==", 2, [{ n: 2 }]],
    ["!=", 2, [{ n: 1 }, { n: "2" }, { n: null }, { n: [1] }]],
    [">=", 2, [{ n: 2 }]],
    ["<", 2, [{ n: 1 }]],
    ["<=", "3", [{ n: "2" }]],
    [">", "1", [{ n: "2" }]],
    ["==", null, [{ n: null }]],
    ["==", [1], [{ n: [1] }]],
    ["<", null, []],
    ["<", [2], []],
  ])("n %s %j", async (op, value, expected) => {
    const kept = await pipeline([{ step: "table_filter", condition: { field: "n", op, value } }], rows);
    expect(kept).toStrictEqual(expected);
  });

  test("without the field a row drops out, whatever is asked", async () => {
    const kept = await pipeline([{ step: "table_filter", condition: { field: "q", op: "!=", value: 1 } }], rows);
    expect(kept).toStrictEqual([]);
  });
});

describe("table_select, top_k", () => {
  test("select keeps the named columns in the order named; a dotted path becomes a column", async () => {
    const selected = await pipeline(
      [{ step: "table_select", fields: ["b", "a", "c.d"] }],
      [{ a: 1, b: 2, c: { d: 3 }, e: 4 }, { b: 5 }],
    );
    expect(JSON.stringify(selected)).toBe('[{"b":2,"a":1,"c.d":3},{"b":5}]');
  });

  test("top_k takes the first, or the largest by a field", async () => {
    const rows: Json = [{ n: 1 }, { n: 3 }, {}, { n: 2 }];
    expect(await pipeline([{ step: "top_k", k: 2 }], rows)).toStrictEqual([{ n: 1 }, { n: 3 }]);
    expect(await pipeline([{ step: "top_k", k: 2, field: "n" }], rows)).toStrictEqual([{ n: 3 }, { n: 2 }]);
    expect(await pipeline([{ step: "top_k", k: Number.MAX_SAFE_INTEGER }], [5, 6])).toStrictEqual([5, 6]);
    expect(await errorOf([{ step: "top_k", k: 0 }], rows)).toContain("/pipeline/0/k");
    expect(await errorOf([{ step: "top_k", k: 1e300 }], rows)).toContain("/pipeline/0/k");
    expect(await errorOf([{ step: "top_k", k: 1 }], { a: 1 })).toContain("not a list");
  });
});

describe("groupby", () => {
  const rows: Json = [
    { c: "de", n: 1 },
    { c: "fr", n: 5 },
    { c: "de", n: 2 },
    { c: null, n: 4 },
    { n: null, c: "fr" },
  ];
  const by = (agg: string, field?: string) => [{ step: "groupby", by: ["c"], agg, ...(field ? { field } : {}) }];

  test.each([
    ["count", undefined, "count", [2, 2, 1]],
    ["count", "n", "count_n", [2, 1, 1]],
    ["sum", "n", "sum_n", [3, 5, 4]],
    ["avg", "n", "avg_n", [1.5, 5, 4]],
    ["min", "n", "min_n", [1, 5, 4]],
    ["max", "n", "max_n", [2, 5, 4]],
  ])("%s of %s, groups in the order of their first rows", async (agg, field, column, values) => {
    const grouped = await pipeline(by(agg, field), rows);
    expect(grouped).toStrictEqual(["de", "fr", null].map((c, index) => ({ c, [column]: values[index] })));
  });

  test("of nothing: sum is 0, the others are null", async () => {
    for (const [agg, value] of [
      ["sum", 0],
      ["avg", null],
      ["min", null],
      ["max", null],
    ] as const) {
      const grouped = await pipeline([{ step: "groupby", by: ["a"], agg, field: "n" }], [{ a: 1 }]);
      expect(grouped).toStrictEqual([{ a: 1, [`${agg}_n`]: value }]);
    }
  });

  test("by nothing is one group, also of no rows", async () => {
    expect(await pipeline([{ step: "groupby", by: [], agg: "sum", field: "n" }], [{ n: 1 }, { n: 2 }])).toStrictEqual([
      { sum_n: 3 },
    ]);
    expect(await pipeline([{ step: "groupby", by: [], agg: "count" }], [])).toStrictEqual([{ count: 0 }]);
  });

  test('1, "1", true and their like are different keys', async () => {
    const mixed: Json = [
      { k: 1 },
      { k: "1" },
      { k: true },
      { k: [1] },
      { k: 1 },
      { k: { a: 1, b: 2 } },
      { k: { b: 2, a: 1 } },
    ];
    const grouped = await pipeline([{ step: "groupby", by: ["k"], agg: "count" }], mixed);
    expect((grouped as { count: number }[]).map(({ count }) => count)).toStrictEqual([2, 1, 1, 1, 2]);
  });

  test("and joins take texts with halves of surrogate pairs, as servers send them", async () => {
    const halves: Json = [{ k: "\ud800" }, { k: "\udc00" }, { k: "\ud800" }, { k: { "\ud800": 1 } }];
    const grouped = await pipeline([{ step: "groupby", by: ["k"], agg: "count" }], halves);
    expect((grouped as { count: number }[]).map(({ count }) => count)).toStrictEqual([2, 1, 1]);
    const right = { step: "join", left: "$session.input", right: "$session.input", on: "k" };
    expect(await pipeline([right, { step: "jq_transform", query: "length" }], halves)).toBe(6);
  });

  test("says which row cannot be aggregated, and which names clash", async () => {
    expect(
      await errorOf(by("sum", "n"), [
        { c: 1, n: 1 },
        { c: 1, n: "2" },
      ]),
    ).toContain('row 1 has a string in "n"');
    expect(
      await errorOf(by("max", "n"), [
        { c: 1, n: 1 },
        { c: 1, n: "2" },
      ]),
    ).toContain("cannot compare numbers with text");
    expect(await errorOf(by("sum"), rows)).toContain('sum needs "field"');
    expect(await errorOf([{ step: "groupby", by: ["count"], agg: "count" }], [])).toContain('named "count"');
    expect(await errorOf(by("sum", "n"), [{ n: 1e308 }, { n: 1e308 }])).toContain("beyond the range");
  });
});

describe("join", () => {
  const left: Json = [{ id: 1, name: "Ada" }, { id: 2, name: "Bo" }, { name: "none" }, { id: null, name: "null" }];
  const right: Json = [{ id: 2, name: "two", x: 1 }, { id: 1, y: 2 }, { id: 2, x: 3 }, { id: null }];

  test("is inner, in the order of the left rows and then of the right ones", async () => {
    expect(await pipeline([{ step: "join", right, on: "id" }], left)).toStrictEqual([
      { id: 1, name: "Ada", y: 2 },
      { id: 2, name: "Bo", right_name: "two", x: 1 },
      { id: 2, name: "Bo", x: 3 },
    ]);
  });

  test("takes its sides from references and from inline tables", async () => {
    const context = testContext();
    const byReference = await pipeline(
      [{ step: "join", left: "$nodes.orders.body.rows", right: "$nodes.customers", on: "id" }],
      null,
      context,
    );
    expect(byReference).toStrictEqual([{ id: 1, total: 5, name: "Ada" }]);
    const inline = await pipeline([{ step: "join", left: [{ k: 1 }], right: [{ k: 1, v: 2 }], on: "k" }], null);
    expect(inline).toStrictEqual([{ k: 1, v: 2 }]);
  });

  test("says which side is no table", async () => {
    expect(await errorOf([{ step: "join", right: "$nodes.orders", on: "id" }], left)).toContain("right is an object");
    expect(await errorOf([{ step: "join", right: "$nodes.gone", on: "id" }], left)).toContain(
      '"right": node "gone" has no output',
    );
    expect(await errorOf([{ step: "join", right: "nodes.x", on: "id" }], left)).toContain("is no reference");
    expect(await errorOf([{ step: "join", right, on: "id" }], 5)).toContain("left is a number");
  });

  test("finds a free name for each column that both sides have", async () => {
    const joined = await pipeline(
      [{ step: "join", right: [{ id: 1, a: 2, right_a: 3 }], on: "id" }],
      [{ id: 1, a: 0, right_a: 1 }],
    );
    expect(joined).toStrictEqual([{ id: 1, a: 0, right_a: 1, right_right_a: 2, right_right_right_a: 3 }]);
  });
});

describe("http_request", () => {
  test("yields the parsed body; params of a GET are its query", async () => {
    const context = testContext(() => ok({ items: [1] }));
    const url = "https://api.example.com/x";
    const result = await pipeline(
      [{ step: "http_request", url, method: "GET", params: { q: "a b", tags: [1, 2] } }],
      null,
      context,
    );
    expect(result).toStrictEqual({ items: [1] });
    expect(context.asked.requests).toStrictEqual([
      { method: "GET", url, query: { q: "a b", tags: [1, 2] }, secrets: [] },
    ]);
  });

  test("params of a POST are its body; without them the result of the step before is", async () => {
    const context = testContext((request) => ok({ got: request.payload ?? null }));
    const url = "https://api.example.com/x";
    const headers = { "x-a": "1" };
    expect(
      await pipeline([{ step: "http_request", url, method: "POST", params: [1], headers }], 7, context),
    ).toStrictEqual({ got: [1] });
    expect(await pipeline([{ step: "http_request", url, method: "POST" }], { a: 1 }, context)).toStrictEqual({
      got: { a: 1 },
    });
    expect(context.asked.requests[0]).toStrictEqual({ method: "POST", url, payload: [1], headers, secrets: [] });
  });

  test("a refusal and a failure say what was wrong, and what the server said", async () => {
    const refused = await pipeline(
      [
        { step: "table_sort", field: "a" },
        { step: "http_request", url: "http://10.0.0.1/" },
      ],
      [],
      testContext(() => fail(nodeError("url_refused", "private addresses are refused"))),
    );
    expect(refused).toStrictEqual(new Error("step 1 (http_request): url_refused: private addresses are refused"));
    const failed = await pipeline(
      [{ step: "http_request", url: "https://example.com/" }],
      null,
      testContext(() =>
        fail(nodeError("http_status", "the server answered 422", { details: { status: 422, body: "no such city" } })),
      ),
    );
    expect(failed).toStrictEqual(
      new Error("step 0 (http_request): http_status: the server answered 422; it said: no such city"),
    );
  });

  test("never carries a reference to a secret, wherever it stands", async () => {
    const canary = "$secrets.API_KEY";
    for (const step of [
      { url: `https://example.com/${canary}` },
      { url: "https://example.com/", headers: { authorization: `Bearer \${${canary}}` } },
      { url: "https://example.com/", params: { q: canary } },
      { url: "https://example.com/", params: { [canary]: 1 } },
      { url: "https://example.com/", method: "POST", params: [{ deep: [`x \${ ${canary} }`] }] },
      { url: "https://example.com/", method: "POST" },
    ]) {
      const context = testContext();
      const result = await pipeline([{ step: "http_request", ...step }], { fetched: canary }, context);
      expect(String(result)).toContain("cannot refer to a secret");
      expect(context.asked.requests).toStrictEqual([]);
    }
  });

  test("a body that JSON cannot carry whole is not sent", async () => {
    const context = testContext();
    const result = await pipeline(
      [{ step: "http_request", url: "https://e.com", method: "POST" }],
      { t: "\ud800" },
      context,
    );
    expect(String(result)).toContain("the body cannot be sent: a string contains half of a surrogate pair");
    expect(context.asked.requests).toStrictEqual([]);
  });

  test("a query is of plain values", async () => {
    expect(await errorOf([{ step: "http_request", url: "https://e.com", params: { a: { b: 1 } } }], null)).toContain(
      "must be an object of texts",
    );
    expect(await errorOf([{ step: "http_request", url: "https://e.com", params: [1] }], null)).toContain(
      "must be an object of texts",
    );
  });
});

describe("jq_transform", () => {
  test("gives the value itself, or the list when there can be several", async () => {
    const input = { items: [{ n: 1, ok: true }] };
    const jq = (query: string) => pipeline([{ step: "jq_transform", query }], input);
    expect(await jq(".items[0].n")).toBe(1);
    expect(await jq(".items[] | select(.ok)")).toStrictEqual([{ n: 1, ok: true }]);
    expect(await jq(".items[] | select(.gone)")).toStrictEqual([]);
    expect(await jq("empty")).toBeNull();
    expect(await jq("now | todate")).toBe("2026-05-01T00:00:00Z");
  });

  test("says what is wrong with a query, and with the data", async () => {
    expect(await errorOf([{ step: "jq_transform", query: ".a |" }], 1)).toContain(
      "the query cannot be used: the program ends",
    );
    expect(await errorOf([{ step: "jq_transform", query: ".a" }], 1)).toBe(
      'step 0 (jq_transform): Cannot index number with string "a"',
    );
  });
});

describe("regex_extract", () => {
  test("named groups of the first match become columns; null where there is none", async () => {
    const rows: Json = [{ t: "a-12 b-34" }, { t: "none" }, { t: 5 }, { t: null }, {}, { t: "x-" }];
    const extracted = await pipeline(
      [{ step: "regex_extract", pattern: "(?P<l>[a-z])-(?P<n>\\d+)?", field: "t" }],
      rows,
    );
    expect(extracted).toStrictEqual([
      { t: "a-12 b-34", l: "a", n: "12" },
      { t: "none", l: null, n: null },
      { t: 5, l: null, n: null },
      { t: null, l: null, n: null },
      { l: null, n: null },
      { t: "x-", l: "x", n: null },
    ]);
  });

  test("reads numbers as text, both ways of naming groups, and characters beyond the basic plane", async () => {
    const pattern = "(?<first>.)(?P<rest>.*)";
    expect(await pipeline([{ step: "regex_extract", pattern, field: "t" }], [{ t: 42 }, { t: "😀é" }])).toStrictEqual([
      { t: 42, first: "4", rest: "2" },
      { t: "😀é", first: "😀", rest: "é" },
    ]);
  });

  test("says what RE2 does not have, and that a group needs a name", async () => {
    const error = (pattern: string) => errorOf([{ step: "regex_extract", pattern, field: "t" }], []);
    expect(await error("(?P<a>x)(?=y)")).toContain("RE2 has no backreferences and no lookaround");
    expect(await error("(?P<a>x)\\1")).toContain("the pattern cannot be used");
    expect(await error("(\\d+)")).toContain("(?P<name>…)");
    expect(await error("(?P<a>")).toContain("the pattern cannot be used");
  });

  test("a group may have the name of something that objects inherit", async () => {
    const [row] = (await pipeline(
      [{ step: "regex_extract", pattern: "(?P<__proto__>a)(?P<constructor>b)", field: "t" }],
      [{ t: "ab" }],
    )) as object[];
    expect(JSON.stringify(row)).toBe('{"t":"ab","__proto__":"a","constructor":"b"}');
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });
});

describe("a table", () => {
  test("is asked for with what stands there instead, and how to get at it", async () => {
    expect(await errorOf([{ step: "table_sort", field: "a" }], { data: [1], meta: 2 })).toBe(
      'step 0 (table_sort): the input is an object with the keys data, meta, not a table (a list of objects); take the list with { "step": "jq_transform", "query": ".data" } first',
    );
    expect(await errorOf([{ step: "table_sort", field: "a" }], [{ a: 1 }, 5])).toContain(
      "element 1 is a number, not an object",
    );
    expect(await errorOf([{ step: "table_select", fields: ["a"] }], null)).toContain("the input is null, not a table");
  });

  test("with rows that have members of Object as columns is a table like any other", async () => {
    const rows = JSON.parse('[{"__proto__":1,"constructor":"b"},{"__proto__":2,"constructor":"a"}]') as Json;
    const text = async (step: object) => JSON.stringify(await pipeline([step], rows));
    expect(await text({ step: "table_sort", field: "constructor", order: "asc" })).toBe(
      '[{"__proto__":2,"constructor":"a"},{"__proto__":1,"constructor":"b"}]',
    );
    expect(await text({ step: "table_select", fields: ["__proto__"] })).toBe('[{"__proto__":1},{"__proto__":2}]');
    expect(await text({ step: "groupby", by: ["__proto__"], agg: "count" })).toBe(
      '[{"__proto__":1,"count":1},{"__proto__":2,"count":1}]',
    );
    expect(await text({ step: "table_filter", condition: { field: "toString", op: "!=", value: 1 } })).toBe("[]");
    expect(await text({ step: "join", right: [{ constructor: "a", v: 1 }], on: "constructor" })).toBe(
      '[{"__proto__":2,"constructor":"a","v":1}]',
    );
    expect(({} as { count?: number }).count).toBeUndefined();
  });
});
