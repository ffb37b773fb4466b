/** The happy paths against somebody else's idea of an OpenAI-compatible server: aimock, over real HTTP. */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runAgent } from "#agent/run-agent.ts";
import { agentTask, openAi, tool, world } from "./agent-world.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1" });
beforeAll(async () => {
  await mock.start();
});
afterEach(() => {
  mock.reset();
});
afterAll(() => mock.stop());

const add = tool("add", (args) => ({ ok: true, result: { sum: (args as { a: number }).a + 1 } }));

describe.each([
  ["streamed", true],
  ["in one piece", false],
])("agent at aimock, answers %s", (_, isStreamed) => {
  const model = () => openAi(`${mock.url}/v1`, isStreamed);

  test("a plain answer", async () => {
    mock.onMessage(/Summarise/, { content: "Three rows." });
    const { outcome, metrics } = await runAgent(agentTask(), world(model()).ports);
    expect(outcome).toMatchObject({ ok: true, output: { text: "Three rows.", lane: "answer" } });
    expect(metrics.input_tokens).toBeGreaterThan(0);
    expect(metrics.cost_usd).toBeGreaterThan(0);
  });

  test("a tool call, its answer, and the model's", async () => {
    mock.on({ userMessage: /Summarise/, turnIndex: 0 }, { toolCalls: [{ name: "add", arguments: '{"a":41}' }] });
    mock.on({ userMessage: /Summarise/, turnIndex: 1 }, { content: "It is 42." });
    const { outcome } = await runAgent(agentTask(), world(model(), [add]).ports);
    expect(outcome).toMatchObject({
      ok: true,
      output: { text: "It is 42.", lane: "pipeline", tool_calls: [{ tool: "add", ok: true }] },
    });
    const [last] = mock.getRequests().slice(-1);
    expect(JSON.stringify(last?.body)).toContain('{\\"sum\\":42}');
  });

  test("an answer by a schema", async () => {
    mock.onMessage(/Summarise/, { content: '{"total":6}' });
    const outputSchema = {
      type: "object",
      properties: { total: { type: "number" } },
      required: ["total"],
      additionalProperties: false,
    };
    const { outcome } = await runAgent(agentTask({ outputSchema }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: true, output: { result: { total: 6 } } });
  });
});
