/** Events of runs as log lines: how serious, of which node and service, in words. */
import { type EventLevel, levelOf, messageOf, serviceOf } from "#engine/event-words.ts";
import type { RunEvent } from "../client/weir.ts";
import { fields, type Output, type Style } from "./output.ts";

export interface LogLine {
  at: string;
  level: EventLevel;
  service: string;
  run: string;
  node: string | null;
  message: string;
  event: RunEvent;
}

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

const STYLES: Readonly<Record<EventLevel, Style>> = { debug: "dim", info: "cyan", warn: "yellow", error: "red" };

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
