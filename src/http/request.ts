/**
 * One attempt of an outgoing HTTP request, from config to outcome: prepares it, follows redirects by hand, reads the
 * answer within its bounds, all under one deadline. Retrying is the engine's.
 */
import type { Clock } from "#kernel/clock.ts";
import { type NodeError, nodeError } from "#kernel/errors.ts";
import { utf8Length } from "#kernel/json.ts";
import { TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX } from "#workflow/limits.ts";
import { type HttpOutput, isBodiless, outputOf, statusError } from "./answer.ts";
import { discard, readAtMost } from "./body.ts";
import { type Deadline, openDeadline } from "./deadline.ts";
import type { Fetch } from "./fetch.ts";
import { ANSWER_BYTES_MAX, PAYLOAD_BYTES_MAX, REDIRECTS_MAX, SNIPPET_BYTES_MAX } from "./limits.ts";
import { type HttpRequestSpec, type PreparedRequest, prepareRequest } from "./prepare.ts";
import { followRedirect, redirectLocation } from "./redirect.ts";
import { type Failure, failure, refusal, type UrlRefusal } from "./refusal.ts";
import type { Resolver } from "./resolver.ts";
import type { SecretStore } from "./secrets.ts";
import { judgeAddresses, needsResolution, type UrlPolicy } from "./url-guard.ts";

export interface HttpEnvironment {
  fetch: Fetch;
  policy: UrlPolicy;
  resolver: Resolver;
  secrets: SecretStore;
  clock: Clock;
  /** `<run>/<path>/<visit>`: always sent, so that an effect asked for twice is known. */
  idempotencyKey: string;
  /** W3C Trace Context; one that the workflow sets goes first. */
  traceparent?: string;
  /** Aborted when the answer is no longer wanted; the outcome is then `cancelled`. */
  signal?: AbortSignal;
}

export interface HttpLimits {
  answerBytesMax: number;
  payloadBytesMax: number;
  redirectsMax: number;
}

export const HTTP_LIMITS: HttpLimits = {
  answerBytesMax: ANSWER_BYTES_MAX,
  payloadBytesMax: PAYLOAD_BYTES_MAX,
  redirectsMax: REDIRECTS_MAX,
};

/** `bytes_in` and `bytes_out` count bodies, after decompression and over all redirects. */
export type HttpOutcome =
  | { ok: true; output: HttpOutput; bytes_in: number; bytes_out: number }
  | { ok: false; error: NodeError; bytes_in: number; bytes_out: number; refused?: UrlRefusal };

type Exchanged = { ok: true; output: HttpOutput } | { ok: false; failure: Failure };

/**
 * Makes one attempt; never throws. Errors: `http_status`, `network`, `timeout`, `url_refused` (with `refused`),
 * `secret_missing`, `payload_too_large`, `output_too_large`, `cancelled`, `internal`. Nothing in the outcome holds the
 * value of a secret.
 */
export async function executeRequest(
  spec: HttpRequestSpec,
  environment: HttpEnvironment,
  limits: HttpLimits = HTTP_LIMITS,
): Promise<HttpOutcome> {
  const timeoutMs = Math.min(Math.max(spec.timeout_ms ?? TIMEOUT_MS_DEFAULT, 1), TIMEOUT_MS_MAX);
  const deadline = openDeadline(timeoutMs, environment.signal);
  const exchange = new Exchange(spec, environment, limits, deadline);
  try {
    const result = await exchange.run();
    const bytes = { bytes_in: exchange.bytesIn, bytes_out: exchange.bytesOut };
    return result.ok
      ? { ok: true, output: result.output, ...bytes }
      : { ok: false, ...result.failure, error: exchange.redact(result.failure.error), ...bytes };
  } catch {
    const error = exchange.redact(interruption(deadline, timeoutMs, exchange.host));
    return { ok: false, error, bytes_in: exchange.bytesIn, bytes_out: exchange.bytesOut };
  } finally {
    deadline.close();
  }
}

class Exchange {
  bytesIn = 0;
  bytesOut = 0;
  /** The host of the hop under way; null before the first one. */
  host: string | null = null;
  redact: (error: NodeError) => NodeError = (error) => error;
  readonly #spec: HttpRequestSpec;
  readonly #environment: HttpEnvironment;
  readonly #limits: HttpLimits;
  readonly #deadline: Deadline;
  readonly #startedMs: number;

