/**
 * Spans as OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hexadecimal, 64-bit
 * numbers as strings, enums as numbers. Knows the format and nothing of runs.
 */
import { type Attributes, type AttributeValue, SPAN_KINDS, type Span, type SpanEvent, type SpanLink } from "./span.ts";

/** Who speaks: on every document. */
export interface TelemetryOrigin {
  service: string;
  version: string;
  env: "local" | "production";
}

export interface KeyValue {
  key: string;
  value: AnyValue;
}

export type AnyValue =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean }
  | { arrayValue: { values: AnyValue[] } };

export interface TraceDocument {
  resourceSpans: { resource: Resource; scopeSpans: { scope: Scope; spans: OtlpSpan[] }[] }[];
}

export interface Resource {
  attributes: KeyValue[];
  droppedAttributesCount: number;
}

export interface Scope {
  name: string;
  version: string;
}

export interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  events: { attributes: KeyValue[]; name: string; timeUnixNano: string; droppedAttributesCount: number }[];
  droppedEventsCount: number;
  status: { code: number; message?: string };
  links: { attributes: KeyValue[]; spanId: string; traceId: string; droppedAttributesCount: number; flags: number }[];
  droppedLinksCount: number;
  flags: number;
}

/** `StatusCode`; success is left unset, as instrumentations must. */
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

/** Bits of `SpanFlags` beside the trace flags. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const SAMPLED = 0x01;

export function traceDocument(spans: readonly Span[], origin: TelemetryOrigin): TraceDocument {
  return {
    resourceSpans: [
      { resource: resourceOf(origin), scopeSpans: [{ scope: scopeOf(origin), spans: spans.map(spanOf) }] },
    ],
  };
}

export function resourceOf({ service, version, env }: TelemetryOrigin): Resource {
  return {
    attributes: keyValues({
      "service.name": service,
      "service.version": version,
      "deployment.environment.name": env,
    }),
    droppedAttributesCount: 0,
  };
}

export function scopeOf({ version }: TelemetryOrigin): Scope {
  return { name: "weir", version };
}

export function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

/** Milliseconds as the nanoseconds of a `fixed64`. */
export function unixNano(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function spanOf(span: Span): OtlpSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: SPAN_KINDS[span.kind],
    startTimeUnixNano: unixNano(span.startMs),
    endTimeUnixNano: unixNano(span.endMs),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: 0,
    events: span.events.map(eventOf),
    droppedEventsCount: span.droppedEvents,
    status: span.error === null ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: span.error },
    links: span.links.map(linkOf),
    droppedLinksCount: 0,
    flags: SAMPLED | HAS_IS_REMOTE,
  };
}

function eventOf({ name, atMs, attributes }: SpanEvent): OtlpSpan["events"][number] {
  return { attributes: keyValues(attributes), name, timeUnixNano: unixNano(atMs), droppedAttributesCount: 0 };
}

function linkOf({ traceId, spanId, flags, isRemote, attributes }: SpanLink): OtlpSpan["links"][number] {
  return {
    attributes: keyValues(attributes),
    spanId,
    traceId,
    droppedAttributesCount: 0,
    flags: (flags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0),
  };
}

function anyValue(value: AttributeValue): AnyValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return { arrayValue: { values: value.map((item) => anyValue(item)) } };
  }
}
