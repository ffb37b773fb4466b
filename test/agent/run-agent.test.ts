/** The loop, through the real SDK, against a scripted server: what agents answer, and what each kind of trouble becomes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CALLS_PER_TURN_MAX, TOOL_RESULT_UNITS_MAX } from "#agent/limits.ts";
import { runAgent } from "#agent/run-agent.ts";
import type { ToolContext } from "#agent/tool.ts";
import { toolboxOf } from "#agent/toolbox.ts";
import type { Json } from "#kernel/json.ts";
import {
  call,
  callTools,
  inOrder,
  type ScriptedOpenAi,
  say,
  startScriptedOpenAi,
  status,
  tooMany,
} from "../support/scripted-openai.ts";
import { agentTask, openAi, tool, world } from "./agent-world.ts";

let server: ScriptedOpenAi;
beforeEach(async () => {
  server = await startScriptedOpenAi(inOrder(say("Hello.")));
});
afterEach(() => server.stop());

const schema = {
  type: "object",
  properties: { total: { type: "number" } },
  required: ["total"],
  additionalProperties: false,
};

describe.each([
  ["streamed", true],
  ["in one piece", false],
])("agent, answers %s", (_, isStreamed) => {
  const model = () => openAi(server.baseUrl, isStreamed);

  test("a plain answer is its text, in the lane of answers, with what it used and cost", async () => {
    const usage = { prompt_tokens: 2000, completion_tokens: 600, cached_tokens: 1500, reasoning_tokens: 448 };
    server.script = inOrder(say("The rows are 1, 2 and 3.", { usage, model: "gpt-5-mini-2025-08-07" }));
    const { ports, settled } = world(model());
    const { outcome, metrics, bytesIn, bytesOut } = await runAgent(agentTask(), ports);
    expect(outcome).toEqual({
      ok: true,
      output: {
        text: "The rows are 1, 2 and 3.",
        lane: "answer",
        tool_calls: [],
        usage: {
          input_tokens: 2000,
          cached_tokens: 1500,
          cache_write_tokens: 0,
          output_tokens: 600,
          reasoning_tokens: 448,
          cost_usd: expect.closeTo(0.0013625, 9),
          calls: 1,
        },
      },
    });
    expect(metrics).toMatchObject({
      tokens_used: 2600,
      cache_hit: true,
      llm_model: "gpt-5-mini-2025-08-07",
      llm_calls: 1,
      tool_calls: [],
      price_version: expect.stringMatching(/^genai-prices/),
    });
    expect(metrics.time_to_first_token_ms).toBeGreaterThanOrEqual(0);
    expect(bytesIn).toBeGreaterThan(100);
    expect(bytesOut).toBeGreaterThan(100);
    expect(settled).toHaveLength(1);
    expect(settled[0]?.record).toMatchObject({
      run_id: "run_1",
      turn: 1,
      provider: "127.0.0.1",
      requested_model: "gpt-5-mini",
      outcome: "ok",
      finish_reason: "stop",
      http_status: 200,
    });
  });

  test("tool calls are answered and the model is asked again, until it answers", async () => {
    server.script = inOrder(
      callTools([call("add", { a: 1 }), call("add", { a: 2 })]),
      callTools([call("fetch", { id: 7 })]),
      say("Done."),
    );
    const tools = [
      tool("add", (args) => ({ ok: true, result: { sum: (args as { a: number }).a + 1 } })),
      tool("fetch", () => ({ ok: false, error: "there is no 7", example: { id: 1 } })),
    ];
    const { outcome, metrics } = await runAgent(agentTask(), world(model(), tools).ports);
    expect(outcome).toMatchObject({
      ok: true,
      output: {
        text: "Done.",
        lane: "pipeline",
        tool_calls: [
          { tool: "add", ok: true },
          { tool: "add", ok: true },
          { tool: "fetch", ok: false, error: "there is no 7" },
        ],
        usage: { calls: 3, input_tokens: 300 },
      },
    });
    expect(metrics).toMatchObject({ llm_calls: 3, tool_calls: ["add", "add", "fetch"] });
    const told = server.requests[2]?.body.messages.filter((message) => message.role === "tool");
    expect(told?.map((message) => message.content)).toEqual([
      '{"sum":2}',
      '{"sum":3}',
      '{"error":"there is no 7","example":{"id":1}}',
    ]);
  });

  test("the first messages are the same bytes in every call, and share a cache key", async () => {
    server.script = inOrder(callTools([call("look", {})]), say("Done."), say("Done."));
    const tools = [tool("look", () => ({ ok: true, result: 1 }))];
    await runAgent(agentTask(), world(model(), tools).ports);
    await runAgent(agentTask({ task: "Something else." }, { runId: "run_2" }), world(model(), tools).ports);
    const [first, second, third] = server.requests.map(({ body }) => body);
    const prefix = (body: typeof first) => JSON.stringify([body?.tools, body?.messages[0]]);
    expect(prefix(second)).toBe(prefix(first));
    expect(prefix(third)).toBe(prefix(first));
    expect(third?.prompt_cache_key).toBe(first?.prompt_cache_key);
    expect(first?.prompt_cache_key).not.toContain("default");
    // Also in the order of the bytes on the wire: what changes comes after what does not.
    expect(Object.keys(first ?? {}).indexOf("tools")).toBeLessThan(Object.keys(first ?? {}).indexOf("messages"));
  });

  test("an output_schema is sent strictly, and the answer's value is the result", async () => {
    server.script = inOrder(say('{"total": 6}'));
    const { outcome } = await runAgent(agentTask({ outputSchema: schema }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: true, output: { result: { total: 6 }, text: '{"total": 6}' } });
    expect(server.requests[0]?.body.response_format).toEqual({
      type: "json_schema",
      json_schema: { name: "answer", schema, strict: true },
    });
  });

  test("an answer that does not fit is asked for once more, with what is wrong with it", async () => {
    server.script = inOrder(say('{"total": "six"}'), say('```json\n{"total": 6}\n```'));
    const { outcome } = await runAgent(agentTask({ outputSchema: schema, maxTurns: 1 }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: true, output: { result: { total: 6 } } });
    expect(server.requests[1]?.body.messages.at(-1)?.content).toContain('at "/total"');
  });

  test("an answer that does not fit twice fails", async () => {
    server.script = inOrder(say("six"), say('{"sum": 6}'), say('{"total": 6}'));
    const { outcome } = await runAgent(agentTask({ outputSchema: schema }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "model_output_invalid" } });
    expect(server.requests).toHaveLength(2);
  });

  test("an unknown tool, arguments that are no JSON or do not fit are answers to the model", async () => {
    server.script = inOrder(
      callTools([
        call("fly", {}),
        call("execute_pipeline", '{"pipeline": '),
        call("execute_pipeline", { pipeline: 1 }),
      ]),
      say("I give up."),
    );
    const toolbox = toolboxOf(["execute_pipeline"], {} as ToolContext);
    const { outcome } = await runAgent(agentTask(), world(model(), toolbox).ports);
    expect(outcome).toMatchObject({ ok: true, output: { text: "I give up." } });
    const told = server.requests[1]?.body.messages.filter((message) => message.role === "tool") ?? [];
    expect(told[0]?.content).toContain('there is no tool \\"fly\\"');
    expect(told[1]?.content).toContain("the arguments are not JSON");
    expect(told[2]?.content).toContain("do not fit");
    for (const message of told.slice(1)) expect(JSON.parse(message.content).example.pipeline).toBeDefined();
  });

  test("of 200 calls in a turn the first are carried out, and every one has an answer", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => call("add", { a: index }));
    server.script = inOrder(callTools(calls), say("Done."));
    let runs = 0;
    const add = tool("add", () => ({ ok: true, result: ++runs }));
    const { outcome } = await runAgent(agentTask(), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: true });
    expect(runs).toBe(CALLS_PER_TURN_MAX);
    const told = server.requests[1]?.body.messages.filter((message) => message.role === "tool") ?? [];
    expect(told).toHaveLength(200);
    expect(told[CALLS_PER_TURN_MAX]?.content).toContain(`at most ${CALLS_PER_TURN_MAX} calls`);
  });

  test("the same call again is answered from before and not carried out; a third time ends the agent", async () => {
    server.script = inOrder(
      callTools([call("add", { a: 1, b: 2 })]),
      callTools([call("add", { b: 2, a: 1 })]),
      say("Done."),
    );
    let runs = 0;
    const add = tool("add", () => ({ ok: true, result: ++runs }));
    const { outcome } = await runAgent(agentTask(), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: true });
    expect(runs).toBe(1);
    expect(server.requests[2]?.body.messages.at(-1)?.content).toContain("Its answer was: 1");

    server.script = inOrder(callTools([call("add", { a: 1 })]));
    const stubborn = await runAgent(agentTask(), world(model(), [add]).ports);
    expect(stubborn.outcome).toMatchObject({ ok: false, error: { code: "model_error" } });
  });

  test("a tool's result is cut where it grows too long for a model", async () => {
    server.script = inOrder(callTools([call("read", {})]), say("Long."));
    const read = tool("read", () => ({ ok: true, result: "x".repeat(TOOL_RESULT_UNITS_MAX) }));
    await runAgent(agentTask(), world(model(), [read]).ports);
    const told = JSON.parse(server.requests[1]?.body.messages.at(-1)?.content);
    expect(told).toMatchObject({ cut: true, characters: TOOL_RESULT_UNITS_MAX + 2 });
    expect(told.beginning).toHaveLength(TOOL_RESULT_UNITS_MAX);
  });

  test("reaching max_turns fails, and calls no tool whose answer nobody could read", async () => {
    server.script = (_, index) => callTools([call("add", { a: index })]);
    let runs = 0;
    const add = tool("add", () => ({ ok: true, result: ++runs }));
    const { outcome } = await runAgent(agentTask({ maxTurns: 3 }), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "max_turns" } });
    expect(server.requests).toHaveLength(3);
    expect(runs).toBe(2);
  });

  test("a refusal, a filter and a cut answer are failures that say so, and are paid for", async () => {
    const cases = [
      [say("", { refusal: "I cannot help with that." }), "model_refused"],
      [say("I", { finish: "content_filter" }), "model_refused"],
      [say("It is", { finish: "length" }), "model_error"],
    ] as const;
    for (const [step, code] of cases) {
      server.script = inOrder(step);
      const { ports, settled } = world(model());
      const { outcome } = await runAgent(agentTask(), ports);
      expect(outcome).toMatchObject({ ok: false, error: { code } });
      expect(settled[0]?.record).toMatchObject({ outcome: code, input_tokens: 100 });
      expect(settled[0]?.record.cost_usd).toBeGreaterThan(0);
    }
  });

  test("429 and 5xx are for another attempt, when the provider says; other refusals are not", async () => {
    const cases = [
      [tooMany(7), { code: "model_error", retryable: true, retry_after_ms: 7000, postponed: true }],
      [tooMany(null), { code: "model_error", retryable: true, postponed: true }],
      [tooMany(null, "insufficient_quota"), { code: "model_error", retryable: false }],
      [status(500), { code: "model_error", retryable: true }],
      [status(503), { code: "model_error", retryable: true }],
      [status(400), { code: "model_error", retryable: false }],
      [status(401), { code: "model_error", retryable: false, message: expect.stringContaining("OPENAI_API_KEY") }],
      [status(404), { code: "model_error", retryable: false, message: expect.stringContaining("OPENAI_BASE_URL") }],
    ] as const;
    for (const [step, error] of cases) {
      server.script = inOrder(step);
      const before = server.requests.length;
      const { ports, settled } = world(model());
      const { outcome } = await runAgent(agentTask(), ports);
      expect(outcome).toMatchObject({ ok: false, error });
      // The SDK does not try by itself: attempts are the engine's.
      expect(server.requests.length - before).toBe(1);
      expect(settled[0]?.record).toMatchObject({ cost_usd: 0, outcome: "model_error" });
    }
  });

  test("a provider that hangs runs into the node's timeout, and is hung up on", async () => {
    server.script = inOrder({ kind: "hang" });
    const { outcome } = await runAgent(agentTask({}, { timeoutMs: 200 }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
    await server.abandoned;
  });

  test("a run that is cancelled ends the call under way", async () => {
    server.script = inOrder({ kind: "hang" });
    const { ports, controller } = world(model());
    const running = runAgent(agentTask(), ports);
    setTimeout(() => controller.abort(), 100);
    expect((await running).outcome).toMatchObject({ ok: false, error: { code: "cancelled" } });
    await server.abandoned;
  });

  test("a run that was cancelled between two turns costs no further one", async () => {
    server.script = inOrder(callTools([call("add", {})]), say("Done."));
    const { ports } = world(model(), [tool("add", () => ({ ok: true, result: 1 }))]);
    const { outcome } = await runAgent(agentTask(), { ...ports, isWanted: async () => false });
    expect(outcome).toMatchObject({ ok: false, error: { code: "cancelled" } });
    expect(server.requests).toHaveLength(1);
  });

  test("a huge answer is broken off", async () => {
    server.script = inOrder(say("x".repeat(5 * 1_048_576)));
    const { outcome } = await runAgent(agentTask(), world(model()).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "model_error" } });
    expect(outcome.ok ? "" : outcome.error.message).toContain("bytes");
  });

  test("what is not an API is said to be none", async () => {
    server.script = inOrder({ kind: "raw", body: "<html>Welcome</html>", contentType: "text/html" });
    const { outcome } = await runAgent(agentTask(), world(model()).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "model_error" } });
    expect(outcome.ok ? "" : outcome.error.message).toContain("OPENAI_BASE_URL");
  });

  test("a provider that does not count has unknown usage, and an unknown cost", async () => {
    server.script = inOrder(say("Hi.", { usage: null }));
    const { ports, settled } = world(model());
    const { outcome, metrics } = await runAgent(agentTask(), ports);
    expect(outcome).toMatchObject({ ok: true, output: { usage: { cost_usd: null } } });
    expect(metrics.cost_usd).toBeNull();
    expect(settled[0]?.record).toMatchObject({ input_tokens: null, cost_usd: null });
  });
});

describe("agent, streams", () => {
  const model = () => openAi(server.baseUrl);

  test("a stream that is cut, or ends without a word, is for another attempt", async () => {
    const steps = [
      { kind: "cut", text: "It is" } as const,
      say("It is", { finish: null }),
      { kind: "stream_error", code: "server_error" } as const,
    ];
    for (const step of steps) {
      server.script = inOrder(step);
      const { outcome } = await runAgent(agentTask(), world(model()).ports);
      expect(outcome.ok).toBe(false);
      if (!outcome.ok) expect(outcome.error.retryable ?? outcome.error.code === "network").toBe(true);
    }
  });

  test("a stream that stops in the middle runs into the timeout", async () => {
    server.script = inOrder({ kind: "hang", after: "first_chunk" });
    const { outcome } = await runAgent(agentTask({}, { timeoutMs: 200 }), world(model()).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
    await server.abandoned;
  });

  test("a server that answers in one piece although a stream was asked for is understood", async () => {
    server.script = () => ({
      kind: "raw",
      contentType: "application/json",
      body: JSON.stringify({
        model: "m",
        choices: [{ message: { content: "Hi." }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      }),
    });
    const { outcome } = await runAgent(agentTask(), world(model()).ports);
    expect(outcome).toMatchObject({ ok: true, output: { text: "Hi." } });
  });

  test("parts that a server does not take are left out from then on", async () => {
    const refusing = (part: string) =>
      status(400, { error: { message: `unknown field ${part}`, type: "bad", param: part } });
    server.script = (request) => {
      for (const part of ["prompt_cache_key", "stream_options", "response_format", "max_completion_tokens"]) {
        if (part in request) return refusing(part);
      }
      return say('{"total": 6}');
    };
    const one = model();
    const task = agentTask({ outputSchema: schema });
    expect((await runAgent(task, world(one).ports)).outcome).toMatchObject({
      ok: true,
      output: { result: { total: 6 } },
    });
    expect(server.requests).toHaveLength(5);
    expect(server.requests[4]?.body.max_tokens).toBeGreaterThan(0);
    await runAgent(task, world(one).ports);
    expect(server.requests).toHaveLength(6);
  });

  test("tool calls without index or id are told apart", async () => {
    const piece = (delta: unknown, finish: string | null = null) =>
      `data: ${JSON.stringify({ model: "m", choices: [{ delta, finish_reason: finish }] })}\n\n`;
    const first = [
      piece({ tool_calls: [{ id: "x", function: { name: "add", arguments: '{"a":' } }] }),
      piece({ tool_calls: [{ function: { arguments: "1}" } }] }),
      piece({ tool_calls: [{ id: "y", function: { name: "add", arguments: '{"a":2}' } }] }),
      piece({}, "stop"),
      "data: [DONE]\n\n",
    ].join("");
    server.script = (_, index) =>
      index === 0 ? { kind: "raw", contentType: "text/event-stream", body: first } : say("Done.");
    const seen: unknown[] = [];
    const add = tool("add", (args) => {
      seen.push(args);
      return { ok: true, result: null };
    });
    const { outcome } = await runAgent(agentTask(), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: true });
    expect(seen).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe("agent, calls of a turn", () => {
  const model = () => openAi(server.baseUrl);
  /** How many ran at once. */
  async function widest(readsOnly: (name: string) => boolean): Promise<number> {
    let running = 0;
    let most = 0;
    const make = (name: string) =>
      tool(
        name,
        async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 20));
          running -= 1;
          return { ok: true, result: null };
        },
        readsOnly(name),
      );
    server.script = inOrder(
      callTools([call("read", { n: 1 }), call("read", { n: 2 }), call("write", {})]),
      say("Done."),
    );
    await runAgent(agentTask(), world(model(), [make("read"), make("write")]).ports);
    return most;
  }

  test("run side by side where all of them only read", async () => {
    expect(await widest(() => true)).toBe(3);
  });

  test("run one after the other where one of them changes something", async () => {
    expect(await widest((name) => name === "read")).toBe(1);
  });
});

