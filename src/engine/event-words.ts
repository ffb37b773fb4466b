/** Events in words: how much each matters, who did it, what happened. Works on events as the API shows them. */
import { duration } from "#kernel/duration.ts";

export const EVENT_LEVELS = ["debug", "info", "warn", "error"] as const;
export type EventLevel = (typeof EVENT_LEVELS)[number];

/** An event of `event-view.ts`, wherever it was read. */
export interface WordedEvent {
  type: string;
  node?: unknown;
  [member: string]: unknown;
}

/** Steps of the engine that say nothing to those who only want to know how it goes. */
const DEBUG = new Set(["node.queued", "edge.resolved", "timer.set", "budget.reserved", "budget.settled"]);
const WARN = new Set([
  "warning",
  "node.retrying",
  "run.cancelled",
  "node.cancelled",
  "approval.expired",
  "patch.rejected",
  "budget.exceeded",
]);

/** How much it matters to those who only want to know how it goes. */
export function levelOf(event: WordedEvent): EventLevel {
  if (event.type === "log" && EVENT_LEVELS.some((level) => level === event.level)) return event.level as EventLevel;
  if (event.type.endsWith(".failed")) return "error";
  if (WARN.has(event.type)) return "warn";
  return DEBUG.has(event.type) ? "debug" : "info";
}

/** Who did it: tasks name their worker, everything else is the coordinator's. */
export function serviceOf({ metrics, worker }: WordedEvent): string {
  const measured = (metrics as { worker?: unknown } | null | undefined)?.worker;
  const named = measured ?? worker;
  return typeof named === "string" ? named : "coordinator";
}

/** What happened, in a few words: never a value that was handed over. */
export function messageOf(event: WordedEvent): string {
  const said = specialMessage(event);
  if (said !== null) return said;
  const [noun = "", verb = event.type] = event.type.split(".");
  const what = noun === "node" ? verb : `${noun} ${verb}`;
  const rest = detailsOf(event);
  return rest === "" ? what : `${what}  ${rest}`;
}

function specialMessage(event: WordedEvent): string | null {
  switch (event.type) {
    case "run.failed":
    case "node.failed":
      return `${subject(event)}failed  ${errorOf(event)}`;
    case "node.retrying":
      return `attempt ${event.attempt} failed  ${errorOf(event)}  next at ${event.retry_at}`;
    case "node.completed": {
      const error = event.error === undefined ? "" : `  after ${errorOf(event)}`;
      return `completed${tookOf(event)}${error}`;
    }
    case "node.started":
      return Number(event.attempt) > 1 ? `started, attempt ${event.attempt}` : "started";
    case "node.waiting":
      return `waits for ${waitOf(event)}`;
    case "node.skipped":
      return event.reason === "dead_path" ? "skipped: no path leads here" : `skipped: ${event.reason}`;
    case "edge.resolved":
      return `takes ${list(event.taken) || "no edge"}${list(event.dead) === "" ? "" : `, not ${list(event.dead)}`}`;
    case "warning":
      return `${event.code}: ${event.message}`;
    case "log":
      return String(event.message ?? "");
    case "run.queued":
      return `run queued${event.workflow === null ? "" : ` of ${event.workflow}`}`;
    default:
      return null;
  }
}

function subject(event: WordedEvent): string {
  return event.type.startsWith("run.") ? "run " : "";
}

function errorOf(event: WordedEvent): string {
  const error = event.error as { code?: string; message?: string; node?: string } | null | undefined;
  if (error === null || error === undefined) return "";
  const where = event.type === "run.failed" && error.node !== undefined ? ` at ${error.node}` : "";
  return `${error.code}${where}: ${error.message}`;
}

function waitOf({ wait }: WordedEvent): string {
  const { kind, event, run_id: run, total } = (wait ?? {}) as Record<string, unknown>;
  switch (kind) {
    case "timer":
      return "its time";
    case "event":
      return `the event ${event}`;
    case "approval":
      return "approval";
    case "child":
      return `its run ${run}`;
    case "items":
      return `its ${total} items`;
    default:
      return String(kind ?? "something");
  }
}

function tookOf({ metrics }: WordedEvent): string {
  const ms = (metrics as { execution_time_ms?: unknown } | null | undefined)?.execution_time_ms;
  return typeof ms === "number" ? ` in ${duration(ms)}` : "";
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : "";
}

/** Fields that every event has, and values that were handed over: neither is said in words. */
const UNSAID = new Set([
  ...["seq", "at", "type", "node", "visit", "iteration", "attempt", "system", "labels", "metrics", "traceparent"],
  ...["inputs", "output", "payload", "operations", "config", "link"],
]);

function detailsOf(event: WordedEvent): string {
  return Object.entries(event)
    .filter(([key, value]) => !UNSAID.has(key) && value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
