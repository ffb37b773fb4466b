import { describe, expect, test } from "vitest";
import { PATTERN_LENGTH_MAX, PATTERN_REPETITIONS_MAX, PATTERN_TEXT_LENGTH_MAX } from "#agent/pattern.ts";
import {
  FIELD_LENGTH_MAX,
  FIELDS_MAX,
  PIPELINE_STEPS_MAX,
  PREVIEW_ROWS,
  RESULT_BYTES_MAX,
  SESSIONS_BYTES_MAX,
  SESSIONS_MAX,
  STEP_OUTPUT_BYTES_MAX,
  TABLE_CELLS_MAX,
  TABLE_ROWS_MAX,
} from "#agent/pipeline/limits.ts";
import { REFERENCE_LENGTH_MAX } from "#agent/pipeline/references.ts";
import { PipelineSessions } from "#agent/pipeline/sessions.ts";
import { ok } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { CONTENT_ID, call, pipeline, testContext } from "./context.ts";

const same = { step: "jq_transform", query: "." };

async function errorOf(steps: unknown, input: Json): Promise<string> {
  const result = await pipeline(steps, input);
  return result instanceof Error ? result.message : "";
}

describe("execute_pipeline: what the first step is given", () => {
  const read = async (input_ref: string) => {
    const answer = await call("execute_pipeline", { pipeline: [same], input_ref });
    return answer.ok ? answer.result : answer.error;
  };

  test.each([
    ["$nodes.orders.body.rows", [{ id: 1, total: 5 }]],
    ["$nodes.orders.body.rows[0].total", 5],
    ['$nodes.orders.body["a.b"]', 2],
    ["$ctx.customers", [{ id: 1, name: "Ada" }]],
    ["$inputs", { list: [3, 1, 2], name: "x" }],
    ["$inputs.list[2]", 2],
    [`cas://${CONTENT_ID}`, { kept: true }],
  ])("%s", async (reference, value) => {
    expect(await read(reference)).toStrictEqual(value);
  });

  test.each([
    ["$nodes.gone", '"input_ref": node "gone" has no output'],
    ["$nodes.orders.body.nothing", "nothing at .body.nothing"],
    ["$nodes.orders.body.__proto__", "nothing at .body.__proto__"],
    ["$inputs.constructor.name", "nothing at .constructor"],
    ["$session.none", 'there is no session "none": none was kept yet'],
    [`cas://sha256:${"00".repeat(32)}`, "there is no content cas://"],
    ["cas://sha256:short", "is no reference"],
    ["cas://md5:00", "is no reference"],
    ["nodes.orders", "is no reference"],
    ["$secrets.KEY", "is no reference"],
    ["$run.id", "is no reference"],
    ["$nodes", "is no reference"],
    ["$inputs.list and more", "is no reference"],
    ["$".concat("{$inputs.list}"), "is no reference"],
    ["$nodes.orders.body.$".concat("{$inputs.name}"), "is no reference"],
  ])("%s is refused", async (reference, message) => {
    expect(await read(reference)).toContain(message);
  });

  test("without a reference or a session it is null", async () => {
    expect(await call("execute_pipeline", { pipeline: [same] })).toStrictEqual({ ok: true, result: null });
  });
});