  constructor(spec: HttpRequestSpec, environment: HttpEnvironment, limits: HttpLimits, deadline: Deadline) {
    this.#spec = spec;
    this.#environment = environment;
    this.#limits = limits;
    this.#deadline = deadline;
    this.#startedMs = environment.clock.nowMs();
  }

  /** Rejects when the deadline falls, the network fails, or there is a bug. */
  async run(): Promise<Exchanged> {
    const { policy, secrets } = this.#environment;
    const prepared = prepareRequest(this.#spec, policy, secrets, this.#environment, this.#limits.payloadBytesMax);
    const { redactor } = prepared.ok ? prepared.request : prepared;
    this.redact = (error) => ({ ...error, message: redactor.text(error.message) });
    if (!prepared.ok) return { ok: false, failure: prepared.failure };

    let request = prepared.request;
    for (let redirects = 0; ; redirects++) {
      const refused = await this.#refuseAddresses(request.url);
      if (refused !== null) return { ok: false, failure: refused };
      const response = await this.#send(request);
      const location = redirectLocation(response);
      if (location === null || this.#spec.expect_status?.includes(response.status)) {
        return this.#receive(request, response);
      }
      discard(response);
      if (redirects === this.#limits.redirectsMax) {
        const message = `more than ${this.#limits.redirectsMax} redirects`;
        return { ok: false, failure: refusal("too_many_redirects", message) };
      }
      const next = followRedirect(request, response.status, location, policy);
      if ("error" in next) return { ok: false, failure: next };
      request = next;
    }
  }

  /** Looked up anew for each hop, right before it: a name may have changed its answer since. */
  async #refuseAddresses(url: URL): Promise<Failure | null> {
    this.host = url.hostname;
    if (!needsResolution(url, this.#environment.policy)) return null;
    const addresses = await this.#deadline.race(this.#environment.resolver.resolve(url.hostname));
    if (addresses === "unavailable") return null;
    const verdict = judgeAddresses(addresses);
    return verdict.allowed ? null : refusal(verdict.reason, verdict.message);
  }

  async #send(request: PreparedRequest): Promise<Response> {
    const { fetch } = this.#environment;
    this.bytesOut += utf8Length(request.body ?? "");
    const sent = fetch(request.url.href, {
      method: request.method,
      headers: request.headers,
      ...(request.body === null ? {} : { body: request.body }),
      redirect: "manual",
      signal: this.#deadline.signal,
    });
    return this.#deadline.race(sent);
  }

  async #receive(request: PreparedRequest, response: Response): Promise<Exchanged> {
    const hasBody = !isBodiless(response, request.method);
    const { clock } = this.#environment;
    if (!this.#isExpected(response.status)) {
      if (!hasBody) discard(response);
      const start = hasBody ? await this.#read(response, SNIPPET_BYTES_MAX) : null;
      return { ok: false, failure: { error: statusError(response, start, request.redactor, clock.nowMs()) } };
    }
    if (!hasBody) {
      discard(response);
      return { ok: true, output: outputOf(request, response, null, clock.nowMs() - this.#startedMs) };
    }
    const { answerBytesMax } = this.#limits;
    const tooLarge = failure("output_too_large", `the answer has more than ${answerBytesMax} bytes`);
    if (Number(response.headers.get("content-length")) > answerBytesMax) {
      discard(response);
      return { ok: false, failure: tooLarge };
    }
    const { bytes, isComplete } = await this.#read(response, answerBytesMax);
    if (!isComplete) return { ok: false, failure: tooLarge };
    return { ok: true, output: outputOf(request, response, bytes, clock.nowMs() - this.#startedMs) };
  }

  async #read(response: Response, bytesMax: number): ReturnType<typeof readAtMost> {
    const read = await readAtMost(response.body, bytesMax, (promise) => this.#deadline.race(promise));
    this.bytesIn += read.bytes.byteLength;
    return read;
  }

  #isExpected(status: number): boolean {
    return this.#spec.expect_status?.includes(status) ?? (status >= 200 && status <= 299);
  }
}

/** Why an exchange ended early: the deadline, else the network; a failure before the first hop is a bug. */
function interruption(deadline: Deadline, timeoutMs: number, host: string | null): NodeError {
  if (deadline.fallen === "timeout") return nodeError("timeout", `no complete answer within ${timeoutMs} ms`);
  if (deadline.fallen === "cancelled") return nodeError("cancelled", "the request was cancelled");
  if (host === null) return nodeError("internal", "the request could not be prepared");
  return nodeError("network", `the connection to ${host} failed`);
}