describe("agent, money", () => {
  const model = () => openAi(server.baseUrl);

  test("the provider's own figure wins, and a set price wins over the table", async () => {
    server.script = inOrder(say("Hi.", { usage: { prompt_tokens: 1000, completion_tokens: 1000, cost: 0.5 } }));
    const own = await runAgent(agentTask(), world(model()).ports);
    expect(own.metrics).toMatchObject({ cost_usd: 0.5, price_version: "provider" });

    server.script = inOrder(say("Hi.", { usage: { prompt_tokens: 1000, completion_tokens: 1000 } }));
    const price = { input: 1, cached: 1, cacheWrite: 1, output: 3 };
    const { ports } = world(model(), [], () => ({ admitted: true, price, warnings: [] }));
    const set = await runAgent(agentTask({ model: "my-own" }), ports);
    expect(set.metrics).toMatchObject({ cost_usd: expect.closeTo(0.004, 12), price_version: "set" });
  });

  test("a refused call is not made, and says why", async () => {
    const refusal = { admitted: false, code: "budget_exceeded", message: "the day's budget is used up" } as const;
    const { outcome } = await runAgent(agentTask(), world(model(), [], () => refusal).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "budget_exceeded", message: refusal.message } });
    expect(server.requests).toHaveLength(0);
  });

  test("the node's own budget stops it before the next call", async () => {
    server.script = (_, index) =>
      callTools([call("add", { a: index })], { usage: { prompt_tokens: 0, completion_tokens: 1000 } });
    const add = tool("add", () => ({ ok: true, result: 1 }));
    // 1,000 tokens of gpt-5-mini cost 0.002 USD.
    const { outcome } = await runAgent(agentTask({ budgetUsd: 0.004 }), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "budget_exceeded" } });
    expect(server.requests).toHaveLength(2);
  });

  test("under a budget of its own a model whose price nobody knows gets one call at most", async () => {
    server.script = inOrder(callTools([call("add", { a: 1 })]), say("Done."));
    const add = tool("add", () => ({ ok: true, result: 1 }));
    const { outcome } = await runAgent(agentTask({ model: "nobody-knows", budgetUsd: 1 }), world(model(), [add]).ports);
    expect(outcome).toMatchObject({ ok: false, error: { code: "model_unpriced" } });
  });

  test("an attempt that has to wait goes on where it stopped, and pays for no turn twice", async () => {
    server.script = inOrder(callTools([call("add", { a: 1 })]), say("Done."));
    let runs = 0;
    const add = tool("add", () => ({ ok: true, result: ++runs }));
    const wait = { admitted: false, code: "wait", message: "the model is busy", retry_after_ms: 1500 } as const;
    const { ports, kept } = world(model(), [add], (_, index) =>
      index === 1 ? wait : { admitted: true, price: null, warnings: [] },
    );
    const first = await runAgent(agentTask(), ports);
    expect(first.outcome).toMatchObject({
      ok: false,
      error: { code: "model_error", retryable: true, postponed: true, retry_after_ms: 1500 },
    });
    expect(first.metrics).toMatchObject({ llm_calls: 1, tool_calls: ["add"] });
    expect(kept.size).toBe(1);

    const second = await runAgent(agentTask({}, { attempt: 2 }), ports);
    expect(second.outcome).toMatchObject({ ok: true, output: { text: "Done.", usage: { calls: 2 } } });
    // Each attempt's metrics are its own, so that their sum is what was used.
    expect(second.metrics).toMatchObject({ llm_calls: 1, tool_calls: [] });
    expect(runs).toBe(1);
    expect(server.requests).toHaveLength(2);
    expect(kept.size).toBe(0);
  });

  test("a turn whose tools were cut off is asked for again, and what they had done is not done twice", async () => {
    const both = callTools([call("add", { a: 1 }), call("wait", {})]);
    server.script = inOrder(both, both, say("Done."));
    let adds = 0;
    let isSlow = true;
    const add = tool("add", () => ({ ok: true, result: ++adds }), false);
    const wait = tool("wait", async () => (isSlow ? new Promise(() => {}) : { ok: true, result: "waited" }), false);
    const { ports, kept } = world(model(), [add, wait]);
    const first = await runAgent(agentTask({}, { timeoutMs: 300 }), ports);
    expect(first.outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
    expect(kept.size).toBe(1);
    isSlow = false;
    const second = await runAgent(agentTask({}, { attempt: 2 }), ports);
    expect(second.outcome).toMatchObject({ ok: true, output: { text: "Done." } });
    expect(adds).toBe(1);
  });

  test("after answered turns, a turn that was cut off is left out of what is kept", async () => {
    const slow = callTools([call("add", { a: 2 }), call("wait", {})]);
    server.script = inOrder(callTools([call("add", { a: 1 })]), slow, slow, say("Done."));
    const done: Json[] = [];
    let isSlow = true;
    const add = tool("add", (args) => ({ ok: true, result: done.push(args) }), false);
    const wait = tool("wait", async () => (isSlow ? new Promise(() => {}) : { ok: true, result: "waited" }), false);
    const { ports, kept } = world(model(), [add, wait]);
    const first = await runAgent(agentTask({}, { timeoutMs: 500 }), ports);
    expect(first.outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
    expect(kept.size).toBe(1);
    isSlow = false;
    const second = await runAgent(agentTask({}, { attempt: 2 }), ports);
    // The server refuses calls without answers.
    expect(second.outcome).toMatchObject({ ok: true, output: { text: "Done." } });
    expect(done).toEqual([{ a: 1 }, { a: 2 }]);
  });
});
