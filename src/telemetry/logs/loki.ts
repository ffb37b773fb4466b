/**
 * Log records as Loki takes them (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs). Labels are
 * only what has few values; everything else is in the line, as JSON.
 */
import { addressBelow, type CollectorAddress } from "../otlp-collector.ts";
import { unixNano } from "../traces/otlp.ts";
import type { TailRecord } from "./tail-records.ts";

const PUSH_PATH = "loki/api/v1/push";

export interface LokiPush {
  streams: { stream: Record<string, string>; values: [time: string, line: string][] }[];
}

/** The push address of a Loki; user and password of its URL become a header. */
export function lokiAddress(url: string): CollectorAddress {
  return addressBelow(url, PUSH_PATH, {});
}

export function lokiPush(records: readonly TailRecord[], env: string): LokiPush {
  const streams = new Map<string, LokiPush["streams"][number]>();
  for (const record of records) {
    const { service, level } = record;
    const key = `${service} ${level}`;
    const stream = streams.get(key) ?? { stream: { service, level, env }, values: [] };
    streams.set(key, stream);
    stream.values.push([unixNano(record.atMs), lineOf(record)]);
  }
  return { streams: [...streams.values()] };
}

function lineOf({ atMs, level, msg, service, traceId, fields }: TailRecord): string {
  const trace = traceId === null ? {} : { trace_id: traceId };
  return JSON.stringify({ ts: new Date(atMs).toISOString(), level, msg, service, ...trace, ...fields });
}
