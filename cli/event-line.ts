/** Events of runs as log lines: how serious, of which node and service, in words. */
import type { RunEvent } from "../client/weir.ts";
import { fields, type Output, type Style } from "./output.ts";
import { duration } from "./wording.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
  at: string;
  level: Level;
  service: string;
  run: string;
  node: string | null;
  message: string;
  event: RunEvent;
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

export function logLineOf(run: string, event: RunEvent): LogLine {
  return {
    at: event.at,
    level: levelOf(event),
    service: serviceOf(event),
    run,
    node: event.node ?? null,
    message: messageOf(event),
    event,
  };
}

function levelOf(event: RunEvent): Level {
  if (event.type === "log" && LEVELS.some((level) => level === event.level)) return event.level as Level;
  if (event.type.endsWith(".failed")) return "error";
  if (WARN.has(event.type)) return "warn";
  return DEBUG.has(event.type) ? "debug" : "info";
}

/** Who did it: tasks name their worker, everything else is the coordinator's. */
function serviceOf({ metrics, worker }: RunEvent): string {
  const measured = (metrics as { worker?: unknown } | null | undefined)?.worker;
  const named = measured ?? worker;
  return typeof named === "string" ? named : "coordinator";
}

function messageOf(event: RunEvent): string {
  const said = specialMessage(event);
  if (said !== null) return said;
  const [noun = "", verb = event.type] = event.type.split(".");
  const what = noun === "node" ? verb : `${noun} ${verb}`;
  const rest = detailsOf(event);
  return rest === "" ? what : `${what}  ${rest}`;
}

function specialMessage(event: RunEvent): string | null {
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

function subject(event: RunEvent): string {
  return event.type.startsWith("run.") ? "run " : "";
}

function errorOf(event: RunEvent): string {
  const error = event.error as { code?: string; message?: string; node?: string } | null | undefined;
  if (error === null || error === undefined) return "";
  const where = event.type === "run.failed" && error.node !== undefined ? ` at ${error.node}` : "";
  return `${error.code}${where}: ${error.message}`;
}

function waitOf({ wait }: RunEvent): string {
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

function tookOf({ metrics }: RunEvent): string {
  const ms = (metrics as { execution_time_ms?: unknown } | null | undefined)?.execution_time_ms;
  return typeof ms === "number" ? ` in ${duration(ms)}` : "";
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : "";
}

/** What an event says beyond the fields that every event has. */
const COMMON = new Set(["seq", "at", "type", "node", "visit", "iteration", "attempt", "system", "inputs", "labels"]);

function detailsOf(event: RunEvent): string {
  return Object.entries(event)
    .filter(([key, value]) => !COMMON.has(key) && value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}

const STYLES: Readonly<Record<Level, Style>> = { debug: "dim", info: "cyan", warn: "yellow", error: "red" };

/** One line of `weir logs`; with the run's id when lines of several runs stand together. */
export function renderLogLine(line: LogLine, output: Output, withRun: boolean): string {
  if (output.mode === "json") return JSON.stringify(withRun ? { run_id: line.run, ...line.event } : line.event);
  if (output.mode === "compact") {
    return fields(line.at, line.level, line.service, line.run, line.node, line.event.type, line.message);
  }
  const { paint } = output;
  const level = paint(STYLES[line.level], line.level.padEnd(5));
  const run = withRun ? [paint("dim", line.run)] : [];
  const node = line.node === null ? [] : [paint("bold", line.node)];
  return [paint("dim", timeOf(line.at, output.isTerminal)), level, ...run, ...node, line.message].join("  ");
}

/** In a file the day and the zone matter, on a screen only the clock. */
function timeOf(at: string, isTerminal: boolean): string {
  if (!isTerminal) return at;
  const time = new Date(at);
  return `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
