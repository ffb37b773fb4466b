/** The `traceparent` of W3C Trace Context (https://www.w3.org/TR/trace-context/), read and written. */
import { type AttemptAddress, attemptSpanId, traceIdOf } from "./ids.ts";

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NOTHING = /^0+$/;

export interface TraceParent {
  traceId: string;
  spanId: string;
  /** Two hexadecimal digits; the lowest bit: sampled. */
  flags: string;
}

/** Null for anything that is not one, all-zero ids included. */
export function parseTraceparent(text: string | undefined): TraceParent | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return NOTHING.test(traceId) || NOTHING.test(spanId) ? null : { traceId, spanId, flags };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags}`;
}

/** What an attempt sends along: its own span. Whether the run is kept is decided at its end, so all are sampled. */
export function attemptTraceparent(address: AttemptAddress): string {
  return formatTraceparent({ traceId: traceIdOf(address.run_id), spanId: attemptSpanId(address), flags: "01" });
}
