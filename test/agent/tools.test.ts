import { describe, expect, test } from "vitest";
import { TOOL_NAMES, type WorkflowListing } from "#agent/tool.ts";
import { toolboxOf } from "#agent/toolbox.ts";
import { callTool, readsOnly } from "#agent/tools/call-tool.ts";
import {
  ARGUMENTS_LENGTH_MAX,
  DELEGATED_INPUTS_BYTES_MAX,
  SEARCH_LIMIT_DEFAULT,
  SEARCH_LIMIT_MAX,
  SEARCH_QUERY_LENGTH_MAX,
  SEARCHED_WORKFLOWS_MAX,
  TOOL_ERROR_LENGTH_MAX,
  TOOL_RESULT_BYTES_MAX,
} from "#agent/tools/limits.ts";
import { TOOLS } from "#agent/tools/registry.ts";
import { fail, ok } from "#kernel/errors.ts";
import { isDeeperThan, JSON_DEPTH_MAX, type Json } from "#kernel/json.ts";
import { DESCRIPTION_LENGTH_MAX, PATCH_OPERATIONS_MAX } from "#workflow/limits.ts";
import { call, testContext } from "./context.ts";

describe("tools: how a model is told of them", () => {
  const specsOf = (names: readonly string[] | null) => toolboxOf(names, testContext()).specs;

  test("in a fixed order, the same bytes however they are named", () => {
    const bytes = JSON.stringify(specsOf(null));
    expect(specsOf(null).map(({ name }) => name)).toStrictEqual([...TOOL_NAMES]);
    expect(JSON.stringify(specsOf([...TOOL_NAMES].reverse()))).toBe(bytes);
    expect(JSON.stringify(specsOf([...TOOL_NAMES, ...TOOL_NAMES]))).toBe(bytes);
    expect(specsOf(["delegate_to_agent", "patch_workflow"]).map(({ name }) => name)).toStrictEqual([
      "patch_workflow",
      "delegate_to_agent",
    ]);
    expect(specsOf([])).toStrictEqual([]);
  });

  test("as JSON Schemas that close their objects, name no dialect and hold nothing but JSON", () => {
    for (const { description, parameters } of specsOf(null)) {
      expect(description.length).toBeGreaterThan(50);
      expect(parameters).toMatchObject({
        type: "object",
        additionalProperties: false,
        properties: expect.any(Object),
      });
      expect(parameters.$schema).toBeUndefined();
      expect(JSON.parse(JSON.stringify(parameters))).toStrictEqual(parameters);
    }
  });

  test.each(TOOL_NAMES)("%s: its example is a call that fits", async (name) => {
    const context = testContext(() => ok({ orders: [{ country: "de", amount: 1 }] }), {
      openApi: async () => fail("not asked for"),
    });
    const answer = await call(name, TOOLS[name].example, context);
    expect(JSON.stringify(answer)).not.toContain("do not fit");
  });
});

