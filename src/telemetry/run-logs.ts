/**
 * The log records of a run, made from its events: each event is a record, and so is each call of an agent. What a reader
 * asked for is picked here; no record holds a value that was handed over, a prompt or an answer.
 */
import { eventView } from "#engine/event-view.ts";
import { EVENT_LEVELS, type EventLevel, levelOf, messageOf, serviceOf } from "#engine/event-words.ts";
import type { RunEvent } from "#engine/events.ts";
import type { CallMetrics } from "#engine/metrics.ts";
import { nodeOf } from "#engine/path.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { duration } from "#kernel/duration.ts";
import { attemptSpanId, rootSpanId, traceIdOf } from "./traces/ids.ts";

/** Records of one answer; then a marker says how many more there are. */
export const RUN_LOG_RECORDS_MAX = 2_000;

export interface RunLogRecord {
  /** Number of the event that it was made from. */
  seq: number;
  ts: string;
  level: EventLevel;
  msg: string;
  service: string;
  /** The event's type; `call` for what an agent did outside, `marker` where records were left out. */
  event: string;
  run_id: string;
  trace_id: string;
  span_id: string;
  tenant: string;
  node_id?: string;
  /** The path, where it is another than the node's id. */
  path?: string;
  visit?: number;
  attempt?: number;
  error?: { code: string; message: string };
}

export interface RunLogQuery {
  level: EventLevel;
  /** A node's id, which its parts belong to. */
  node?: string;
  /** The last so many alone. */
  tail?: number;
  sinceMs?: number;
  /** Events up to this one are left out. */
  after: number;
}

export interface RunLogPage {
  items: RunLogRecord[];
  next_after: number;
  terminal: boolean;
}

/** What is known of the run beside its events. */
export interface LoggedRun {
  run_id: string;
  tenant: string;
  hasEnded: boolean;
}

/** `events` are all of the run, in order. */
export function runLogPage(events: readonly RunEvent[], run: LoggedRun, query: RunLogQuery): RunLogPage {
  const last = events.at(-1)?.seq ?? 0;
  const wanted = events
    .filter(({ seq }) => seq > query.after)
    .flatMap((event) => recordsOf(event, run))
    .filter((record) => isWanted(record, query));
  const found = query.tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - query.tail));
  if (found.length <= RUN_LOG_RECORDS_MAX) {
    return { items: found, next_after: Math.max(last, query.after), terminal: run.hasEnded };
  }
  // A page ends with a whole event, so that the next one can begin after it.
  const next = found[RUN_LOG_RECORDS_MAX]?.seq;
  const whole = found.slice(0, RUN_LOG_RECORDS_MAX).findLastIndex(({ seq }) => seq !== next) + 1;
  const kept = found.slice(0, whole);
  const end = kept.at(-1);
  const after = end?.seq ?? query.after;
  return { items: [...kept, marker(found.length - whole, after, run, end)], next_after: after, terminal: false };
}

function isWanted(record: RunLogRecord, { level, node, sinceMs }: RunLogQuery): boolean {
  return (
    EVENT_LEVELS.indexOf(record.level) >= EVENT_LEVELS.indexOf(level) &&
    (node === undefined || record.node_id === node || record.path === node) &&
    (sinceMs === undefined || Date.parse(record.ts) >= sinceMs)
  );
}

function marker(left: number, after: number, run: LoggedRun, last: RunLogRecord | undefined): RunLogRecord {
  return {
    seq: after,
    ts: last?.ts ?? rfc3339(0),
    level: "warn",
    msg: `${left} more records: ask for them with after=${after}`,
    service: "coordinator",
    event: "marker",
    ...identityOf(run),
    span_id: rootSpanId(run.run_id, 1),
  };
}

function identityOf({ run_id, tenant }: LoggedRun) {
  return { run_id, trace_id: traceIdOf(run_id), tenant };
}

function recordsOf(event: RunEvent, run: LoggedRun): RunLogRecord[] {
  const view = eventView(event);
  const path = "node" in event ? event.node : undefined;
  const address = "attempt" in event ? { path: event.node, visit: event.visit, attempt: event.attempt } : null;
  const error = "error" in event ? event.error : undefined;
  const node = path === undefined ? {} : { node_id: nodeOf(path), ...(nodeOf(path) === path ? {} : { path }) };
  const shared = {
    seq: event.seq,
    ...identityOf(run),
    span_id: address === null ? rootSpanId(run.run_id, 1) : attemptSpanId({ run_id: run.run_id, ...address }),
    service: serviceOf(view),
    ...node,
    ...(address === null ? {} : { visit: address.visit, attempt: address.attempt }),
  };
  const own: RunLogRecord = {
    ...shared,
    ts: view.at,
    level: levelOf(view),
    msg: messageOf(view),
    event: event.type,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
  const calls = "metrics" in event ? (event.metrics?.calls ?? []) : [];
  return [
    ...calls.map((call) => ({
      ...shared,
      ts: rfc3339(call.at + call.duration_ms),
      level: call.error === undefined ? ("debug" as const) : ("warn" as const),
      msg: wordsOf(call),
      event: "call",
      ...(call.error === undefined ? {} : { error: { code: call.error, message: call.error } }),
    })),
    own,
  ];
}

function wordsOf(call: CallMetrics): string {
  const took = `in ${duration(call.duration_ms)}`;
  const failed = call.error === undefined ? "" : `  ${call.error}`;
  switch (call.kind) {
    case "model":
      return `model ${call.model} ${took}  ${call.input_tokens ?? "?"} → ${call.output_tokens ?? "?"} tokens${failed}`;
    case "tool":
      return `tool ${call.tool} ${took}${failed}`;
    case "request":
      return `${call.method} ${call.host} ${call.status ?? "no answer"} ${took}${failed}`;
  }
}
