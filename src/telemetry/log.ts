/**
 * Structured logs: one JSON object a record. The platform indexes the fields of an object handed to the console; the
 * local runtime writes to a terminal or a file, so there a record is one line of text.
 */
import { LogRedaction } from "./log-redaction.ts";
import { traceIdOf } from "./traces/ids.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * What is known besides the message, under the names that every record uses: `request_id`, `trace_id`, `run_id`,
 * `node_id`, `attempt`, `tenant`, `error` (an Error). A record of a run gets its trace's id by itself.
 */
export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogSettings {
  service: string;
  level: LogLevel;
  /** One line of text a record instead of an object. */
  asLines: boolean;
  /** Values that must show nowhere. */
  secrets?: readonly string[];
}

export function createLogger({ service, level, asLines, secrets = [] }: LogSettings): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  let redaction: LogRedaction | undefined;
  const write =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(at) < threshold) return;
      redaction ??= new LogRedaction(secrets);
      const record = {
        ts: new Date().toISOString(),
        level: at,
        msg: redaction.text(message),
        service,
        ...traceOf(fields),
        ...redaction.fields(fields),
      };
      // biome-ignore lint/suspicious/noConsole: the console is where a Worker's log goes.
      console[at](asLines ? JSON.stringify(record) : record);
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function traceOf({ run_id: runId, trace_id: known }: LogFields): LogFields {
  return typeof runId === "string" && known === undefined ? { trace_id: traceIdOf(runId) } : {};
}
