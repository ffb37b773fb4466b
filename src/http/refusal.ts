/**
 * Why an outgoing request is not made: the closed list of reasons (a metric label) and the failure that carries one.
 * Who refuses, and on what grounds, is decided elsewhere in this folder.
 */
import { type NodeError, type NodeErrorCode, nodeError } from "#kernel/errors.ts";

export const URL_REFUSALS = [
  "invalid_url",
  "scheme",
  "user_info",
  "port",
  "address",
  "host_name",
  "path",
  "own_origin",
  "denied_host",
  "not_allowed_host",
  "dns",
  "redirect",
  "redirect_downgrade",
  "too_many_redirects",
  "secret_host",
  "request",
] as const;

/**
 * `redirect`: its Location cannot be read. `secret_host`: a secret would leave the hosts it is bound to. `request`:
 * a header or a body that may not be sent. The others speak for themselves.
 */
export type UrlRefusal = (typeof URL_REFUSALS)[number];

/** A failure before or between hops; `refused` is present when a rule of outgoing HTTP was broken. */
export interface Failure {
  error: NodeError;
  refused?: UrlRefusal;
}

/** A `url_refused` failure. */
export function refusal(reason: UrlRefusal, message: string): Failure {
  return { error: nodeError("url_refused", message, { details: { reason } }), refused: reason };
}

/** A failure that no rule of outgoing HTTP stands behind. */
export function failure(code: NodeErrorCode, message: string): Failure {
  return { error: nodeError(code, message) };
}