describe("execute_pipeline: sessions", () => {
  test("a result is kept, is what the next call begins with, and can be referred to", async () => {
    const context = testContext(() => ok([{ id: 1 }, { id: 2 }]));
    const fetch = { step: "http_request", url: "https://example.com/" };
    await call("execute_pipeline", { session_id: "s", pipeline: [fetch] }, context);
    const top = await call("execute_pipeline", { session_id: "s", pipeline: [{ step: "top_k", k: 1 }] }, context);
    expect(top).toStrictEqual({ ok: true, result: [{ id: 1 }] });
    const joined = { step: "join", left: "$session.s", right: [{ id: 1, v: 5 }], on: "id" };
    expect(await call("execute_pipeline", { pipeline: [joined] }, context)).toStrictEqual({
      ok: true,
      result: [{ id: 1, v: 5 }],
    });
    const path = await call("execute_pipeline", { pipeline: [same], input_ref: "$session.s[0].id" }, context);
    expect(path).toStrictEqual({ ok: true, result: 1 });
    expect(await call("execute_pipeline", { pipeline: [same], input_ref: "$session.t" }, context)).toStrictEqual({
      ok: false,
      error: '"input_ref": there is no session "t"; known are s',
    });
  });

  test("of one attempt are nothing to another", async () => {
    const context = testContext();
    await call("execute_pipeline", { session_id: "s", pipeline: [{ step: "jq_transform", query: "1" }] }, context);
    const other = { ...context, sessions: new PipelineSessions() };
    expect(await call("execute_pipeline", { pipeline: [same], input_ref: "$session.s" }, other)).toMatchObject({
      ok: false,
    });
  });

  test("are bounded in number and size, and a refused one changes nothing", () => {
    const sessions = new PipelineSessions();
    for (let index = 0; index < SESSIONS_MAX; index++) expect(sessions.keep(`s${index}`, index, 1).ok).toBe(true);
    expect(sessions.keep("more", 1, 1)).toMatchObject({ ok: false });
    expect(sessions.keep("s0", 100, SESSIONS_BYTES_MAX - (SESSIONS_MAX - 1)).ok).toBe(true);
    expect(sessions.keep("s1", 101, 2)).toMatchObject({ ok: false });
    expect(sessions.get("s1")).toBe(1);
    expect(sessions.keep("s0", 0, 1).ok).toBe(true);
    expect(sessions.keep("s1", 101, 2).ok).toBe(true);
  });

  test("keep what failed as it was", async () => {
    const context = testContext();
    context.sessions.keep("s", [{ a: 1 }], 8);
    await call("execute_pipeline", { session_id: "s", pipeline: [{ step: "jq_transform", query: "error" }] }, context);
    expect(context.sessions.get("s")).toStrictEqual([{ a: 1 }]);
  });
});

describe("execute_pipeline: what comes back", () => {
  test("is the whole result up to its bound, and then an error that says what to do", async () => {
    const sized = (bytes: number) => [{ step: "jq_transform", query: `"x" * ${bytes - 2}` }];
    expect(await pipeline(sized(RESULT_BYTES_MAX), null)).toBe("x".repeat(RESULT_BYTES_MAX - 2));
    expect(await errorOf(sized(RESULT_BYTES_MAX + 1), null)).toContain("or name a session_id that keeps it");
  });

  test("is a preview when a session keeps the rest", async () => {
    const context = testContext();
    const args = {
      session_id: "big",
      pipeline: [{ step: "jq_transform", query: '[range(20000) | {n: ., t: "text"}]' }],
    };
    const answer = await call("execute_pipeline", args, context);
    expect(answer).toMatchObject({
      ok: true,
      result: { kept_as: "$session.big", rows: 20_000, first: [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }] },
    });
    expect(JSON.stringify(answer).length).toBeLessThan(1_000);
    expect((answer as unknown as { result: { first: Json[] } }).result.first.length).toBe(PREVIEW_ROWS);
    const last = await call(
      "execute_pipeline",
      { session_id: "big", pipeline: [{ step: "jq_transform", query: ".[-1].n" }] },
      context,
    );
    expect(last).toStrictEqual({ ok: true, result: 19_999 });
  });
});

