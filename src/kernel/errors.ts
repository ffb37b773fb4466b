/**
 * Both error tables of Weir. `API_ERRORS`: what a request is answered with, and the status that goes with it.
 * `NODE_ERRORS`: why a node or a run failed, and whether another attempt may help. Errors are recognised by
 * `code`, never by class: classes do not survive a call between objects.
 */

export const API_ERRORS = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  overloaded: 503,
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** One thing that is wrong with a document, at a JSON Pointer (RFC 6901). */
export interface Problem {
  pointer: string;
  message: string;
}

/** An answer other than success; the API turns it into the error envelope. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly details: unknown;
  readonly headers: Record<string, string>;

  constructor(
    code: ApiErrorCode,
    message: string,
    options: { details?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }
}

/** `retry: true` marks failures that another attempt may mend (when `retry.max_attempts` leaves one). */
export const NODE_ERRORS = {
  http_status: { retry: false },
  network: { retry: true },
  timeout: { retry: true },
  url_refused: { retry: false },
  template_unresolved: { retry: false },
  expression_failed: { retry: false },
  expression_limit: { retry: false },
  number_range: { retry: false },
  output_too_large: { retry: false },
  payload_too_large: { retry: false },
  approval_rejected: { retry: false },
  event_timeout: { retry: false },
  child_failed: { retry: false },
  map_failed: { retry: false },
  dead_lettered: { retry: false },
  worker_lost: { retry: false },
  budget_exceeded: { retry: false },
  model_unpriced: { retry: false },
  model_refused: { retry: false },
  model_error: { retry: false },
  model_output_invalid: { retry: false },
  max_turns: { retry: false },
  agent_limit: { retry: false },
  secret_missing: { retry: false },
  cancelled: { retry: false },
  internal: { retry: false },
} as const satisfies Record<string, { retry: boolean }>;

export type NodeErrorCode = keyof typeof NODE_ERRORS;

export const NODE_ERROR_CODES = Object.keys(NODE_ERRORS) as [NodeErrorCode, ...NodeErrorCode[]];

/**
 * Why a node failed. `retryable` is set where the code alone does not decide (an HTTP 503 may be tried again,
 * a 404 may not); `retry_after_ms` is what the far side asked for. `postponed`: there was no room to begin or to go on,
 * so the attempt counts for nothing and is made again after `retry_after_ms`.
 */
export interface NodeError {
  code: NodeErrorCode;
  message: string;
  retryable?: boolean;
  retry_after_ms?: number;
  postponed?: true;
  details?: { [key: string]: string | number | boolean | null };
}

export function nodeError(
  code: NodeErrorCode,
  message: string,
  extra: Omit<NodeError, "code" | "message"> = {},
): NodeError {
  return { code, message, ...extra };
}

export function isRetryable(error: NodeError): boolean {
  return error.retryable ?? NODE_ERRORS[error.code].retry;
}

/** A value, or the reason why there is none; for outcomes that callers are expected to handle. */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function fail<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}

/** Marks a bug: the condition holds in every correct program. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
