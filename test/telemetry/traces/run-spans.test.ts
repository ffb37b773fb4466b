/** A run's spans: what its log says, each attempt once, under ids that follow from the log alone. */
import { describe, expect, test } from "vitest";
import type { RunEvent } from "#engine/events.ts";
import { attemptSpanId, rootSpanId, traceIdOf } from "#telemetry/traces/ids.ts";
import { spansOf, spansOfGeneration, TRACE_SPANS_MAX } from "#telemetry/traces/run-spans.ts";
import { SPAN_EVENTS_MAX, type Span } from "#telemetry/traces/span.ts";
import { agentLog, CALLS, describeTest, log, metrics, queued, storedLogs } from "./traced-runs.ts";

const RUN = "run_xx00001HF0000000000000000000000";
const ERROR = { code: "http_status" as const, message: "CANARY", retryable: true, details: { status: 503 } };

const spans = (events: readonly RunEvent[]) => spansOf(events, describeTest);
const named = (all: readonly Span[], name: string): Span => {
  const found = all.filter((span) => span.name === name);
  expect(found).toHaveLength(1);
  return found[0] as Span;
};
const node = (path: string, attempt = 1, visit = 1) => ({ node: path, visit, iteration: 0, attempt });
const begun = [queued(), { type: "run.started" as const, at: 1_000, system: {} }];

