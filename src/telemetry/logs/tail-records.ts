/**
 * What a Worker has logged, from the trace events of a tail Worker: its own records as they were written, other lines,
 * exceptions, and invocations that the platform ended. Pure; who takes the records is `log-shipper.ts`.
 */
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import type { LogRedaction } from "../log-redaction.ts";

export interface TailRecord {
  atMs: number;
  level: LogLevel;
  msg: string;
  service: string;
  traceId: string | null;
  /** Everything else of the record. */
  fields: Readonly<Record<string, unknown>>;
}

/** The parts of a trace event that are read (https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/). */
export interface TracedInvocation {
  scriptName: string | null;
  entrypoint?: string;
  outcome: string;
  eventTimestamp: number | null;
  cpuTime: number;
  wallTime: number;
  logs: readonly { timestamp: number; level: string; message: unknown }[];
  exceptions: readonly { timestamp: number; name: string; message: string; stack?: string }[];
}

/** Ends that are nobody's fault: the client went away, or a stream was given up. */
const FINE: ReadonlySet<string> = new Set(["ok", "canceled", "responseStreamDisconnected", "unknown"]);

const TRACE_ID = /^[0-9a-f]{32}$/;

export function recordsOf(invocation: TracedInvocation, redaction: LogRedaction): TailRecord[] {
  const { logs, exceptions, outcome, entrypoint, scriptName, eventTimestamp, cpuTime, wallTime } = invocation;
  const service = scriptName ?? "weir";
  const where = entrypoint === undefined ? {} : { entrypoint };
  const records = logs.map((log) => recordOf(log, service, redaction));
  for (const { timestamp, name, message, stack } of exceptions) {
    const error = redaction.fields({ code: name, message, ...(stack === undefined ? {} : { stack }) });
    const fields = { error, ...where };
    records.push({
      atMs: timestamp,
      level: "error",
      msg: "an exception was not caught",
      service,
      traceId: null,
      fields,
    });
  }
  if (!FINE.has(outcome)) {
    const fields = { outcome, cpu_time_ms: cpuTime, wall_time_ms: wallTime, ...where };
    const atMs = (eventTimestamp ?? logs.at(-1)?.timestamp ?? 0) + Math.max(0, Math.round(wallTime));
    records.push({ atMs, level: "error", msg: "an invocation did not end well", service, traceId: null, fields });
  }
  return records;
}

function recordOf(log: TracedInvocation["logs"][number], service: string, redaction: LogRedaction): TailRecord {
  const own = ownRecord(log.message);
  if (own === null) {
    const msg = redaction.text(wordsOf(log.message));
    return { atMs: log.timestamp, level: levelOf(log.level), msg, service, traceId: null, fields: {} };
  }
  const { ts, level, msg, service: named, trace_id: trace, ...fields } = own;
  const at = typeof ts === "string" ? Date.parse(ts) : Number.NaN;
  return {
    atMs: Number.isNaN(at) ? log.timestamp : at,
    level: levelOf(level),
    msg: String(msg),
    service: typeof named === "string" ? named : service,
    traceId: typeof trace === "string" && TRACE_ID.test(trace) ? trace : null,
    fields,
  };
}

/** A record of our logger, handed to the console as an object or as a line; null for what somebody else wrote. */
function ownRecord(message: unknown): Record<string, unknown> | null {
  const [first, ...more] = Array.isArray(message) ? message : [message];
  if (more.length > 0) return null;
  let value: unknown = first;
  if (typeof first === "string" && first.startsWith("{")) {
    try {
      value = JSON.parse(first);
    } catch {
      return null;
    }
  }
  if (typeof value !== "object" || value === null) return null;
  return "level" in value && "msg" in value && "service" in value ? (value as Record<string, unknown>) : null;
}

function wordsOf(message: unknown): string {
  const parts: unknown[] = Array.isArray(message) ? message : [message];
  return parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" ");
}

/** The platform's `log` is our `info`. */
function levelOf(level: unknown): LogLevel {
  return LOG_LEVELS.find((known) => known === level) ?? "info";
}