describe("execute_pipeline: arguments", () => {
  test("every problem is told at once, with an example", async () => {
    const answer = await call("execute_pipeline", {
      pipeline: [
        { step: "table_sort" },
        { step: "sort" },
        { step: "top_k", k: 0, field: 5 },
        { step: "groupby", by: ["a"], agg: "median", extra: 1 },
      ],
      session: "x",
    });
    expect(answer).toMatchObject({ ok: false, example: { pipeline: expect.any(Array) } });
    const { error } = answer as { error: string };
    for (const part of [
      "/pipeline/0/field",
      "/pipeline/1/step",
      "/pipeline/2/k",
      "/pipeline/2/field",
      "/pipeline/3/agg",
      "/pipeline/3/extra",
      "/session",
    ]) {
      expect(error).toContain(part);
    }
  });

  test("steps: at least one, at most as many as said", async () => {
    const steps = (count: number) =>
      pipeline(
        Array.from({ length: count }, () => same),
        1,
      );
    expect(await steps(PIPELINE_STEPS_MAX)).toBe(1);
    expect(String(await steps(PIPELINE_STEPS_MAX + 1))).toContain("/pipeline");
    expect(String(await steps(200))).toContain("/pipeline");
    expect(String(await steps(0))).toContain("/pipeline");
  });

  test("names of columns, references and sessions are bounded", async () => {
    const select = (fields: string[]) => pipeline([{ step: "table_select", fields }], []);
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
    expect(await select(fields(FIELDS_MAX))).toStrictEqual([]);
    expect(String(await select(fields(FIELDS_MAX + 1)))).toContain("/pipeline/0/fields");
    expect(await select(["f".repeat(FIELD_LENGTH_MAX)])).toStrictEqual([]);
    expect(String(await select(["f".repeat(FIELD_LENGTH_MAX + 1)]))).toContain("/pipeline/0/fields/0");
    expect(
      await call("execute_pipeline", { pipeline: [same], input_ref: `$${"x".repeat(REFERENCE_LENGTH_MAX)}` }),
    ).toMatchObject({
      error: expect.stringContaining("/input_ref"),
    });
    for (const session_id of ["", "a b", "x".repeat(65), "../x"]) {
      expect(await call("execute_pipeline", { pipeline: [same], session_id })).toMatchObject({
        error: expect.stringContaining("/session_id"),
      });
    }
  });
});

