/** Log records of a run: made from its events, picked by what was asked, and without a value that was handed over. */
import { describe, expect, test } from "vitest";
import type { EventLevel } from "#engine/event-words.ts";
import type { RunEvent } from "#engine/events.ts";
import { RUN_LOG_RECORDS_MAX, type RunLogQuery, runLogPage } from "#telemetry/run-logs.ts";
import { attemptSpanId, rootSpanId, traceIdOf } from "#telemetry/traces/ids.ts";
import { agentLog, log, queued, storedLogs } from "./traces/traced-runs.ts";

const RUN = "run_xx00001HF0000000000000000000000";
const run = { run_id: RUN, tenant: "acme", hasEnded: true };
const page = (events: readonly RunEvent[], query: Partial<RunLogQuery> = {}) =>
  runLogPage(events, run, { level: "debug", after: 0, ...query });
const messages = (events: readonly RunEvent[], query: Partial<RunLogQuery> = {}) =>
  page(events, query).items.map(({ msg }) => msg);

describe("records of a run", () => {
  test("say who, where, when and what, with the span that they belong to", () => {
    const { items, next_after, terminal } = page(agentLog());
    expect([next_after, terminal]).toEqual([6, true]);
    expect(items[0]).toEqual({
      seq: 1,
      ts: "1970-01-01T00:00:01.000Z",
      level: "info",
      msg: "run queued of think",
      service: "coordinator",
      event: "run.queued",
      run_id: RUN,
      trace_id: traceIdOf(RUN),
      span_id: rootSpanId(RUN, 1),
      tenant: "acme",
    });
    expect(items.find(({ event }) => event === "node.completed")).toMatchObject({
      level: "info",
      msg: "completed in 995 ms",
      service: "agent-runner",
      node_id: "think",
      attempt: 1,
      span_id: attemptSpanId({ run_id: RUN, path: "think", visit: 1, attempt: 1 }),
    });
  });

  test("tell what an agent did outside, each call before the end of its attempt", () => {
    const calls = page(agentLog()).items.filter(({ event }) => event === "call");
    expect(calls.map(({ level, msg }) => [level, msg])).toEqual([
      ["debug", "model gpt-5-mini in 400 ms  100 → 20 tokens"],
      ["debug", "tool execute_pipeline in 100 ms"],
      ["debug", "GET example.com 200 in 100 ms"],
      ["warn", "tool search_tools in 100 ms  tool_error"],
      ["warn", "POST example.com no answer in 100 ms  network"],
    ]);
  });

  test.each<[EventLevel, number]>([
    ["debug", 11],
    ["info", 7],
    ["warn", 2],
    ["error", 0],
  ])("of level %s and above are %i", (level, count) => {
    expect(page(agentLog(), { level }).items).toHaveLength(count);
  });

  test("of a node, of its parts, of a part", () => {
    const node = { visit: 1, iteration: 0, attempt: 1 };
    const events = log(
      queued(),
      ...["each[0]", "each[1]", "other"].map((path) => ({
        type: "node.completed" as const,
        at: 1_000,
        node: path,
        ...node,
        output: { value: 1 },
      })),
    );
    const paths = (of: string) => page(events, { node: of }).items.map(({ node_id, path }) => path ?? node_id);
    expect(paths("each")).toEqual(["each[0]", "each[1]"]);
    expect(paths("each[1]")).toEqual(["each[1]"]);
    expect(paths("other")).toEqual(["other"]);
    expect(paths("none")).toEqual([]);
  });

  test("since a time, after an event, and the last ones", () => {
    expect(messages(agentLog(), { sinceMs: 2_001, level: "info" })).toEqual(["completed in 995 ms", "run completed"]);
    expect(messages(agentLog(), { after: 5 })).toEqual(["run completed"]);
    expect(page(agentLog(), { after: 6 })).toEqual({ items: [], next_after: 6, terminal: true });
    expect(messages(agentLog(), { tail: 1 })).toEqual(["run completed"]);
    expect(messages(agentLog(), { tail: 0 })).toEqual([]);
  });

  test("at the bound nothing is left out; above it a marker says how to go on, and nothing is lost on the way", () => {
    const pauses = (count: number) =>
      log(queued(), ...Array.from({ length: count - 1 }, () => ({ type: "run.paused" as const, at: 1_000 })));
    const full = page(pauses(RUN_LOG_RECORDS_MAX));
    expect([full.items.length, full.terminal]).toEqual([RUN_LOG_RECORDS_MAX, true]);
    const events = pauses(RUN_LOG_RECORDS_MAX + 7);
    const first = page(events);
    expect(first.items).toHaveLength(RUN_LOG_RECORDS_MAX + 1);
    expect(first.items.at(-1)).toMatchObject({
      event: "marker",
      level: "warn",
      msg: "7 more records: ask for them with after=2000",
    });
    expect([first.next_after, first.terminal]).toEqual([RUN_LOG_RECORDS_MAX, false]);
    const second = page(events, { after: first.next_after });
    expect(second.items.map(({ seq }) => seq)).toEqual([2001, 2002, 2003, 2004, 2005, 2006, 2007]);
    expect(second.terminal).toBe(true);
  });

  test("a page ends with a whole event", () => {
    const many = Array.from({ length: 500 }, () => agentLog()[4] as RunEvent);
    const events = log(queued(), ...many);
    const seen: number[] = [];
    for (let after = 0, over = false; !over; ) {
      const { items, next_after, terminal } = page(events, { after });
      seen.push(...items.filter(({ event }) => event !== "marker").map(({ seq }) => seq));
      [after, over] = [next_after, terminal];
    }
    expect(seen).toEqual([1, ...many.flatMap((_, index) => Array(6).fill(index + 2))]);
  });

  test("hold no value that was handed over", () => {
    const events = log(
      queued({ inputs: { value: "CANARY" }, traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` }),
      { type: "signal.received", at: 1_000, name: "go", payload: { value: "CANARY" }, delivered_to: [] },
      {
        type: "patch.proposed",
        at: 1_000,
        patch: 1,
        source: "api",
        by: "key",
        description: null,
        operations: { value: ["CANARY"] },
        summary: ["node added"],
      },
      { type: "replay.requested", at: 1_000, by: "key", config: { headers: "CANARY" } },
      { type: "node.completed", at: 1, node: "a", visit: 1, iteration: 0, attempt: 1, output: { value: "CANARY" } },
    );
    expect(JSON.stringify(page(events))).not.toContain("CANARY");
    expect(JSON.stringify(page(agentLog()))).not.toContain("CANARY");
    expect(messages(events)[1]).toBe("signal received  name=go delivered_to=[]");
  });

  test.each([...storedLogs()])("%s has a record for every event, in order", (_, events) => {
    const { items } = page(events);
    expect(items.filter(({ event }) => event !== "call").map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
    for (const { msg } of items) expect(msg).not.toBe("");
  });
});