describe("tools: a call that cannot be carried out is an answer", () => {
  test("an unknown tool, and one that the node does not have", async () => {
    const unknown = await callTool({ name: "rm_rf", arguments: "{}" }, ["search_tools"], testContext());
    expect(unknown).toStrictEqual({ ok: false, error: 'there is no tool "rm_rf"; there are search_tools' });
    expect(await call("patch_workflow", {}, testContext(), [])).toStrictEqual({
      ok: false,
      error: 'there is no tool "patch_workflow"; there are none',
    });
    expect(await call("__proto__", {})).toMatchObject({ ok: false });
    expect(await call("constructor", {})).toMatchObject({ ok: false });
  });

  test.each(["{", "{'query': 1}", '{"query": "x",}', "undefined", "[1] trailing"])(
    "arguments that are not JSON: %s",
    async (text) => {
      expect(await call("search_tools", text)).toStrictEqual({
        ok: false,
        error: expect.stringContaining("the arguments are not JSON"),
        example: TOOLS.search_tools.example,
      });
    },
  );

  test.each([
    ["null", null],
    ["a list", [1]],
    ["a text", '"x"'],
    ["nothing", ""],
  ])("arguments that are %s", async (_, args) => {
    const answer = await call("search_tools", args);
    expect(answer).toMatchObject({
      ok: false,
      error: expect.stringContaining("the arguments do not fit"),
      example: TOOLS.search_tools.example,
    });
  });

  test("every problem at once", async () => {
    const answer = await call("delegate_to_agent", { agent: "not a tag!", inputs: [1], extra: true });
    const { error } = answer as { error: string };
    for (const part of ["/agent: must be", "/inputs: must be an object", "/extra: unknown field"])
      expect(error).toContain(part);
  });

  test("arguments too long or too deep", async () => {
    const sized = (length: number) => JSON.stringify({ query: "x", pad: "y".repeat(length - 22) });
    expect(sized(ARGUMENTS_LENGTH_MAX)).toHaveLength(ARGUMENTS_LENGTH_MAX);
    expect(await call("search_tools", sized(ARGUMENTS_LENGTH_MAX))).toMatchObject({
      error: expect.stringContaining("/pad: unknown field"),
    });
    expect(await call("search_tools", sized(ARGUMENTS_LENGTH_MAX + 1))).toMatchObject({
      error: `the arguments have more than ${ARGUMENTS_LENGTH_MAX} characters`,
    });
    let deep: Json = 1;
    for (let level = 0; level < JSON_DEPTH_MAX; level++) deep = [deep];
    expect(isDeeperThan({ deep })).toBe(true);
    expect(await call("delegate_to_agent", { agent: "a", inputs: { deep } })).toMatchObject({
      error: "the arguments cannot be taken: arrays and objects may nest at most 64 levels",
    });
    expect(await call("search_tools", "[".repeat(100_000))).toMatchObject({ ok: false });
    for (const [text, problem] of [
      ['{"query":"\\ud800"}', "half of a surrogate pair"],
      ['{"query":"x","limit":1e999}', "a number is too large"],
    ]) {
      expect(await call("search_tools", text)).toMatchObject({ error: expect.stringContaining(problem ?? "") });
    }
  });

  test("an error is cut to its bound", async () => {
    const context = testContext(undefined, { delegate: async () => fail("x".repeat(TOOL_ERROR_LENGTH_MAX + 1)) });
    const answer = await call("delegate_to_agent", { agent: "a", inputs: {} }, context);
    expect((answer as { error: string }).error).toHaveLength(TOOL_ERROR_LENGTH_MAX + 1);
    expect((answer as { error: string }).error.endsWith("…")).toBe(true);
  });

  test("what a port throws is told to the caller and not to the model", async () => {
    const canary = "password=hunter2";
    const faults: unknown[] = [];
    const context = testContext(undefined, {
      delegate: async () => {
        throw new Error(canary);
      },
    });
    const given = { name: "delegate_to_agent", arguments: '{"agent":"a","inputs":{}}' };
    const answer = await callTool(given, TOOL_NAMES, context, (error) => faults.push(error));
    expect(answer).toStrictEqual({
      ok: false,
      error: "delegate_to_agent failed for a reason that is not yours; try it once more",
    });
    expect(String(faults[0])).toContain(canary);
    const cancelled = { ...context, signal: AbortSignal.abort() };
    expect(await callTool(given, TOOL_NAMES, cancelled)).toStrictEqual({ ok: false, error: "the call was cancelled" });
  });
});

describe("tools: which calls may run beside others", () => {
  const reads = (name: string, args: unknown) => readsOnly({ name, arguments: JSON.stringify(args) }, TOOL_NAMES);
  const get = { step: "http_request", url: "https://e.com" };

  test.each([
    ["search_tools", { query: "x" }, true],
    ["execute_pipeline", { pipeline: [get, { step: "top_k", k: 1 }] }, true],
    ["execute_pipeline", { pipeline: [{ ...get, method: "POST" }] }, false],
    ["execute_pipeline", { pipeline: [get], session_id: "s" }, false],
    ["patch_workflow", { patch_spec: { operations: [{ op: "remove", path: "/edges/0" }] } }, false],
    ["openapi_action", { openapi_url: "https://e.com", operation_id: "x" }, false],
    ["delegate_to_agent", { agent: "a", inputs: {} }, false],
    ["execute_pipeline", { pipeline: [{ step: "nothing" }] }, true],
    ["nothing", {}, true],
  ])("%s %j: %s", (name, args, expected) => {
    expect(reads(name, args)).toBe(expected);
  });
});

