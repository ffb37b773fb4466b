/** The traces of those who call: a valid `traceparent` in is linked to what the call starts, one out is answered. */
import type { Context } from "hono";
import { formatTraceparent, parseTraceparent } from "#telemetry/traces/traceparent.ts";

/** The caller's span, for a run that the call starts. */
export interface Caller {
  traceparent?: string;
}

export function callerOf(context: Context): Caller {
  const caller = parseTraceparent(context.req.header("traceparent"));
  return caller === null ? {} : { traceparent: formatTraceparent(caller) };
}

/** The answer's `traceparent`: the caller's trace (or a new one) with a span of our own. */
export function answerTraceparent(incoming: string | undefined): string {
  const caller = parseTraceparent(incoming);
  return formatTraceparent({
    traceId: caller?.traceId ?? randomHex(16),
    spanId: randomHex(8),
    flags: caller?.flags ?? "01",
  });
}

function randomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
