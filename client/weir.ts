/**
 * `weir/client`: Weir from a program. Needs nothing but `fetch`, so it runs in Node 20 or newer, browsers and Workers.
 * What an answer holds is typed by the API's own routes.
 */
import type { Key, KeyOrder, KeyPage, NewKey, NodeTypes, PageOptions, Readiness, TenantPage } from "./api.ts";
import { Approvals } from "./approvals.ts";
import { Cache } from "./cache.ts";
import { type FeedFrame, type FeedOptions, feed } from "./feed.ts";
import { Jobs } from "./jobs.ts";
import { Metrics } from "./metrics.ts";
import { Money } from "./money.ts";
import { Runs } from "./runs.ts";
import { Tags } from "./tags.ts";
import { type CallOptions, type ClientOptions, Transport } from "./transport.ts";
import { Workflows } from "./workflows.ts";

export type * from "./api.ts";
export type { Attempt, WeirErrorCode } from "./errors.ts";
export { attempt, isWeirError, WeirError } from "./errors.ts";
export type { AgentText } from "./event-stream.ts";
export type { FeedFrame, FeedOptions, FeedRun } from "./feed.ts";
export { newIdempotencyKey } from "./idempotency.ts";
export type { PatchOptions } from "./patches.ts";
export type { FollowOptions } from "./run-log.ts";
export type { StartOptions, WaitOptions } from "./runs.ts";
export type { MoveOptions } from "./tags.ts";
export type { AnswerFacts, CallOptions, ClientOptions } from "./transport.ts";
export { answerOf } from "./transport.ts";
export type { SaveOptions } from "./workflows.ts";

export class Weir {
  readonly runs: Runs;
  readonly workflows: Workflows;
  readonly tags: Tags;
  readonly approvals: Approvals;
  readonly jobs: Jobs;
  readonly keys: Keys;
  readonly cache: Cache;
  readonly money: Money;
  readonly metrics: Metrics;
  readonly #transport: Transport;

  /** Throws when `url` is not one; whether anybody answers there, the first call tells. */
  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
    this.runs = new Runs(this.#transport);
    this.workflows = new Workflows(this.#transport);
    this.tags = new Tags(this.#transport);
    this.approvals = new Approvals(this.#transport);
    this.jobs = new Jobs(this.#transport);
    this.keys = new Keys(this.#transport);
    this.cache = new Cache(this.#transport);
    this.money = new Money(this.#transport);
    this.metrics = new Metrics(this.#transport);
  }

  /** Liveness; needs no key. */
  health(options: CallOptions = {}): Promise<{ service: string; status: string; version: string }> {
    return this.#transport.call("$get", "/health", {}, options);
  }

  /** Every part that Weir stands on, also when one of them is down. */
  async ready(options: CallOptions = {}): Promise<Readiness> {
    return this.#transport.call("$get", "/health/ready", {}, { ...options, alsoStatus: 503 });
  }

  /** What nodes there are, with a JSON Schema of each one's config. */
  nodeTypes(options: CallOptions = {}): Promise<NodeTypes> {
    return this.#transport.call("$get", "/api/v1/node-types", {}, options);
  }

  /** A definition by its artifact id, `sha256:…`. */
  artifact(id: string, options: CallOptions = {}): Promise<unknown> {
    return this.#transport.call("$get", "/api/v1/artifacts/:id", { param: { id }, header: {} }, options);
  }

  /** The value of an expression, as a transform node would give it. */
  async evaluate(
    expression: string,
    { variables, ...options }: CallOptions & { variables?: Record<string, unknown> } = {},
  ): Promise<unknown> {
    const json = { expression, ...(variables === undefined ? {} : { variables }) };
    return (await this.#transport.call("$post", "/api/v1/eval/cel", { json }, { ...options, isRepeatable: true }))
      .result;
  }

  /** Runs of the tenant as they change, each change once, until the signal ends it. Connects again where it was. */
  feed(options: FeedOptions = {}): AsyncGenerator<FeedFrame, void, undefined> {
    return feed(this.#transport, options);
  }

  /** Tenants, for the operator. */
  tenants(query: PageOptions = {}, options: CallOptions = {}): Promise<TenantPage> {
    return this.#transport.call("$get", "/api/v1/tenants", { query }, options);
  }
}

/** API keys of the tenant. */
class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: PageOptions & { tenant?: string } = {}, options: CallOptions = {}): Promise<KeyPage> {
    return this.#transport.call("$get", "/api/v1/keys", { query }, options);
  }

  /** Makes a key; its text is in this answer and nowhere else. */
  create(order: KeyOrder, options: CallOptions = {}): Promise<NewKey> {
    return this.#transport.call("$post", "/api/v1/keys", { json: order }, options);
  }

  async delete(id: Key["id"], options: CallOptions = {}): Promise<void> {
    await this.#transport.call("$delete", "/api/v1/keys/:id", { param: { id }, query: {} }, options);
  }
}
