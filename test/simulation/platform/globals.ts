/** Puts virtual time in the place of the real one for as long as a simulation runs, and collects what is logged. */
import type { Owner, Timeline } from "./timeline.ts";

export interface LogRecord {
  level: string;
  msg: string;
  owner: Owner;
  [field: string]: unknown;
}

/** Answers with the function that puts everything back. */
export function virtualise(timeline: Timeline, onLog: (record: LogRecord) => void): () => void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const RealDate = Date;
  class VirtualDate extends RealDate {
    constructor(...parts: unknown[]) {
      if (parts.length === 0) super(timeline.nowMs);
      else super(...(parts as [number]));
    }

    static override now(): number {
      return timeline.nowMs;
    }
  }
  const later = (happen: (...values: unknown[]) => void, delayMs = 0, ...values: unknown[]) =>
    timeline.in(delayMs, timeline.current, () => happen(...values));
  const forget = (timer: unknown) => {
    if (timer !== null && timer !== undefined) timeline.cancel(timer as ReturnType<typeof later>);
  };
  const repeated = () => {
    throw new Error("nothing in Weir's coordinator or consumers repeats by setInterval");
  };
  const log = (level: string) => (record: object | string) => {
    const told = (typeof record === "string" ? JSON.parse(record) : record) as { msg: string };
    onLog({ ...told, level, owner: timeline.current });
  };
  const replaced: Record<string, unknown> = {
    Date: VirtualDate,
    setTimeout: later,
    clearTimeout: forget,
    setInterval: repeated,
    scheduler: { wait: (delayMs: number) => new Promise<void>((resolve) => later(() => resolve(), delayMs)) },
    console: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  };
  const before = Object.fromEntries(Object.keys(replaced).map((name) => [name, scope[name]]));
  Object.assign(scope, replaced);
  return () => Object.assign(scope, before);
}
