/** OTLP/JSON: what the official OpenTelemetry serializer writes of the same spans, span by span. */
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { describe, expect, test } from "vitest";
import { seededRandom } from "#engine/random.ts";
import { type TelemetryOrigin, traceDocument, unixNano } from "#telemetry/traces/otlp.ts";
import { SPAN_KINDS, type Span, type SpanLink } from "#telemetry/traces/span.ts";
import { attemptTraceparent, formatTraceparent, parseTraceparent } from "#telemetry/traces/traceparent.ts";
import { everySpan } from "./traced-runs.ts";

const ORIGIN: TelemetryOrigin = { service: "weir", version: "9.9.9", env: "local" };

type Official = Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number];

const RESOURCE = {
  attributes: { "service.name": "weir", "service.version": "9.9.9", "deployment.environment.name": "local" },
};

/** The same span as the SDK would hold it. */
function official(span: Span): Official {
  const time = (ms: number) => [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
  const context = (spanId: string) => ({ traceId: span.traceId, spanId, traceFlags: 1 });
  const link = ({ traceId, spanId, flags, isRemote, attributes }: SpanLink) => ({
    context: { traceId, spanId, traceFlags: flags, isRemote },
    attributes,
  });
  const made = {
    name: span.name,
    // The API has no value for unset, so its numbers are one lower.
    kind: SPAN_KINDS[span.kind] - 1,
    spanContext: () => context(span.spanId),
    ...(span.parentSpanId === null ? {} : { parentSpanContext: context(span.parentSpanId) }),
    startTime: time(span.startMs),
    endTime: time(span.endMs),
    status: span.error === null ? { code: 0 } : { code: 2, message: span.error },
    attributes: span.attributes,
    links: span.links.map(link),
    events: span.events.map(({ name, atMs, attributes }) => ({ name, time: time(atMs), attributes })),
    duration: [0, 0],
    ended: true,
    resource: RESOURCE,
    instrumentationScope: { name: "weir", version: "9.9.9" },
    droppedAttributesCount: 0,
    droppedEventsCount: span.droppedEvents,
    droppedLinksCount: 0,
  };
  return made as unknown as Official;
}

/** Integers as the protocol writes them, in text; the SDK writes small ones as numbers, which receivers must take too. */
function normal(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (key, value) => (key === "intValue" ? String(value) : value));
}

function serialised(spans: readonly Span[]): unknown {
  const bytes = JsonTraceSerializer.serializeRequest(spans.map(official));
  return normal(JSON.parse(new TextDecoder().decode(bytes)));
}

describe("OTLP/JSON", () => {
  test.each(everySpan().map((span, index) => [`${index} ${span.name}`, span] as const))(
    "%s is what the official serializer writes",
    (_, span) => {
      expect(normal(traceDocument([span], ORIGIN))).toEqual(serialised([span]));
    },
  );

  test("a whole document is the official one", () => {
    const spans = everySpan();
    expect(spans.length).toBeGreaterThan(30);
    expect(normal(traceDocument(spans, ORIGIN))).toEqual(serialised(spans));
  });

  test("any attribute, event, link and time is written as the official serializer writes it", () => {
    const random = seededRandom("otlp");
    const text = () => ["", "ä🌊", 'quote "', "line\nbreak", "x".repeat(300)][Math.floor(random() * 5)] ?? "";
    const values = [
      () => text(),
      () => random() < 0.5,
      () => Math.floor(random() * 2 ** 53),
      () => random() * 1e-6,
      () => [text(), text()],
    ];
    const attributes = () =>
      Object.fromEntries(
        Array.from({ length: 4 }, (_, i) => [`k${i}`, values[Math.floor(random() * values.length)]?.() ?? 0]),
      );
    const hex = (digits: number) =>
      Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
    const ms = () => 1_700_000_000_000 + Math.floor(random() * 1e9);
    for (let round = 0; round < 200; round++) {
      const span: Span = {
        traceId: hex(32),
        spanId: hex(16),
        parentSpanId: random() < 0.5 ? null : hex(16),
        name: text(),
        kind: random() < 0.5 ? "internal" : "client",
        startMs: ms(),
        endMs: ms(),
        attributes: attributes(),
        events: [{ name: text(), atMs: ms(), attributes: attributes() }],
        droppedEvents: Math.floor(random() * 3),
        links: [
          {
            traceId: hex(32),
            spanId: hex(16),
            flags: Math.floor(random() * 256),
            isRemote: random() < 0.5,
            attributes: attributes(),
          },
        ],
        error: random() < 0.5 ? null : text(),
      };
      expect(normal(traceDocument([span], ORIGIN))).toEqual(serialised([span]));
    }
  });

  test("64-bit numbers are text: times and integers", () => {
    expect(unixNano(1_795_539_571_049)).toBe("1795539571049000000");
    const [span] = everySpan();
    const document = JSON.stringify(traceDocument(span === undefined ? [] : [span], ORIGIN));
    expect(document).toContain('{"key":"weir.run.generation","value":{"intValue":"1"}}');
  });
});

describe("traceparent", () => {
  const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  test("a valid one is read, and written as it was", () => {
    const parsed = parseTraceparent(good);
    expect(parsed).toEqual({ traceId: good.slice(3, 35), spanId: "00f067aa0ba902b7", flags: "01" });
    expect(parsed === null ? "" : formatTraceparent(parsed)).toBe(good);
  });

  test.each([
    undefined,
    "",
    good.toUpperCase(),
    good.replace("00-", "ff-"),
    `${good}-more`,
    good.replace(/4bf92f3577b34da6a3ce929d0e0e4736/, "0".repeat(32)),
    good.replace(/00f067aa0ba902b7/, "0".repeat(16)),
    ` ${good}`,
  ])("%s is none", (text) => {
    expect(parseTraceparent(text)).toBeNull();
  });

  test("an attempt's own is the same wherever it is asked for, and another for every other attempt", () => {
    const address = { run_id: "run_1", path: "call", visit: 1, attempt: 1 };
    const own = attemptTraceparent(address);
    expect(parseTraceparent(own)).not.toBeNull();
    expect(attemptTraceparent({ ...address })).toBe(own);
    const others = [{ attempt: 2 }, { visit: 2 }, { path: "call[1]" }, { run_id: "run_2" }].map((other) =>
      attemptTraceparent({ ...address, ...other }),
    );
    expect(new Set([own, ...others]).size).toBe(5);
  });
});
