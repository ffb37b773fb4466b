/** Traces end to end: asked for, sent to a strict collector that fails now and then, and told to the servers called. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AgentWeir, eventually, read, runWhen, startAgentWeir } from "../support/agent-weir.ts";
import {
  attribute,
  type CollectedSpan,
  type OtlpCollector,
  startOtlpCollector,
  traceProblem,
} from "../support/otlp-collector.ts";
import { call, callTools, inOrder, say } from "../support/scripted-openai.ts";
import { answerJson, answerOk, startWitness, type Witness } from "../support/witness-server.ts";

const CALLER = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" };
const TOKEN = "Bearer s=cret, of mine";

let collector: OtlpCollector;
let witness: Witness;
let agents: AgentWeir;

beforeAll(async () => {
  collector = await startOtlpCollector({ headers: { authorization: TOKEN, "x-scope": "weir" } });
  let failing = 0;
  witness = await startWitness((request, response) => {
    if (request.url === "/flaky" && failing++ % 2 === 0) answerJson(response, 503, {});
    else answerOk(request, response);
  });
  agents = await startAgentWeir(inOrder(say("Hello.")), [witness.host], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: `Authorization=${encodeURIComponent(TOKEN)}, x-scope=weir,=nothing`,
    OTEL_SERVICE_NAME: "weir-test",
    OTEL_TRACES_SAMPLER_ARG: "0",
    OTEL_LOGS_EXPORTER: "none",
    // Each shard sends for itself; with one it is plain who waits for whom.
    COORDINATOR_SHARDS: "1",
  });
});
afterAll(async () => {
  await agents.stop();
  await witness.close();
  await collector.close();
});

const http = (path: string, more: object = {}) => ({
  id: "call",
  type: "http",
  config: { url: `${witness.url}${path}` },
  ...more,
});

async function ended(definition: object, headers: Record<string, string> = {}, inputs: object = {}): Promise<string> {
  const body = { definition, inputs, wait_ms: 30_000 };
  const started = await agents.weir.api("POST", "/api/v1/runs", body, headers);
  expect([200, 202]).toContain(started.status);
  await runWhen(agents.weir, started.body.run_id);
  return started.body.run_id;
}

async function traceOf(id: string): Promise<CollectedSpan[]> {
  const document = await read(agents.weir, `/runs/${id}/trace`);
  expect(traceProblem(document)).toBeNull();
  return document.resourceSpans[0].scopeSpans[0].spans;
}

/** Spans of a run that the collector has, once its root is among them. */
async function collected(id: string): Promise<CollectedSpan[]> {
  const own = () => collector.spans.filter((span) => attribute(span, "weir.run.id") === id);
  await eventually(
    async () => own(),
    (spans) => spans.some((span: CollectedSpan) => span.parentSpanId === undefined),
  );
  return own();
}

const retried = { max_attempts: 3, backoff_ms: 20, jitter: false };

