/** The demo model behind the same port and in the same loop as a real one: what it does offline, and that it says so. */
import { describe, expect, test } from "vitest";
import type { AgentTask } from "#agent/agent-task.ts";
import { demoModel } from "#agent/demo-model.ts";
import { runAgent } from "#agent/run-agent.ts";
import type { AgentPatch } from "#engine/task.ts";
import type { Json, JsonObject } from "#kernel/json.ts";
import { valueProblems } from "#workflow/json-schema.ts";
import { applyPatch } from "#workflow/patch.ts";
import { agentTask, type TestTool, tool, world } from "./agent-world.ts";

const rows = [
  { city: "Seattle", degrees: 10 },
  { city: "Portland", degrees: 20 },
];

const flow: JsonObject & { edges: JsonObject[] } = {
  nodes: [
    { id: "fetch", type: "http", config: { url: "https://example.com" } },
    { id: "think", type: "agent", config: { task: "…" } },
    { id: "save", type: "transform", config: { expression: "output" } },
  ],
  edges: [
    { from: "fetch", to: "think" },
    { from: "think", to: "save" },
  ],
};

function demo(task: string, more: Partial<AgentTask["context"]> = {}, config: Partial<AgentTask["config"]> = {}) {
  const base = agentTask({ task, model: "weir-demo", ...config });
  return { ...base, context: { inputs: {}, input: null, workflow: flow, ...more } };
}

async function answer(task: AgentTask, tools: readonly TestTool[] = []) {
  const { ports, settled } = world(demoModel, tools);
  const result = await runAgent(task, ports);
  if (!result.outcome.ok) throw new Error(result.outcome.error.message);
  return { ...result, output: result.outcome.output, settled };
}

describe("demo model", () => {
  test("summarises the data that it is given, the same way every time, and says what it is", async () => {
    const first = await answer(demo("Summarise the weather.", { input: { body: rows } }));
    expect(first.output).toMatchObject({
      text: "[weir-demo] I was given 2 rows: city with 2 different values; degrees from 10 to 20, 15 on average.",
      lane: "answer",
      demo: true,
    });
    expect(first.metrics).toMatchObject({ llm_model: "weir-demo", cost_usd: 0, price_version: expect.any(String) });
    expect(first.settled[0]?.record).toMatchObject({ provider: "weir", answered_model: "weir-demo" });
    const again = await answer(demo("Summarise the weather.", { input: { body: rows } }));
    expect(again.output).toEqual(first.output);
  });

  test("fetches what the task or the inputs name by URL, and summarises it", async () => {
    const asked: Json[] = [];
    const pipeline = tool("execute_pipeline", (args) => {
      asked.push(args);
      return { ok: true, result: rows };
    });
    const task = demo("Fetch the data and summarise it.", { inputs: { data_url: "http://127.0.0.1:1/weather.json" } });
    const { output } = await answer(task, [pipeline]);
    expect(asked).toEqual([
      { pipeline: [{ step: "http_request", url: "http://127.0.0.1:1/weather.json", method: "GET" }] },
    ]);
    expect(output).toMatchObject({ lane: "pipeline", text: expect.stringContaining("2 rows: city") });
  });

  test("puts validate_schema between itself and the next node by a patch that applies", async () => {
    const patches: AgentPatch[] = [];
    const patch = tool("patch_workflow", (args) => {
      const { patch_spec: spec } = args as { patch_spec: { operations: Json[]; description: string } };
      patches.push({ operations: spec.operations, description: spec.description });
      return { ok: true, result: { applied: true } };
    });
    await answer(demo("Add a validation node before saving."), [patch]);
    const applied = applyPatch(flow, patches[0]?.operations ?? []);
    expect(applied).toMatchObject({ ok: true });
    const edges = applied.ok ? (applied.value as typeof flow).edges : [];
    expect(edges).toEqual([
      { from: "fetch", to: "think" },
      { from: "think", to: "validate_schema" },
      { from: "validate_schema", to: "save" },
    ]);
  });

  test("delegates to the workflow that the task names, with the run's inputs", async () => {
    const asked: Json[] = [];
    const delegate = tool("delegate_to_agent", (args) => {
      asked.push(args);
      return { ok: true, result: { report: "fine" } };
    });
    const task = demo('Delegate this to "summarise-data".', { inputs: { city: "Seattle" } });
    const { output } = await answer(task, [delegate]);
    expect(asked).toEqual([{ agent: "summarise-data", inputs: { city: "Seattle" } }]);
    expect(output.text).toContain("an object with report");
  });

  test("says so when a tool refuses", async () => {
    const pipeline = tool("execute_pipeline", () => ({ ok: false, error: "the URL is refused" }));
    const { output } = await answer(demo("Fetch http://10.0.0.1/ please."), [pipeline]);
    expect(output.text).toContain("the URL is refused");
  });

  test("answers by a schema with a value that fits it", async () => {
    const outputSchema = {
      type: "object",
      properties: {
        rows: { type: "integer", minimum: 1 },
        note: { type: "string", maxLength: 40 },
        kind: { enum: ["data", "text"] },
        tags: { type: "array", items: { type: "string" }, minItems: 2 },
        inner: { type: "object", properties: { good: { type: "boolean" } }, required: ["good"] },
      },
      required: ["rows", "note", "kind", "tags", "inner"],
      additionalProperties: false,
    };
    const { output } = await answer(demo("Summarise.", { input: rows }, { outputSchema }));
    expect(valueProblems(outputSchema, output.result ?? null)).toEqual([]);
    expect(output.result).toMatchObject({ rows: 2, kind: "data", note: expect.stringContaining("[weir-demo]") });
  });
});
