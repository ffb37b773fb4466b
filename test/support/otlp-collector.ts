/**
 * A collector of OTLP/HTTP in JSON that takes nothing that the protocol does not have: content type, members, ids in
 * hexadecimal of the right length, 64-bit numbers as text. It keeps what it took, and fails when it is told to.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { z } from "zod";
import { closeServer, listenOnLoopback } from "./loopback.ts";

const int64 = z.string().regex(/^-?\d{1,19}$/);
/** Nanoseconds of this century: milliseconds or seconds by mistake are smaller. */
const time = z.string().regex(/^1[5-9]\d{17}$|^[2-4]\d{18}$/);
const uint32 = z.int().min(0).max(0xffff_ffff);
const hex = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${digits}}$`))
    .refine((id) => !/^0+$/.test(id));

type AnyValue = z.infer<typeof scalar> | { arrayValue: { values: AnyValue[] } };
const scalar = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: int64 }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
]);
const anyValue: z.ZodType<AnyValue> = z.union([
  scalar,
  z.strictObject({ arrayValue: z.strictObject({ values: z.array(z.lazy(() => anyValue)) }) }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, "keys are unique");

const resource = z
  .strictObject({ attributes, droppedAttributesCount: uint32.optional() })
  .refine(({ attributes: list }) => list.some(({ key }) => key === "service.name"), "service.name is required");
const scope = z.strictObject({ name: z.string().min(1), version: z.string().optional() });

const span = z
  .strictObject({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16).optional(),
    traceState: z.string().optional(),
    flags: uint32.optional(),
    name: z.string().min(1),
    kind: z.int().min(0).max(5),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    droppedAttributesCount: uint32.optional(),
    events: z.array(
      z.strictObject({
        timeUnixNano: time,
        name: z.string().min(1),
        attributes,
        droppedAttributesCount: uint32.optional(),
      }),
    ),
    droppedEventsCount: uint32.optional(),
    links: z.array(
      z.strictObject({
        traceId: hex(32),
        spanId: hex(16),
        attributes,
        droppedAttributesCount: uint32.optional(),
        flags: uint32.optional(),
      }),
    ),
    droppedLinksCount: uint32.optional(),
    status: z.strictObject({ code: z.int().min(0).max(2), message: z.string().optional() }),
  })
  .refine(({ startTimeUnixNano: start, endTimeUnixNano: end }) => BigInt(start) <= BigInt(end), "ends after its start");

const traces = z.strictObject({
  resourceSpans: z
    .array(
      z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span).min(1) })).min(1) }),
    )
    .min(1),
});

const logRecord = z.strictObject({
  timeUnixNano: time,
  observedTimeUnixNano: time,
  severityNumber: z.int().min(1).max(24),
  severityText: z.string().min(1),
  body: anyValue,
  attributes,
  droppedAttributesCount: uint32.optional(),
  traceId: hex(32).optional(),
  spanId: hex(16).optional(),
  flags: uint32.optional(),
});

const logs = z.strictObject({
  resourceLogs: z
    .array(
      z.strictObject({
        resource,
        scopeLogs: z.array(z.strictObject({ scope, logRecords: z.array(logRecord).min(1) })).min(1),
      }),
    )
    .min(1),
});

export type CollectedSpan = z.infer<typeof span>;
export type CollectedLog = z.infer<typeof logRecord>;

/** A failure that the next requests get. */
export interface Failure {
  status: number;
  headers?: Record<string, string>;
}

export interface OtlpCollector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly logs: CollectedLog[];
  /** What it refused, and why: nothing in a test that is right. */
  readonly problems: string[];
  readonly requests: { path: string; atMs: number; status: number; headers: IncomingHttpHeaders; spans: number }[];
  /** Null: it takes what is right. */
  failure: Failure | null;
  close(): Promise<void>;
}

const JSON_TYPE = "application/json";

export async function startOtlpCollector(expected: { headers?: Record<string, string> } = {}): Promise<OtlpCollector> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const answer = judge(request, text);
    const { status, headers = {} } = answer;
    collector.requests.push({
      path: request.url ?? "",
      atMs: Date.now(),
      status,
      headers: request.headers,
      spans: answer.spans,
    });
    response.writeHead(status, { "content-type": JSON_TYPE, ...headers }).end("{}");
  });
  const judge = (request: IncomingMessage, text: string): Failure & { spans: number } => {
    const refuse = (problem: string) => {
      collector.problems.push(problem);
      return { status: 400, spans: 0 };
    };
    if (request.method !== "POST") return refuse(`method ${request.method}`);
    if (request.headers["content-type"] !== JSON_TYPE) return refuse(`type ${request.headers["content-type"]}`);
    for (const [name, value] of Object.entries(expected.headers ?? {})) {
      if (request.headers[name] !== value) return refuse(`header ${name}: ${request.headers[name]}`);
    }
    const isTraces = request.url === "/v1/traces";
    if (!isTraces && request.url !== "/v1/logs") return refuse(`path ${request.url}`);
    const document = JSON.parse(text) as unknown;
    if (isTraces) {
      const parsed = traces.safeParse(document);
      if (!parsed.success) return refuse(z.prettifyError(parsed.error));
      const all = parsed.data.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
      if (collector.failure !== null) return { ...collector.failure, spans: all.length };
      collector.spans.push(...all);
      return { status: 200, spans: all.length };
    }
    const parsed = logs.safeParse(document);
    if (!parsed.success) return refuse(z.prettifyError(parsed.error));
    if (collector.failure !== null) return { ...collector.failure, spans: 0 };
    for (const { scopeLogs } of parsed.data.resourceLogs) {
      for (const { logRecords } of scopeLogs) collector.logs.push(...logRecords);
    }
    return { status: 200, spans: 0 };
  };
  const port = await listenOnLoopback(server);
  const collector: OtlpCollector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    logs: [],
    problems: [],
    requests: [],
    failure: null,
    close: () => closeServer(server),
  };
  return collector;
}

/** Why a document is no OTLP/JSON of traces; null when it is. */
export function traceProblem(document: unknown): string | null {
  const parsed = traces.safeParse(document);
  return parsed.success ? null : z.prettifyError(parsed.error);
}

/** An attribute as a plain value; undefined when there is none. */
export function attribute(item: { attributes: CollectedSpan["attributes"] }, name: string): unknown {
  const value = item.attributes.find(({ key }) => key === name)?.value;
  if (value === undefined) return undefined;
  if ("intValue" in value) return Number(value.intValue);
  return Object.values(value)[0];
}
