/** One call of the API: address, key, time limit, tries, and what came back as a typed value or a `WeirError`. */
import { API_ERRORS, type ApiErrorCode } from "#kernel/errors.ts";
import type { Input, Method, Output, Path } from "./api.ts";
import { aborted, WeirError } from "./errors.ts";
import { ATTEMPTS_DEFAULT, pause, pauseBeforeRetry } from "./retry.ts";

export interface ClientOptions {
  /** Where Weir listens, such as `https://weir.example.com`. */
  url: string;
  /** A key: `weir_…`. */
  key: string;
  /** Instead of the global one, for instance a service binding's. */
  fetch?: typeof fetch;
  /** For one try of one call (30 s); a call that waits for a run gets that time on top. */
  timeoutMs?: number;
  /** Tries in all (5); 1 turns repeating off. */
  attempts?: number;
  /** Keep the text of answers for `answerOf`; off by default, since it doubles their memory. */
  keepText?: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
}

interface Kind {
  /** May be done twice without harm; reads are by nature. */
  isRepeatable?: boolean;
  /** On top of the time limit: what the call itself waits for. */
  extraMs?: number;
  /** A status that is an answer too, when its body is no error. */
  alsoStatus?: number;
}

/** What an answer was beside its value. */
export interface AnswerFacts {
  status: number;
  headers: Headers;
  /** The body as it was sent; null unless the client was made with `keepText`. */
  text: string | null;
}

const TIMEOUT_MS_DEFAULT = 30_000;

const facts = new WeakMap<object, AnswerFacts>();

/** Status, headers (`ETag`, `X-Request-Id`) and text of the answer that `value` is; undefined for any other value. */
export function answerOf(value: object): AnswerFacts | undefined {
  return facts.get(value);
}

/** The parts that a request of any endpoint may have. */
interface Parts {
  param?: Record<string, string>;
  query?: Record<string, unknown>;
  json?: unknown;
  text?: string;
  header?: Record<string, string | undefined>;
}

