/** Log records as OTLP/JSON (https://opentelemetry.io/docs/specs/otel/logs/data-model/). */
import {
  type KeyValue,
  keyValues,
  type Resource,
  resourceOf,
  type Scope,
  scopeOf,
  type TelemetryOrigin,
  unixNano,
} from "../traces/otlp.ts";
import type { Attributes } from "../traces/span.ts";
import type { TailRecord } from "./tail-records.ts";

export interface LogDocument {
  resourceLogs: { resource: Resource; scopeLogs: { scope: Scope; logRecords: OtlpLogRecord[] }[] }[];
}

export interface OtlpLogRecord {
  timeUnixNano: string;
  observedTimeUnixNano: string;
  severityNumber: number;
  severityText: string;
  body: { stringValue: string };
  attributes: KeyValue[];
  droppedAttributesCount: number;
  flags?: number;
  traceId?: string;
}

/** `SeverityNumber`. */
const SEVERITIES = { debug: 5, info: 9, warn: 13, error: 17 } as const;

export function logDocument(records: readonly TailRecord[], origin: TelemetryOrigin, nowMs: number): LogDocument {
  const logRecords = records.map((record) => logRecordOf(record, nowMs));
  return { resourceLogs: [{ resource: resourceOf(origin), scopeLogs: [{ scope: scopeOf(origin), logRecords }] }] };
}

function logRecordOf({ atMs, level, msg, service, traceId, fields }: TailRecord, nowMs: number): OtlpLogRecord {
  return {
    timeUnixNano: unixNano(atMs),
    observedTimeUnixNano: unixNano(nowMs),
    severityNumber: SEVERITIES[level],
    severityText: level,
    body: { stringValue: msg },
    attributes: keyValues({ "weir.service": service, ...flat(fields) }),
    droppedAttributesCount: 0,
    ...(traceId === null ? {} : { flags: 1, traceId }),
  };
}

/** Members of members by dotted names; a list stands as its JSON. */
function flat(fields: Readonly<Record<string, unknown>>, above = ""): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(fields)) {
    const key = above === "" ? name : `${above}.${name}`;
    if (value === null || value === undefined) continue;
    if (typeof value === "string" || typeof value === "boolean") attributes[key] = value;
    else if (typeof value === "number" && Number.isFinite(value)) attributes[key] = value;
    else if (typeof value === "object" && !Array.isArray(value)) {
      Object.assign(attributes, flat(value as Record<string, unknown>, key));
    } else attributes[key] = JSON.stringify(value) ?? "";
  }
  return attributes;
}
