/**
 * Ids of traces and spans, by hash of what they are of: whoever knows a run's id, a node's path, visit and attempt knows
 * them, so nothing of a trace has to travel, and the same log gives the same ids every time.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** Hexadecimal digits, as W3C Trace Context has them. */
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/** One attempt of a node run. */
export interface AttemptAddress {
  run_id: string;
  path: string;
  visit: number;
  attempt: number;
}

export function traceIdOf(runId: string): string {
  return digest(["trace", runId]).slice(0, TRACE_ID_DIGITS);
}

/** The run as a whole, from its start or from its reopening to its end. */
export function rootSpanId(runId: string, generation: number): string {
  return spanId(["run", runId, generation]);
}

export function attemptSpanId({ run_id, path, visit, attempt }: AttemptAddress): string {
  return spanId(["attempt", run_id, path, visit, attempt]);
}

/** The `index`th call of an attempt: to a model, a tool, a server. */
export function callSpanId({ run_id, path, visit, attempt }: AttemptAddress, index: number): string {
  return spanId(["call", run_id, path, visit, attempt, index]);
}

function spanId(parts: readonly (string | number)[]): string {
  return digest(parts).slice(0, SPAN_ID_DIGITS);
}

function digest(parts: readonly (string | number)[]): string {
  return bytesToHex(sha256(utf8ToBytes(parts.join("\n"))));
}