describe("patch_workflow", () => {
  const operations = [{ op: "add", path: "/nodes/-", value: { id: "check", type: "transform" } }];

  test("hands the operations on as they are, and gives the difference back", async () => {
    const context = testContext();
    const answer = await call("patch_workflow", { patch_spec: { operations, description: "why" } }, context);
    expect(answer).toStrictEqual({
      ok: true,
      result: {
        applied: true,
        diff: ["node check added"],
        note: "it takes effect with your final answer, before your successors start",
      },
    });
    expect(context.asked.patches).toStrictEqual([{ operations, description: "why" }]);
  });

  test("says so when a human decides on it", async () => {
    const context = testContext(undefined, { proposePatch: async () => ok({ diff: ["x"], gated: true }) });
    expect(await call("patch_workflow", { patch_spec: { operations } }, context)).toStrictEqual({
      ok: true,
      result: { applied: false, diff: ["x"], note: "kept for a human to decide on" },
    });
  });

  test("keeps members of a value that are named like members of objects", async () => {
    const context = testContext();
    const text =
      '{"patch_spec":{"operations":[{"op":"add","path":"/nodes/-","value":{"__proto__":{"a":1},"constructor":2}}]}}';
    await call("patch_workflow", text, context);
    expect(JSON.stringify(context.asked.patches[0]?.operations)).toBe(
      '[{"op":"add","path":"/nodes/-","value":{"__proto__":{"a":1},"constructor":2}}]',
    );
  });

  test("tells the reason of a refusal, what is wrong where, and a patch that would be accepted", async () => {
    const example = { operations: [] };
    const context = testContext(undefined, {
      proposePatch: async () =>
        fail({
          reason: "approvals cannot be removed",
          problems: [{ pointer: "/0/path", message: "is an approval" }],
          example,
        }),
    });
    expect(await call("patch_workflow", { patch_spec: { operations } }, context)).toStrictEqual({
      ok: false,
      error: "the patch was refused: approvals cannot be removed (/0/path: is an approval)",
      example,
    });
  });

  test("with a tag it proposes a change of the stored workflow, and the run stays as it is", async () => {
    const context = testContext();
    const answer = await call("patch_workflow", { patch_spec: { operations }, workflow_tag: "nightly" }, context);
    expect(answer).toMatchObject({ ok: true, result: { proposal_id: "prop_1" } });
    expect(context.asked.patches).toStrictEqual([{ operations, description: null, tag: "nightly" }]);
    const refused = testContext(undefined, { proposeWorkflowChange: async () => fail("there is no workflow nightly") });
    expect(
      await call("patch_workflow", { patch_spec: { operations }, workflow_tag: "nightly" }, refused),
    ).toStrictEqual({
      ok: false,
      error: "there is no workflow nightly",
    });
  });

  test("judges the form of every operation before anything is asked for", async () => {
    const context = testContext();
    const answer = await call(
      "patch_workflow",
      {
        patch_spec: {
          operations: [
            { op: "add", path: "nodes/-", value: 1 },
            { op: "add", path: "/nodes/-" },
            { op: "delete", path: "/nodes/0" },
            { op: "remove", path: "/x", value: 1 },
          ],
        },
      },
      context,
    );
    const { error } = answer as { error: string };
    for (const part of ["operations/0/path", "operations/1/value", "operations/2/op", "operations/3/value"]) {
      expect(error).toContain(`/patch_spec/${part}`);
    }
    expect(context.asked.patches).toStrictEqual([]);
  });

  test("operations and description are bounded", async () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ op: "test", path: "", value: null }));
    const patch = (count: number, length: number) =>
      call("patch_workflow", { patch_spec: { operations: many(count), description: "d".repeat(length) } });
    expect(await patch(PATCH_OPERATIONS_MAX, DESCRIPTION_LENGTH_MAX)).toMatchObject({ ok: true });
    expect(await patch(PATCH_OPERATIONS_MAX + 1, 1)).toMatchObject({
      error: expect.stringContaining("/patch_spec/operations"),
    });
    expect(await patch(0, 1)).toMatchObject({ error: expect.stringContaining("/patch_spec/operations") });
    expect(await patch(1, DESCRIPTION_LENGTH_MAX + 1)).toMatchObject({
      error: expect.stringContaining("/patch_spec/description"),
    });
  });
});

