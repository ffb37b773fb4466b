/**
 * Structured logs: one JSON object a record. The platform indexes the fields of an object handed to the console; the
 * local runtime writes to a terminal or a file, so there a record is one line of text.
 */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Fields that may hold a secret are named, never shown. */
const REDACTED = /authorization|cookie|api[-_]?key|secret|password|token$/i;

export interface LogSettings {
  service: string;
  level: LogLevel;
  /** One line of text a record instead of an object. */
  asLines: boolean;
}

export function createLogger({ service, level, asLines }: LogSettings): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const write =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(at) < threshold) return;
      const record = { ts: new Date().toISOString(), level: at, msg: message, service, ...clean(fields) };
      // biome-ignore lint/suspicious/noConsole: the console is where a Worker's log goes.
      console[at](asLines ? JSON.stringify(record) : record);
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function clean(fields: LogFields): LogFields {
  const cleaned: LogFields = {};
  for (const [name, value] of Object.entries(fields)) {
    if (REDACTED.test(name)) cleaned[name] = "[redacted]";
    else if (value instanceof Error) cleaned[name] = { name: value.name, message: value.message, stack: value.stack };
    else cleaned[name] = value;
  }
  return cleaned;
}