describe("a run's trace", () => {
  test("has the caller linked, every attempt, and what an agent did; the same bytes every time", async () => {
    agents.model.script = inOrder(
      callTools([
        call("execute_pipeline", { pipeline: [{ step: "http_request", url: `${witness.url}/data` }] }, "call_9"),
      ]),
      say("Done."),
    );
    const definition = {
      nodes: [
        { id: "think", type: "agent", config: { task: "CANARY-PROMPT: fetch it" } },
        http("/flaky", { retry: retried }),
      ],
      edges: [{ from: "think", to: "call" }],
    };
    const id = await ended(
      definition,
      { traceparent: `00-${CALLER.trace}-${CALLER.span}-01` },
      { secret: "CANARY-INPUT" },
    );
    const url = new URL(`/api/v1/runs/${id}/trace`, agents.weir.url);
    const headers = { authorization: `Bearer ${agents.weir.key}` };
    const texts = [await (await fetch(url, { headers })).text(), await (await fetch(url, { headers })).text()];
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toContain("CANARY");
    expect(texts[0]).toContain('{"key":"service.name","value":{"stringValue":"weir-test"}}');

    const spans = await traceOf(id);
    expect(spans.map(({ name }) => name)).toEqual([
      "invoke_workflow",
      "invoke_agent think",
      "chat gpt-5-mini",
      "execute_tool execute_pipeline",
      "GET",
      "chat gpt-5-mini",
      "http call",
      "GET",
      "http call",
      "GET",
    ]);
    const [root, agent, , tool, toolRequest] = spans as [
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
    ];
    expect(root.links).toMatchObject([{ traceId: CALLER.trace, spanId: CALLER.span }]);
    expect(tool.parentSpanId).toBe(agent.spanId);
    expect(toolRequest.parentSpanId).toBe(tool.spanId);
    expect(attribute(tool, "gen_ai.tool.call.id")).toBe("call_9");
    expect(attribute(toolRequest, "http.response.status_code")).toBe(200);
    const attempts = spans.filter(({ name }) => name === "http call");
    expect(attempts.map(({ status }) => status.code)).toEqual([2, 0]);
    expect(attempts.map((span) => attribute(span, "weir.node.attempt"))).toEqual([1, 2]);

    // Each server called was told of the attempt that called it.
    const told = (path: string) =>
      witness.requests.filter((request) => request.url === path).map((request) => request.headers.traceparent);
    expect(told("/flaky")).toEqual(attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
    expect(told("/data")).toEqual([`00-${agent.traceId}-${agent.spanId}-01`]);

    // What was exported is what the route says.
    const sent = await collected(id);
    expect(sent.toSorted(bySpan)).toEqual(spans.toSorted(bySpan));
  });

  test("goes on while the run does, and says what has not ended", async () => {
    const definition = { nodes: [{ id: "wait", type: "wait_for_event", config: { event: "go" } }] };
    const { body } = await agents.weir.api("POST", "/api/v1/runs", { definition });
    const spans = await traceOf(body.run_id);
    expect(spans.map(({ name }) => name)).toEqual(["invoke_workflow", "wait_for_event wait"]);
    for (const span of spans) expect(attribute(span, "weir.unfinished")).toBe(true);
    await agents.weir.api("POST", `/api/v1/runs/${body.run_id}/signals/go`, {});
    await runWhen(agents.weir, body.run_id);
    for (const span of await traceOf(body.run_id)) expect(attribute(span, "weir.unfinished")).toBeUndefined();
  });

  test("a traceparent that the workflow sets itself is sent as it is", async () => {
    const own = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
    const config = { url: `${witness.url}/own`, headers: { Traceparent: own } };
    await ended({ nodes: [{ id: "call", type: "http", config }] });
    expect(witness.requests.find(({ url }) => url === "/own")?.headers.traceparent).toBe(own);
  });

  test("a malformed traceparent links nothing; one key starts one run whoever asks", async () => {
    const definition = { nodes: [{ id: "a", type: "transform", config: { expression: "1" } }] };
    const id = await ended(definition, { traceparent: "00-nonsense-01" });
    expect((await traceOf(id))[0]?.links).toEqual([]);
    const start = (caller: string) =>
      agents.weir.api("POST", "/api/v1/runs", { definition }, { "idempotency-key": "trace-key", traceparent: caller });
    const first = await start(`00-${"1".repeat(32)}-${"1".repeat(16)}-01`);
    const second = await start(`00-${"2".repeat(32)}-${"2".repeat(16)}-01`);
    expect(second.status).toBe(200);
    expect(second.body.run_id).toBe(first.body.run_id);
    expect((await traceOf(first.body.run_id))[0]?.links).toMatchObject([{ traceId: "1".repeat(32) }]);
  });

  test("of a run that is not there is 404", async () => {
    const answer = await agents.weir.api("GET", "/api/v1/runs/run_xx00001HF0000000000000000000/trace");
    expect(answer.status).toBe(404);
  });

  test("points of the run and its nodes carry the trace's id", async () => {
    const id = await ended({ nodes: [http("/ok")] });
    const [root] = await traceOf(id);
    for (const dataset of ["weir_run", "weir_node", "weir_http"]) {
      const sql = `SELECT trace_id FROM ${dataset} WHERE run_id = '${id}'`;
      const answer = await eventually(
        async () =>
          (await agents.weir.api("POST", "/api/v1/analytics/sql", sql, { "content-type": "text/plain" })).body,
        (body) => body.data?.length === 1,
      );
      expect(answer.data).toEqual([{ trace_id: root?.traceId }]);
    }
  });
});

describe("the export", () => {
  const fails = { nodes: [{ id: "call", type: "http", config: { url: "http://10.0.0.1/" } }] };

  test("a share of 0 leaves out what there is nothing to learn from, and keeps what failed", async () => {
    const plain = await ended({ nodes: [{ id: "a", type: "transform", config: { expression: "1" } }] });
    const failed = await ended(fails);
    const spans = await collected(failed);
    expect(spans.map(({ name, status }) => [name, status])).toEqual([
      ["invoke_workflow", { code: 2, message: "url_refused" }],
      ["http call", { code: 2, message: "url_refused" }],
    ]);
    expect(collector.spans.filter((span) => attribute(span, "weir.run.id") === plain)).toEqual([]);
  });

  test("while the collector is away runs go on; it is left in peace for as long as it asks", async () => {
    const from = collector.requests.length;
    collector.failure = { status: 503, headers: { "retry-after": "3" } };
    const id = await ended(fails);
    const [refused] = await eventually(
      async () => collector.requests.slice(from),
      (list) => list.length > 0,
    );
    collector.failure = null;
    await collected(id);
    const next = collector.requests.find(({ atMs }) => atMs > refused.atMs);
    expect(refused.status).toBe(503);
    expect(next?.status).toBe(200);
    expect((next?.atMs ?? 0) - refused.atMs).toBeGreaterThanOrEqual(3_000);
  });

  test("what was not taken before a kill is sent after it", async () => {
    const from = collector.requests.length;
    collector.failure = { status: 503 };
    const ids = await Promise.all([ended(fails), ended(fails), ended(fails)]);
    await eventually(
      async () => collector.requests.slice(from),
      (list) => list.length > 0,
    );
    await agents.weir.kill9Workerd();
    await agents.weir.waitForReady(2);
    collector.failure = null;
    for (const id of ids) expect((await collected(id)).length).toBeGreaterThanOrEqual(2);
  });

  test("nothing that it was sent in all of this was wrong", () => {
    expect(collector.problems).toEqual([]);
    expect(collector.requests.length).toBeGreaterThan(3);
    expect(JSON.stringify(collector.spans)).not.toContain("CANARY");
  });
});

function bySpan(left: CollectedSpan, right: CollectedSpan): number {
  return left.spanId.localeCompare(right.spanId);
}
