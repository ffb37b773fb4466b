/** From trace events to records, and from records to what Loki and a collector take. */
import { JsonLogsSerializer } from "@opentelemetry/otlp-transformer";
import { describe, expect, test } from "vitest";
import { LogRedaction } from "#telemetry/log-redaction.ts";
import { lokiAddress, lokiPush } from "#telemetry/logs/loki.ts";
import { logDocument } from "#telemetry/logs/otlp-logs.ts";
import { recordsOf, type TailRecord, type TracedInvocation } from "#telemetry/logs/tail-records.ts";

const AT = 1_795_539_571_049;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const OWN = { ts: new Date(AT - 5).toISOString(), level: "warn", msg: "it failed", service: "orchestrator" };

const invocation = (more: Partial<TracedInvocation> = {}): TracedInvocation => ({
  scriptName: "weir",
  outcome: "ok",
  eventTimestamp: AT,
  cpuTime: 12,
  wallTime: 34,
  logs: [],
  exceptions: [],
  ...more,
});
const records = (more: Partial<TracedInvocation>) => recordsOf(invocation(more), new LogRedaction([]));
const logged = (message: unknown, level = "log") => records({ logs: [{ timestamp: AT, level, message }] })[0];

describe("records of an invocation", () => {
  test.each([
    ["an object", [{ ...OWN, trace_id: TRACE, run_id: "run_1" }]],
    ["a line", [JSON.stringify({ ...OWN, trace_id: TRACE, run_id: "run_1" })]],
  ])("a record of ours that was handed over as %s is itself again", (_, message) => {
    expect(logged(message, "warn")).toEqual({
      atMs: AT - 5,
      level: "warn",
      msg: "it failed",
      service: "orchestrator",
      traceId: TRACE,
      fields: { run_id: "run_1" },
    });
  });

  test.each<[unknown, string, string]>([
    [["plain", "words"], "log", "plain words"],
    [["{not json"], "warn", "{not json"],
    [['{"some":"json"}'], "error", '{"some":"json"}'],
    [[{ level: "info" }], "debug", '{"level":"info"}'],
    ["no list", "info", "no list"],
  ])("what somebody else wrote, %j at %s, is a record with these words", (message, level, msg) => {
    const expected = level === "log" ? "info" : level;
    expect(logged(message, level)).toMatchObject({ msg, level: expected, service: "weir", atMs: AT });
  });

  test("words of others and exceptions are cleaned of what looks like a secret", () => {
    const key = `weir_${"a".repeat(43)}`;
    const exceptions = [{ timestamp: AT, name: "TypeError", message: `no ${key}`, stack: `at ${key}` }];
    const found = records({ exceptions, logs: [{ timestamp: AT, level: "log", message: [key] }] });
    expect(JSON.stringify(found)).not.toContain(key);
    expect(found[1]).toMatchObject({ level: "error", fields: { error: { code: "TypeError", message: /no weir_/ } } });
  });

  test.each(["exceededCpu", "exceededMemory", "exception", "killSwitch"])("an end by %s is a record", (outcome) => {
    expect(records({ outcome, entrypoint: "Coordinator" })).toEqual([
      {
        atMs: AT + 34,
        level: "error",
        msg: "an invocation did not end well",
        service: "weir",
        traceId: null,
        fields: { outcome, cpu_time_ms: 12, wall_time_ms: 34, entrypoint: "Coordinator" },
      },
    ]);
  });

  test.each(["ok", "canceled", "responseStreamDisconnected"])("an end by %s is none", (outcome) => {
    expect(records({ outcome })).toEqual([]);
  });

  test("a trace id that is none links nothing", () => {
    expect(logged([{ ...OWN, trace_id: "abc" }])?.traceId).toBeNull();
  });
});

const RECORDS: TailRecord[] = [
  { atMs: AT, level: "info", msg: "one", service: "a", traceId: TRACE, fields: { run_id: "run_1", n: 1.5 } },
  { atMs: AT + 1, level: "info", msg: "two", service: "a", traceId: null, fields: { error: { code: "x", deep: [1] } } },
  { atMs: AT + 2, level: "error", msg: "three", service: "b", traceId: null, fields: { none: null, yes: true } },
];

describe("Loki", () => {
  test("gets a stream for each service and level, and everything else in the line", () => {
    const { streams } = lokiPush(RECORDS, "production");
    expect(streams.map(({ stream, values }) => [stream, values.length])).toEqual([
      [{ service: "a", level: "info", env: "production" }, 2],
      [{ service: "b", level: "error", env: "production" }, 1],
    ]);
    const [time, line = ""] = streams[0]?.values[0] ?? [];
    expect(time).toBe(`${AT}000000`);
    expect(JSON.parse(line)).toMatchObject({ msg: "one", trace_id: TRACE, run_id: "run_1" });
  });

  test.each([
    ["http://loki:3100", "http://loki:3100/loki/api/v1/push", {}],
    ["http://loki:3100/", "http://loki:3100/loki/api/v1/push", {}],
    ["https://loki/loki/api/v1/push", "https://loki/loki/api/v1/push", {}],
    ["https://7:k%2Fy@loki", "https://loki/loki/api/v1/push", { authorization: `Basic ${btoa("7:k/y")}` }],
  ])("at %s is pushed to %s", (url, address, headers) => {
    expect(lokiAddress(url)).toEqual({ url: address, headers });
  });
});

describe("OTLP logs", () => {
  test("are what the official serializer writes", () => {
    const attributes = [
      { "weir.service": "a", run_id: "run_1", n: 1.5 },
      { "weir.service": "a", "error.code": "x", "error.deep": "[1]" },
      { "weir.service": "b", yes: true },
    ];
    const time = (ms: number) => [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
    const resource = {
      attributes: { "service.name": "weir", "service.version": "9.9.9", "deployment.environment.name": "local" },
    };
    const instrumentationScope = { name: "weir", version: "9.9.9" };
    const official = RECORDS.map(({ atMs, level, msg, traceId }, index) => ({
      hrTime: time(atMs),
      hrTimeObserved: time(AT + 10),
      severityNumber: level === "info" ? 9 : 17,
      severityText: level,
      body: msg,
      attributes: attributes[index],
      droppedAttributesCount: 0,
      resource,
      instrumentationScope,
      // The protocol has traces without a span; the SDK does not.
      ...(traceId === null ? {} : { spanContext: { traceId, spanId: undefined, traceFlags: 1 } }),
    }));
    type Official = Parameters<typeof JsonLogsSerializer.serializeRequest>[0];
    const bytes = JsonLogsSerializer.serializeRequest(official as unknown as Official);
    const own = logDocument(RECORDS, { service: "weir", version: "9.9.9", env: "local" }, AT + 10);
    expect(JSON.parse(JSON.stringify(own))).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
  });
});