export class Transport {
  readonly url: string;
  readonly #options: ClientOptions;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
      throw new TypeError(`url must be an http(s) URL, not "${options.url}"`);
    }
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
    // Called as a bare function: in browsers and Workers `fetch` must not have another `this`.
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** Calls an endpoint; `path` and `method` are as the API's types name them. */
  async call<P extends Path, M extends Method<P>>(
    method: M,
    path: P,
    input: Input<P, M>,
    options: CallOptions & Kind = {},
  ): Promise<Output<P, M>> {
    const response = await this.send(method.slice(1).toUpperCase(), path, input as Parts, options);
    const text = await this.#read(response, options.signal);
    const value = text === "" ? null : parse(text, response);
    if (typeof value === "object" && value !== null) {
      const kept = this.#options.keepText === true ? text : null;
      facts.set(value, { status: response.status, headers: response.headers, text: kept });
    }
    return value as Output<P, M>;
  }

  /** The same for answers that are not one JSON text: gives the response once it is a success. */
  async send(method: string, path: string, parts: Parts, options: CallOptions & Kind = {}): Promise<Response> {
    const isRepeatable = options.isRepeatable ?? method === "GET";
    return this.#repeat(() => this.#sendOnce(method, path, parts, options), isRepeatable, options.signal);
  }

  async #repeat<Value>(
    attempt: () => Promise<Value>,
    isRepeatable: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    const attempts = this.#options.attempts ?? ATTEMPTS_DEFAULT;
    for (let tried = 1; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        const wait = error instanceof WeirError ? pauseBeforeRetry(error, { tried, attempts, isRepeatable }) : null;
        if (wait === null) throw error;
        await pause(wait, signal);
      }
    }
  }

  /** The head of an answer whose body goes on for as long as it likes; null when the server has no such route. */
  open(path: string, parts: Parts, options: CallOptions): Promise<Response | null> {
    return this.#repeat(() => this.#openOnce(path, parts, options), true, options.signal);
  }

  async #openOnce(path: string, parts: Parts, options: CallOptions): Promise<Response | null> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT);
    try {
      const response = await this.#fetchOnce("GET", path, parts, options.signal, late.signal);
      if (response.ok) return response;
      const error = await refusal(response, this.url);
      // A run that is not there is no reason to ask for it in another way.
      const isAbsent = error.code === "not_found" && error.message.includes("no route");
      if (isAbsent || error.code === "bad_answer") return null;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #sendOnce(method: string, path: string, parts: Parts, options: CallOptions & Kind): Promise<Response> {
    const limitMs = options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
    const late = AbortSignal.timeout(limitMs + (options.extraMs ?? 0));
    const response = await this.#fetchOnce(method, path, parts, options.signal, late);
    if (response.ok) return response;
    if (response.status === options.alsoStatus && !("error" in (await bodyOf(response.clone())))) return response;
    throw await refusal(response, this.url);
  }

  /** Whatever is answered; `late` ends the wait for it. */
  async #fetchOnce(
    method: string,
    path: string,
    parts: Parts,
    signal: AbortSignal | undefined,
    late: AbortSignal,
  ): Promise<Response> {
    const headers = new Headers({ Authorization: `Bearer ${this.#options.key}`, Accept: "application/json" });
    for (const [name, value] of Object.entries(parts.header ?? {})) if (value !== undefined) headers.set(name, value);
    const body = parts.json === undefined ? parts.text : JSON.stringify(parts.json);
    if (body !== undefined) headers.set("Content-Type", parts.json === undefined ? "text/plain" : "application/json");
    try {
      return await this.#fetch(this.url + addressOf(path, parts), {
        method,
        headers,
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw this.#noAnswer(error, signal, late);
    }
  }

  async #read(response: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw this.#noAnswer(error, signal, null);
    }
  }

  #noAnswer(error: unknown, signal: AbortSignal | undefined, late: AbortSignal | null): WeirError {
    if (signal?.aborted) return aborted(signal.reason);
    if (late?.aborted || (error as Error | null)?.name === "TimeoutError") {
      return new WeirError("timeout", `${this.url} did not answer in time`, { cause: error });
    }
    return new WeirError("unreachable", `${this.url} cannot be reached${because(error)}`, { cause: error });
  }
}

/** Path and query of an endpoint; each parameter is one segment, whatever it holds. */
function addressOf(path: string, { param = {}, query = {} }: Parts): string {
  const filled = path.replace(/:([A-Za-z0-9_]+)/g, (_, name: string) => encodeURIComponent(param[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, String(value));
  const text = search.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

function parse(text: string, response: Response): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WeirError("bad_answer", `the answer is not JSON: is there a Weir at ${response.url}?`, {
      status: response.status,
      cause: error,
    });
  }
}

/** From an answer other than success to the error it tells of. */
async function refusal(response: Response, url: string): Promise<WeirError> {
  const { status, headers } = response;
  const { error } = await bodyOf(response);
  const retryAfter = Number(headers.get("Retry-After") ?? Number.NaN);
  const told = {
    status,
    requestId: headers.get("X-Request-Id"),
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null,
  };
  if (typeof error?.code === "string" && Object.hasOwn(API_ERRORS, error.code)) {
    const { code, message, details } = error;
    return new WeirError(code as ApiErrorCode, String(message), { ...told, details });
  }
  return new WeirError("bad_answer", `${url} answered ${status} without saying why: is it a Weir?`, told);
}

/** The answer as an object; an empty one when it is none. */
async function bodyOf(response: Response): Promise<{ error?: Record<string, unknown> }> {
  const body: unknown = await response.json().catch(() => null);
  return typeof body === "object" && body !== null ? body : {};
}

/** Node tells what happened in the cause, browsers tell nothing. */
function because(error: unknown): string {
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  return typeof cause?.code === "string" ? ` (${cause.code})` : "";
}
