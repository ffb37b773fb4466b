/** What is measured of every node: all of it there, in `/details` and in the log, with values that can be true. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AgentWeir, eventsOf, MODEL, read, runWhen, start, startAgentWeir } from "../support/agent-weir.ts";
import { call, callTools, inOrder, say } from "../support/scripted-openai.ts";
import { answerJson, startWitness, type Witness } from "../support/witness-server.ts";

const ANSWER = { rows: "r".repeat(500) };
const ANSWER_BYTES = JSON.stringify(ANSWER).length;
const PAYLOAD = { text: "ä".repeat(50) };
const PAYLOAD_BYTES = new TextEncoder().encode(JSON.stringify(PAYLOAD)).length;

let witness: Witness;
let agents: AgentWeir;
// biome-ignore lint/suspicious/noExplicitAny: what the API answers, asserted on below
let nodes: Record<string, any>;
let id: string;

beforeAll(async () => {
  witness = await startWitness((_, response) => answerJson(response, 200, ANSWER));
  const usage = { prompt_tokens: 100, completion_tokens: 20, cached_tokens: 64, reasoning_tokens: 5 };
  const fetching = { pipeline: [{ step: "http_request", url: `${witness.url}/data` }] };
  const script = inOrder(
    callTools([call("execute_pipeline", fetching), call("search_tools", { query: "nothing" })], { usage }),
    say("Done.", { usage }),
  );
  agents = await startAgentWeir(script, [witness.host]);
  id = await start(agents.weir, {
    nodes: [
      { id: "plain", type: "transform", config: { expression: "{'x': 1}" } },
      { id: "call", type: "http", config: { url: `${witness.url}/call`, method: "POST", payload: PAYLOAD } },
      { id: "think", type: "agent", config: { task: "fetch it" } },
    ],
    edges: [
      { from: "plain", to: "call" },
      { from: "call", to: "think" },
    ],
  });
  await runWhen(agents.weir, id);
  nodes = (await read(agents.weir, `/runs/${id}/details`)).node_executions;
});
afterAll(async () => {
  await agents.stop();
  await witness.close();
});

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe.each([
  ["plain", "coordinator"],
  ["call", "http-worker"],
  ["think", "agent-runner"],
])("metrics of %s", (node, worker) => {
  test("say when and where it was done, and what cannot be known is null", () => {
    const { metrics } = nodes[node];
    for (const name of ["sent_at", "start_time", "end_time"]) expect(metrics[name]).toMatch(TIME);
    expect(metrics).toMatchObject({ attempt: 1, worker });
    const [sent, begun, over] = [metrics.sent_at, metrics.start_time, metrics.end_time].map(Date.parse);
    expect(metrics.queue_time_ms).toBe(Number(begun) - Number(sent));
    expect(metrics.execution_time_ms).toBe(Number(over) - Number(begun));
    expect(metrics.total_duration_ms).toBe(Number(over) - Number(sent));
    expect(metrics.queue_time_ms).toBeGreaterThanOrEqual(0);
    expect(metrics.execution_time_ms).toBeGreaterThanOrEqual(0);
    for (const name of ["memory_start_mb", "memory_peak_mb", "memory_end_mb", "cpu_percent", "thread_count"]) {
      expect(metrics[name]).toBeNull();
    }
    expect(metrics.resource_note).toMatch(/cannot be read inside a Worker/);
  });

  test("say which isolate and machine it was", () => {
    const { system } = nodes[node].metrics;
    expect(system).toMatchObject({
      runtime: "workerd",
      colo: null,
      isolate_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      isolate_age_ms: expect.any(Number),
      cold_start: expect.any(Boolean),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      os: "linux",
      arch: expect.any(String),
      hostname: expect.any(String),
    });
    for (const name of ["cpu_cores", "cpu_logical", "total_memory_mb"]) expect(system[name]).toBeGreaterThan(0);
    expect(Object.keys(system)).toContain("container_runtime");
  });
});

describe("bytes", () => {
  test("of a node that the coordinator executes are those of its output", () => {
    expect(nodes.plain.metrics).toMatchObject({ bytes_in: 0, bytes_out: '{"x":1}'.length });
  });

  test("of an http node are those of the bodies", () => {
    expect(nodes.call.metrics).toMatchObject({ bytes_in: ANSWER_BYTES, bytes_out: PAYLOAD_BYTES });
  });

  test("of an agent are those of its model and of its tools' requests", () => {
    const { metrics } = nodes.think;
    const tool = metrics.calls.find((one: { kind: string }) => one.kind === "tool");
    expect(tool).toMatchObject({ bytes_in: ANSWER_BYTES, bytes_out: 0 });
    // Two prompts and two answers besides.
    expect(metrics.bytes_in).toBeGreaterThan(ANSWER_BYTES + 100);
    const sent = agents.model.requests.reduce((sum, { headers }) => sum + Number(headers["content-length"]), 0);
    expect(metrics.bytes_out).toBe(sent);
  });
});

describe("an agent", () => {
  test("has its tokens, tools, first token and cost", () => {
    expect(nodes.think.metrics).toMatchObject({
      tokens_used: 240,
      input_tokens: 200,
      cached_tokens: 128,
      cache_write_tokens: 0,
      output_tokens: 40,
      reasoning_tokens: 10,
      cache_hit: true,
      llm_model: MODEL,
      llm_calls: 2,
      tool_calls: ["execute_pipeline", "search_tools"],
      time_to_first_token_ms: expect.any(Number),
      price_version: expect.any(String),
    });
    expect(nodes.think.metrics.cost_usd).toBeGreaterThan(0);
  });

  test("lists its calls in order, each with its time; a tool's request names the tool's place", () => {
    const { calls } = nodes.think.metrics;
    expect(calls.map(({ kind }: { kind: string }) => kind)).toEqual(["model", "tool", "tool", "request", "model"]);
    for (const one of calls) {
      expect(one.at).toMatch(TIME);
      expect(one.duration_ms).toBeGreaterThanOrEqual(0);
    }
    const [model, pipeline, search, request] = calls;
    expect(model).toMatchObject({ provider: "127.0.0.1", model: MODEL, input_tokens: 100, http_status: 200 });
    expect([pipeline.tool, search.tool]).toEqual(["execute_pipeline", "search_tools"]);
    expect(request).toMatchObject({ of: 1, method: "GET", host: "127.0.0.1", status: 200, bytes_in: ANSWER_BYTES });
  });

  test("the log says the same as the details", async () => {
    const events = await eventsOf(agents.weir, id);
    for (const node of ["call", "think"]) {
      const completed = events.find((event) => event.type === "node.completed" && event.node === node);
      expect(completed.metrics).toEqual(nodes[node].metrics);
    }
  });
});