describe("execute_pipeline: bounds of the data", () => {
  const rows = (count: number): Json => Array.from({ length: count }, () => ({}));

  test("rows", async () => {
    expect(
      await pipeline([{ step: "table_filter", condition: { field: "a", op: "==", value: 1 } }], rows(TABLE_ROWS_MAX)),
    ).toStrictEqual([]);
    expect(await errorOf([{ step: "table_sort", field: "a" }], rows(TABLE_ROWS_MAX + 1))).toContain(
      `at most ${TABLE_ROWS_MAX} are taken`,
    );
  });

  test("cells", async () => {
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`c${index}`, 0]));
    const count = TABLE_CELLS_MAX / 100;
    const table = Array.from({ length: count }, () => wide);
    expect(
      await pipeline(
        [
          { step: "table_select", fields: ["c0"] },
          { step: "top_k", k: 1 },
        ],
        table,
      ),
    ).toStrictEqual([{ c0: 0 }]);
    expect(await errorOf([{ step: "table_select", fields: ["c0"] }], [...table, { a: 1 }])).toContain(
      `at most ${TABLE_CELLS_MAX} are taken`,
    );
  });

  test("a join that multiplies is stopped before it is built", async () => {
    const table = (count: number) => Array.from({ length: count }, () => ({ k: 1 }));
    const join = (left: number, right: number) =>
      pipeline(
        [
          { step: "join", right: table(right), on: "k" },
          { step: "top_k", k: 1 },
        ],
        table(left),
      );
    expect(await join(TABLE_ROWS_MAX / 10, 10)).toStrictEqual([{ k: 1 }]);
    expect(String(await join(TABLE_ROWS_MAX / 10 + 1, 10))).toContain(`more than ${TABLE_ROWS_MAX} rows`);
    const wide = Array.from({ length: 300 }, () => ({
      k: 1,
      ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`c${index}`, 0])),
    }));
    expect(await errorOf([{ step: "join", right: wide, on: "k" }], wide)).toContain(
      `more than ${TABLE_CELLS_MAX} cells`,
    );
  });

  test("bytes that a step hands on", async () => {
    const big = "x".repeat(1_000_000);
    const sized = (bytes: number): Json => {
      const list: Json[] = Array.from({ length: 8 }, () => big);
      return [...list, "x".repeat(bytes - JSON.stringify(list).length - 3)];
    };
    expect(await pipeline([same, { step: "jq_transform", query: "length" }], sized(STEP_OUTPUT_BYTES_MAX))).toBe(9);
    expect(
      await errorOf([same, { step: "jq_transform", query: "length" }], sized(STEP_OUTPUT_BYTES_MAX + 1)),
    ).toContain("are handed on");
  });

  test("work, whatever the step", async () => {
    expect(await errorOf([{ step: "jq_transform", query: "last(range(1e12))" }], null)).toContain(
      "units of work: work on fewer rows",
    );
    const texts = Array.from({ length: 2_000 }, () => ({ t: "ab".repeat(20_000) }));
    expect(await errorOf([{ step: "regex_extract", pattern: "(?P<x>(a|b)*c)", field: "t" }], texts)).toContain(
      "units of work",
    );
    const long = Array.from({ length: 2_500 }, (_, index) => ({ t: `${"x".repeat(3_000)}${index}` }));
    const sorts = Array.from({ length: 50 }, () => ({ step: "table_sort", field: "t" }));
    expect(await errorOf(sorts, long)).toContain("units of work");
  });

  test("depth", async () => {
    expect(await errorOf([{ step: "jq_transform", query: "reduce range(65) as $i (1; [.])" }], null)).toContain(
      "nests deeper",
    );
  });

  test("patterns: length, repetitions, text", async () => {
    const extract = (pattern: string, t = "a") =>
      pipeline(
        [
          { step: "regex_extract", pattern, field: "t" },
          { step: "top_k", k: 1 },
        ],
        [{ t }],
      );
    const long = (length: number) => `(?P<x>${"a".repeat(length - 7)})`;
    expect(await extract(long(PATTERN_LENGTH_MAX))).toHaveLength(1);
    expect(String(await extract(long(PATTERN_LENGTH_MAX + 1)))).toContain(`at most ${PATTERN_LENGTH_MAX} characters`);
    expect(await extract(`(?P<x>a{${PATTERN_REPETITIONS_MAX}})`)).toHaveLength(1);
    expect(String(await extract(`(?P<x>(?:a{100}){11})`))).toContain(`at most ${PATTERN_REPETITIONS_MAX}, not 1100`);
    expect(String(await extract(`(?P<x>((a{999}){999}){999})`))).toContain(`at most ${PATTERN_REPETITIONS_MAX}`);
    const text = (length: number) =>
      pipeline(
        [
          { step: "regex_extract", pattern: "(?P<x>b)", field: "t" },
          { step: "table_select", fields: ["x"] },
        ],
        [{ t: "a".repeat(length) }],
      );
    expect(await text(PATTERN_TEXT_LENGTH_MAX)).toStrictEqual([{ x: null }]);
    expect(String(await text(PATTERN_TEXT_LENGTH_MAX + 1))).toContain(
      `more than ${PATTERN_TEXT_LENGTH_MAX} characters`,
    );
  });

  test("looks ahead of a pattern are paid for, and what is found one after the other is not paid for twice", async () => {
    const many = { step: "jq_transform", query: '[scan("[a-z]{2}")] | length' };
    expect(await pipeline([many], "ab".repeat(20_000))).toBe(20_000);
    const ahead = { step: "jq_transform", query: '[scan("a.*z|a")] | length' };
    expect(await errorOf([ahead], "a".repeat(60_000))).toContain("units of work");
    const threads = { step: "jq_transform", query: 'test("(?:a|b)*a(?:a|b){500}c$")' };
    const ended = await pipeline([threads], "ab".repeat(30_000));
    expect(ended === false || ended instanceof Error).toBe(true);
  });

  test.each(["(?P<x>(a+)+$)", "(?P<x>(a|aa)+$)", "(?P<x>(.*)*(.*)*b)", "(?P<x>([a-zA-Z]+)*$)", "(?P<x>(a*)*b)"])(
    "%s on many characters ends",
    async (pattern) => {
      const result = await pipeline(
        [
          { step: "regex_extract", pattern, field: "t" },
          { step: "table_select", fields: ["x"] },
        ],
        [{ t: `${"a".repeat(30_000)}!` }],
      );
      expect(result instanceof Error || Array.isArray(result)).toBe(true);
    },
  );
});

describe("execute_pipeline: cancelled", () => {
  test("does not begin another step", async () => {
    const controller = new AbortController();
    const context = testContext(() => {
      controller.abort();
      return ok(1);
    });
    const cancelled = { ...context, signal: controller.signal };
    const fetch = { step: "http_request", url: "https://example.com/" };
    expect(await call("execute_pipeline", { pipeline: [fetch, fetch] }, cancelled)).toStrictEqual({
      ok: false,
      error: "step 1 (http_request): the call was cancelled",
    });
    expect(context.asked.requests).toHaveLength(1);
  });
});
