/** A span as Weir makes it: plain data in milliseconds. Made by `run-spans.ts`, written by `otlp.ts`. */

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = { [name: string]: AttributeValue };

/** The numbers of `SpanKind` in OTLP. */
export const SPAN_KINDS = { internal: 1, client: 3 } as const;
export type SpanKind = keyof typeof SPAN_KINDS;

export interface SpanEvent {
  name: string;
  atMs: number;
  attributes: Attributes;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  /** W3C trace flags. */
  flags: number;
  /** It came over the network, from somebody else. */
  isRemote: boolean;
  attributes: Attributes;
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: SpanKind;
  startMs: number;
  endMs: number;
  attributes: Attributes;
  events: SpanEvent[];
  /** Events that the span has no room for. */
  droppedEvents: number;
  links: SpanLink[];
  /** Null: nothing went wrong that is known of; else a code, never a text that could hold data. */
  error: string | null;
}

/** Events of one span; OpenTelemetry's own default. */
export const SPAN_EVENTS_MAX = 128;

export function addEvent(span: Span, name: string, atMs: number, attributes: Attributes = {}): void {
  if (span.events.length < SPAN_EVENTS_MAX) span.events.push({ name, atMs, attributes });
  else span.droppedEvents += 1;
}

/** Attributes without those that nobody knows. */
export function attributesOf(values: { [name: string]: AttributeValue | null | undefined }): Attributes {
  const known: Attributes = {};
  for (const name in values) {
    const value = values[name];
    if (value !== null && value !== undefined) known[name] = value;
  }
  return known;
}
