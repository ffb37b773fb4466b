/**
 * Models behind OpenAI's chat completions, by the `openai` SDK: OpenAI itself or any compatible server. One call is one
 * request, but for parts that the server turns out not to take; trying again is the engine's.
 */
import type OpenAI from "openai";
import { openDeadline } from "#http/deadline.ts";
import type { Fetch } from "#http/fetch.ts";
import type { Clock } from "#kernel/clock.ts";
import { fail, type NodeError, nodeError } from "#kernel/errors.ts";
import { utf8Length } from "#kernel/json.ts";
import { ANSWER_BYTES_MAX } from "./limits.ts";
import type { CallFacts, HearText, Model, ModelCall, ModelRequest } from "./model.ts";
import { AnswerBuilder } from "./openai-answer.ts";
import { faultError, readFault, refusedPart } from "./openai-errors.ts";
import { chatBody, OPTIONAL_PARTS, type OptionalPart } from "./openai-request.ts";
import { readRate } from "./rate-headers.ts";

export interface ProviderSettings {
  baseUrl: string;
  apiKey: string;
  /** Some servers cannot stream; then there is no time to first token. */
  isStreamed: boolean;
}

/** Longer than any call: the deadline of the task ends it, not a timer of the SDK. */
const SDK_TIMEOUT_MS = 3_600_000;

export class OpenAiModel implements Model {
  readonly #settings: ProviderSettings;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #provider: string;
  /** What the provider has refused, by model: asked for once in the life of an isolate. */
  readonly #refused = new Map<string, Set<OptionalPart>>();

  constructor(settings: ProviderSettings, fetch: Fetch, clock: Clock) {
    this.#settings = settings;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#provider = providerName(settings.baseUrl);
  }

  async call(request: ModelRequest, signal: AbortSignal, hear: HearText): Promise<ModelCall> {
    const refused = this.#refused.get(request.model) ?? new Set<OptionalPart>();
    this.#refused.set(request.model, refused);
    for (let tries = 0; ; tries++) {
      const exchange = new Exchange(this.#provider, this.#clock, hear);
      const error = await this.#exchange(exchange, request, refused, signal);
      if (error === null) return { facts: exchange.facts, reply: exchange.answer.end() };
      const part = exchange.refusedPart;
      if (part === null || refused.has(part) || tries === OPTIONAL_PARTS.length) {
        return { facts: exchange.facts, reply: fail(error) };
      }
      refused.add(part);
    }
  }

  /** Null when the provider said all it had to say. */
  async #exchange(
    exchange: Exchange,
    request: ModelRequest,
    refused: ReadonlySet<OptionalPart>,
    signal: AbortSignal,
  ): Promise<NodeError | null> {
    const { isStreamed } = this.#settings;
    const body = chatBody(request, isStreamed, refused);
    // Only the signal: how long a call may take is the task's to say.
    const deadline = openDeadline(SDK_TIMEOUT_MS, signal);
    try {
      const client = await this.#client(exchange);
      const asked = client.chat.completions.create(body, { signal: deadline.signal }).asResponse();
      const response = await deadline.race(asked);
      if (exchange.began(response)) {
        // Loaded already: the client stands on it.
        const { Stream } = await import("openai/core/streaming");
        const chunks = Stream.fromSSEResponse(response, new AbortController())[Symbol.asyncIterator]();
        for (;;) {
          const { done, value } = await deadline.race(chunks.next());
          if (done) return null;
          exchange.add(value);
        }
      }
      exchange.add(await deadline.race(response.json()));
      return null;
    } catch (error) {
      if (signal.aborted) return nodeError("cancelled", "the model call was given up");
      return exchange.failed(error);
    } finally {
      deadline.close();
    }
  }

  async #client(exchange: Exchange): Promise<OpenAI> {
    // Loaded with the first call: most isolates never ask a model, and its code takes time to begin.
    const { default: Client } = await import("openai");
    const { baseUrl, apiKey } = this.#settings;
    return new Client({
      baseURL: baseUrl,
      apiKey,
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: SDK_TIMEOUT_MS,
      // At a finer level it would write prompts into the log.
      logLevel: "off",
      fetch: (url, init) => this.#send(String(url), init ?? {}, exchange),
    });
  }

  async #send(url: string, init: RequestInit, exchange: Exchange): Promise<Response> {
    const text = typeof init.body === "string" ? init.body : "";
    exchange.facts.bytesOut += utf8Length(text);
    const response = await this.#fetch(url, {
      method: init.method ?? "POST",
      headers: new Headers(init.headers as HeadersInit),
      body: text,
      // Followed, a redirect would take the prompt to where nobody configured.
      redirect: "manual",
      ...(init.signal ? { signal: init.signal } : {}),
    });
    return exchange.metered(response, init.signal ?? null);
  }
}

/** One request and what comes of it. */
class Exchange {
  readonly answer: AnswerBuilder;
  readonly facts: CallFacts;
  refusedPart: OptionalPart | null = null;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #isTooLarge = false;
  #isStream = false;

  constructor(provider: string, clock: Clock, hear: HearText) {
    this.answer = new AnswerBuilder(hear);
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.facts = {
      provider,
      answeredModel: null,
      usage: null,
      providerCostUsd: null,
      finishReason: null,
      httpStatus: null,
      timeToFirstTokenMs: null,
      rate: null,
      bytesIn: 0,
      bytesOut: 0,
    };
  }

  /** True when the answer comes as a stream; some servers answer in one piece whatever they are asked for. */
  began(response: Response): boolean {
    this.facts.httpStatus = response.status;
    this.facts.rate = readRate(response.headers);
    this.#isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
    return this.#isStream;
  }

  add(piece: unknown): void {
    const { facts, answer } = this;
    const isAnswer = answer.add(piece);
    if (isAnswer) facts.timeToFirstTokenMs ??= this.#clock.nowMs() - this.#startedMs;
    facts.answeredModel = answer.model;
    facts.finishReason = answer.finishReason;
    facts.usage = answer.usage?.usage ?? null;
    facts.providerCostUsd = answer.usage?.costUsd ?? null;
  }

  failed(error: unknown): NodeError {
    if (this.#isTooLarge) {
      return nodeError("model_error", `the model's answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    if (error instanceof SyntaxError) {
      return this.#isStream
        ? nodeError("network", "the model's answer broke off")
        : nodeError("model_error", "the model provider's answer is no JSON: does OPENAI_BASE_URL lead to its API?");
    }
    const fault = readFault(error);
    this.facts.httpStatus ??= fault.status;
    if (fault.headers !== null) this.facts.rate = readRate(fault.headers);
    this.refusedPart = refusedPart(fault);
    return faultError(fault, this.#clock.nowMs());
  }

  /** The response with its bytes counted, and broken off where it grows too large. */
  metered(response: Response, signal: AbortSignal | null): Response {
    if (response.body === null) return response;
    const meter = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.facts.bytesIn += chunk.byteLength;
        if (this.facts.bytesIn > ANSWER_BYTES_MAX) {
          this.#isTooLarge = true;
          controller.error(new Error("the answer is too large"));
        } else controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(meter, signal === null ? {} : { signal }), response);
  }
}

/** A short name for where calls go, for metrics: "openai", or the server's host. */
export function providerName(baseUrl: string): string {
  const { hostname } = new URL(baseUrl);
  return hostname === "api.openai.com" ? "openai" : hostname;
}