describe("search_tools", () => {
  const workflows: WorkflowListing[] = [
    { tag: "summarise-page", name: "Page summary", description: "Reads a web page and sums it up", agents: 1 },
    { tag: "nightly-report", name: null, description: "Sends the figures of the day by mail", agents: 0 },
    { tag: "refund", name: "Refund a payment", description: null, agents: 0 },
  ];
  const context = testContext(undefined, { workflows: async () => workflows });

  async function search(
    query: string,
    limit?: number,
  ): Promise<{ matches: { kind: string; name: string }[]; found: number }> {
    const answer = await call("search_tools", { query, ...(limit === undefined ? {} : { limit }) }, context);
    if (!answer.ok) throw new Error(answer.error);
    return answer.result as unknown as { matches: { kind: string; name: string }[]; found: number };
  }

  test.each([
    ["summarise a web page", "workflow", "summarise-page"],
    ["refund", "workflow", "refund"],
    ["figures of the day", "workflow", "nightly-report"],
    ["http", "node_type", "http"],
    ["fliter", "node_type", "filter"],
    ["uuid", "function", "uuid"],
    ["openapi", "tool", "openapi_action"],
    ["regex", "pipeline_step", "regex_extract"],
    ["toJson", "function", "to_json"],
  ])("%s", async (query, kind, name) => {
    const { matches } = await search(query);
    expect(matches[0]).toMatchObject({ kind, name });
  });

  test("shows what a workflow is for", async () => {
    const { matches } = await search("summarise-page");
    expect(matches[0]).toStrictEqual({
      kind: "workflow",
      name: "summarise-page",
      title: "Page summary",
      description: "Reads a web page and sums it up",
      agents: 1,
    });
  });

  test("gives at most what is asked for, says how many there are, and the same order each time", async () => {
    const all = await search("a node or step or tool or function of a workflow", SEARCH_LIMIT_MAX);
    expect(all.found).toBeGreaterThan(SEARCH_LIMIT_DEFAULT);
    const few = await search("a node or step or tool or function of a workflow");
    expect(few.matches).toStrictEqual(all.matches.slice(0, SEARCH_LIMIT_DEFAULT));
    expect(few.found).toBe(all.found);
    expect(await search("a node or step or tool or function of a workflow")).toStrictEqual(few);
    expect(await search("qqqqqqqq")).toStrictEqual({ matches: [], found: 0 });
    expect(await search("!!! ???")).toStrictEqual({ matches: [], found: 0 });
  });

  test("query and limit are bounded, and workflows looked through are", async () => {
    await search("x".repeat(SEARCH_QUERY_LENGTH_MAX), SEARCH_LIMIT_MAX);
    await expect(search("x".repeat(SEARCH_QUERY_LENGTH_MAX + 1))).rejects.toThrow("/query");
    await expect(search("x", SEARCH_LIMIT_MAX + 1)).rejects.toThrow("/limit");
    await expect(search("x", 0)).rejects.toThrow("/limit");
    const many = Array.from({ length: SEARCHED_WORKFLOWS_MAX + 1 }, (_, index) => ({
      tag: `zebra-${index}`,
      name: null,
      description: null,
      agents: 0,
    }));
    const full = testContext(undefined, { workflows: async () => many });
    const answer = await call("search_tools", { query: "zebra" }, full);
    expect(answer).toMatchObject({ ok: true, result: { found: SEARCHED_WORKFLOWS_MAX } });
  });
});

describe("delegate_to_agent", () => {
  test("gives the child's outputs, or why there are none", async () => {
    const context = testContext();
    expect(await call("delegate_to_agent", { agent: "writer", inputs: { a: 1 } }, context)).toStrictEqual({
      ok: true,
      result: { done: "writer" },
    });
    expect(context.asked.delegated).toStrictEqual([{ agent: "writer", inputs: { a: 1 } }]);
    const failing = testContext(undefined, { delegate: async () => fail("the run failed: timeout") });
    expect(await call("delegate_to_agent", { agent: "writer", inputs: {} }, failing)).toStrictEqual({
      ok: false,
      error: "the run failed: timeout",
    });
  });

  test("inputs are bounded, and outputs are cut: the child has run", async () => {
    const delegate = (length: number) => call("delegate_to_agent", { agent: "a", inputs: { t: "é".repeat(length) } });
    const most = (DELEGATED_INPUTS_BYTES_MAX - '{"t":""}'.length) / 2;
    expect(await delegate(most)).toMatchObject({ ok: true });
    expect(await delegate(most + 1)).toMatchObject({
      error: expect.stringContaining(`at most ${DELEGATED_INPUTS_BYTES_MAX}`),
    });
    const giving = (value: Json) =>
      call(
        "delegate_to_agent",
        { agent: "a", inputs: {} },
        testContext(undefined, { delegate: async () => ok(value) }),
      );
    const text = "x".repeat(TOOL_RESULT_BYTES_MAX - 2);
    expect(await giving(text)).toStrictEqual({ ok: true, result: text });
    const cut = await giving(`${text}x`);
    expect(cut).toMatchObject({ ok: true, result: { truncated: true, bytes: TOOL_RESULT_BYTES_MAX + 1 } });
    expect(JSON.stringify(cut).length).toBeLessThan(TOOL_RESULT_BYTES_MAX);
  });
});
