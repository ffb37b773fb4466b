/** What can go wrong with a call: one error, told apart by `code`. */
import type { ApiErrorCode, Problem } from "#kernel/errors.ts";

/**
 * Codes beside the API's own. `unreachable`: no answer came; `timeout`: none in time; `aborted`: the caller's signal
 * ended it; `bad_answer`: something that is not Weir answered, or a proxy in front of it.
 */
export type ClientErrorCode = "unreachable" | "timeout" | "aborted" | "bad_answer";
export type WeirErrorCode = ApiErrorCode | ClientErrorCode;

export interface WeirErrorFacts {
  /** HTTP status; null when no answer came. */
  status?: number | null;
  details?: unknown;
  /** Finds the request in Weir's logs. */
  requestId?: string | null;
  /** How long the server asked to wait before the next try. */
  retryAfterMs?: number | null;
  cause?: unknown;
}

export class WeirError extends Error {
  readonly code: WeirErrorCode;
  readonly status: number | null;
  readonly details: unknown;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;

  constructor(code: WeirErrorCode, message: string, facts: WeirErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "WeirError";
    this.code = code;
    this.status = facts.status ?? null;
    this.details = facts.details;
    this.requestId = facts.requestId ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }

  /** What is wrong with the document or request, place by place; empty for other errors. */
  get problems(): Problem[] {
    return Array.isArray(this.details) ? this.details.filter(isProblem) : [];
  }
}

function isProblem(value: unknown): value is Problem {
  const problem = value as Partial<Problem> | null;
  return typeof problem?.pointer === "string" && typeof problem.message === "string";
}

/** The caller's signal has ended the call. */
export function aborted(reason: unknown): WeirError {
  return new WeirError("aborted", "the call was ended by its signal", { cause: reason });
}

/** Whether this is an error of the client; with `code` whether it is that one. */
export function isWeirError<Code extends WeirErrorCode>(
  error: unknown,
  code?: Code,
): error is WeirError & { readonly code: Code } {
  // By name, not by class: two copies of the client may meet in one program.
  const named = error instanceof Error && error.name === "WeirError";
  return named && (code === undefined || (error as WeirError).code === code);
}

export type Attempt<Value> = { ok: true; value: Value } | { ok: false; error: WeirError };

/** The outcome as a value, for those who rather branch than catch; what is no `WeirError` is still thrown. */
export async function attempt<Value>(call: Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    if (isWeirError(error)) return { ok: false, error };
    throw error;
  }
}