describe("spans of a run", () => {
  test("an agent's attempt stands below the run, its calls below it, a tool's requests below the tool", () => {
    const all = spans(agentLog());
    expect(all.map(({ name, kind, startMs, endMs }) => [name, kind, startMs, endMs])).toEqual([
      ["invoke_workflow think", "internal", 1_000, 2_001],
      ["invoke_agent think", "internal", 1_000, 2_001],
      ["chat gpt-5-mini", "client", 1_010, 1_410],
      ["execute_tool execute_pipeline", "internal", 1_410, 1_510],
      ["GET", "client", 1_420, 1_520],
      ["execute_tool search_tools", "internal", 1_411, 1_511],
      ["POST", "client", 1_430, 1_530],
    ]);
    const [root, agent, chat, pipeline, get, search, post] = all as [Span, Span, Span, Span, Span, Span, Span];
    expect(root.parentSpanId).toBeNull();
    expect(root.spanId).toBe(rootSpanId(RUN, 1));
    expect(agent.parentSpanId).toBe(root.spanId);
    expect(agent.spanId).toBe(attemptSpanId({ run_id: RUN, path: "think", visit: 1, attempt: 1 }));
    for (const span of [chat, pipeline, search]) expect(span.parentSpanId).toBe(agent.spanId);
    for (const span of [get, post]) expect(span.parentSpanId).toBe(pipeline.spanId);
    expect(agent.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "think",
      "gen_ai.usage.input_tokens": 100,
      "weir.queue_wait_ms": 5,
      "weir.execution_ms": 995,
      "weir.cost_usd": 0.000041,
    });
    expect(agent.events.map(({ name, atMs }) => [name, atMs])).toEqual([
      ["queued", 1_000],
      ["started", 1_006],
    ]);
    expect(chat.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5-mini",
      "gen_ai.response.model": "gpt-5-mini-2026",
      "gen_ai.response.finish_reasons": ["tool_calls"],
      "gen_ai.usage.cache_read.input_tokens": 64,
    });
    expect(search).toMatchObject({ error: "tool_error", attributes: { "gen_ai.tool.call.id": "call_2" } });
    expect(post).toMatchObject({ error: "network", attributes: { "error.type": "network" } });
    expect(root.attributes).toMatchObject({ "weir.run.status": "completed", "gen_ai.usage.output_tokens": 20 });
  });

  test("the caller's span is linked, never the parent", () => {
    const [root] = spans(agentLog());
    expect(root?.links).toEqual([
      {
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
        spanId: "00f067aa0ba902b7",
        flags: 1,
        isRemote: true,
        attributes: { "weir.link": "caller" },
      },
    ]);
    expect(root?.traceId).toBe(traceIdOf(RUN));
  });

  test("a run that another one asked for, or that replays one, is linked to it", () => {
    const parent = { run_id: "run_parent", path: "child", visit: 2 };
    const replay_of = { run_id: "run_before", mode: "freeze" as const, from: null };
    const [root] = spans(log(queued({ parent, replay_of })));
    expect(root?.links.map(({ traceId, attributes }) => [traceId, attributes["weir.link"]])).toEqual([
      [traceIdOf("run_parent"), "parent"],
      [traceIdOf("run_before"), "replays"],
    ]);
  });

  test("each attempt has a span; one that failed says its code, and no message", () => {
    const http = { worker: "http-worker" as const };
    const all = spans(
      log(
        ...begun,
        { type: "node.queued", at: 1_000, ...node("call"), due_at: 9_000, sends: 1, faults: 0 },
        { type: "node.started", at: 1_010, ...node("call"), worker: "http-worker" },
        { type: "node.retrying", at: 1_020, ...node("call"), error: ERROR, retry_at: 1_500, metrics: metrics(http) },
        { type: "node.queued", at: 1_500, ...node("call", 2), due_at: 9_000, sends: 1, faults: 0 },
        {
          type: "node.completed",
          at: 1_600,
          ...node("call", 2),
          output: { value: { status_code: 200, url: "https://api.example.com/v1", method: "PUT" } },
          metrics: metrics({ ...http, sent_at: 1_500, start_time: 1_510, end_time: 1_590 }),
        },
        { type: "run.completed", at: 1_600 },
      ),
    );
    expect(all.map(({ name, startMs, endMs, error }) => [name, startMs, endMs, error])).toEqual([
      ["invoke_workflow think", 1_000, 1_600, null],
      ["http call", 1_000, 1_020, "http_status"],
      ["PUT", 1_005, 2_000, "http_status"],
      ["http call", 1_500, 1_600, null],
      ["PUT", 1_510, 1_590, null],
    ]);
    expect(all[2]?.attributes).toMatchObject({ "http.response.status_code": 503, "server.address": "api.example.com" });
    expect(all[4]?.attributes).toMatchObject({ "http.response.status_code": 200, "http.request.method": "PUT" });
    expect(JSON.stringify(all)).not.toContain("CANARY");
  });

  test.each([
    ["refused before it was sent", { type: "node.failed", error: { ...ERROR, code: "url_refused" }, handled: false }],
    ["remembered from before", { type: "node.completed", output: { value: {} }, cached: true }],
  ])("no request is told of that was %s", (_, { cached, ...end }: { cached?: boolean; [member: string]: unknown }) => {
    const measured = metrics(cached === true ? { result_cache_hit: true } : {});
    const last = { at: 1_100, ...node("call"), ...end, metrics: measured } as unknown as RunEvent;
    const all = spans(log(...begun, last, { type: "run.completed", at: 1_100 }));
    expect(all.map(({ name }) => name)).toEqual(["invoke_workflow think", "http call"]);
  });

  test("items of a map stand below the map, also when others are under way", () => {
    const map = storedLogs().get("map-in-flight.json") ?? [];
    const all = spans(map);
    const items = all.filter(({ attributes }) => /\[\d+\]$/.test(String(attributes["weir.node.path"])));
    expect(items.length).toBeGreaterThan(1);
    const owner = all.find(({ attributes }) => attributes["weir.node.path"] === items[0]?.attributes["weir.node.id"]);
    expect(owner).toBeDefined();
    for (const item of items) expect(item.parentSpanId).toBe(owner?.spanId);
  });

  test("what has not ended ends with the log, and says so", () => {
    const all = spans(
      log(...begun, { type: "node.queued", at: 1_700, ...node("call"), due_at: 9_000, sends: 1, faults: 0 }),
    );
    for (const span of all) {
      expect(span.endMs).toBe(1_700);
      expect(span.attributes["weir.unfinished"]).toBe(true);
    }
  });

  test("a reopened run has a root for each generation, linked, with its own attempts", () => {
    const events = log(
      ...begun,
      { type: "node.failed", at: 1_100, ...node("call"), error: ERROR, handled: false },
      { type: "run.failed", at: 1_100, error: { code: "http_status", message: "m", node: "call" } },
      { type: "run.reopened", at: 5_000, generation: 2 },
      { type: "node.completed", at: 5_100, ...node("call", 1, 2), output: { value: 1 } },
      { type: "run.completed", at: 5_100 },
    );
    const all = spans(events);
    const [first, , second] = all as [Span, Span, Span];
    expect([first.startMs, first.endMs, first.error]).toEqual([1_000, 1_100, "http_status"]);
    expect([second.startMs, second.endMs, second.error]).toEqual([5_000, 5_100, null]);
    expect(second.links[0]).toMatchObject({ spanId: first.spanId, attributes: { "weir.link": "reopens" } });
    // What was exported at its end is what the whole log gives for it later.
    expect(spansOfGeneration(events.slice(0, 4), 1, describeTest)).toEqual(spansOfGeneration(events, 1, describeTest));
    expect(spansOfGeneration(events, 2, describeTest)).toEqual(all.slice(2));
  });

  test("events beyond a span's bound are counted, not kept", () => {
    const pauses = Array.from({ length: SPAN_EVENTS_MAX + 3 }, () => ({ type: "run.paused" as const, at: 1_001 }));
    const [root] = spans(log(...begun, ...pauses));
    expect(root?.events).toHaveLength(SPAN_EVENTS_MAX);
    expect(root?.droppedEvents).toBe(3);
  });

  test("spans beyond a trace's bound are counted on the root", () => {
    const attempts = Array.from({ length: TRACE_SPANS_MAX + 1 }, (_, index) => ({
      type: "node.completed" as const,
      at: 1_001,
      ...node(`n${index}`),
      output: { value: 1 },
    }));
    const all = spans(log(...begun, ...attempts, { type: "run.completed", at: 1_002 }));
    expect(all).toHaveLength(TRACE_SPANS_MAX);
    expect(all[0]?.attributes["weir.spans_dropped"]).toBe(2);
    expect(named(all, "node n0").parentSpanId).toBe(all[0]?.spanId);
  });
});

describe.each([...storedLogs()])("stored log %s", (_, events) => {
  const all = spansOf(events, describeTest);

  test("gives the same spans every time", () => {
    expect(spansOf(structuredClone(events), describeTest)).toEqual(all);
  });

  test("every span has an id of its own, a parent that is there, and ends after it begins", () => {
    const ids = all.map(({ spanId }) => spanId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const span of all) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
      if (span.parentSpanId !== null) expect(ids).toContain(span.parentSpanId);
    }
  });

  test("every attempt of the log has exactly one span", () => {
    const attempts = new Set(
      events.flatMap((event) =>
        "attempt" in event && event.type !== "node.skipped" ? [`${event.node}/${event.visit}/${event.attempt}`] : [],
      ),
    );
    const traced = all.flatMap(({ attributes }) =>
      attributes["weir.node.path"] === undefined
        ? []
        : [`${attributes["weir.node.path"]}/${attributes["weir.node.visit"]}/${attributes["weir.node.attempt"]}`],
    );
    expect(traced.toSorted()).toEqual([...attempts].toSorted());
  });
});

test("calls are listed with places that their requests can point to", () => {
  for (const call of CALLS) if (call.kind === "request") expect(CALLS[call.of]?.kind).toBe("tool");
});
