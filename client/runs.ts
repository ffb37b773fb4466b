/** Runs: start them, look at them, follow them, act on them. */
import type {
  AcceptedRun,
  BatchOrder,
  BatchResult,
  EventPage,
  Explanation,
  LogPage,
  LogQuery,
  NodeReplayOrder,
  PageOptions,
  ReplayedRun,
  ReplayOrder,
  Run,
  RunDetails,
  RunEvent,
  RunFilters,
  RunItem,
  RunOrder,
  RunPage,
  Trace,
} from "./api.ts";
import { isWeirError, WeirError } from "./errors.ts";
import { newIdempotencyKey } from "./idempotency.ts";
import { itemsOf } from "./pages.ts";
import { Patches } from "./patches.ts";
import { type FollowOptions, follow } from "./run-log.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface StartOptions extends CallOptions {
  /** The same key and order are the same run for 24 hours. Without one, each start gets a key of its own. */
  idempotencyKey?: string;
}

export interface WaitOptions extends CallOptions {
  /** Called with each event on the way, from the first on. */
  onEvent?: (event: RunEvent) => void;
  /** Gives up with `timeout` after so long; the run goes on. By default it waits as long as it takes. */
  giveUpAfterMs?: number;
}

/** `wait_ms` that a start may ask for; the API's bound. */
const WAIT_MS_MAX = 30_000;

export class Runs {
  /** Changes of a run's workflow while it runs. */
  readonly patches: Patches;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.patches = new Patches(transport);
  }

  /** Starts a run and returns at once. Safe to repeat, and repeated when no answer comes. */
  async start(order: RunOrder, options: StartOptions = {}): Promise<AcceptedRun> {
    return (await this.#start(order, undefined, options)) as AcceptedRun;
  }

  /** Starts a run and waits for its end, however long that takes; a failed run is an answer, not an error. */
  async startAndWait(order: RunOrder, options: StartOptions & WaitOptions = {}): Promise<Run> {
    const first = Math.min(WAIT_MS_MAX, options.giveUpAfterMs ?? WAIT_MS_MAX);
    const startedAt = Date.now();
    const run = await this.#start(order, options.onEvent === undefined ? first : undefined, options);
    if ("submitted_at" in run) return run;
    const { giveUpAfterMs } = options;
    const rest = giveUpAfterMs === undefined ? {} : { giveUpAfterMs: giveUpAfterMs - (Date.now() - startedAt) };
    return this.wait(run.run_id, { ...options, ...rest });
  }

  async #start(order: RunOrder, waitMs: number | undefined, options: StartOptions): Promise<AcceptedRun | Run> {
    const { idempotencyKey = newIdempotencyKey(), signal, timeoutMs } = options;
    const json = { ...order, ...(waitMs === undefined ? {} : { wait_ms: waitMs }) };
    return this.#transport.call(
      "$post",
      "/api/v1/runs",
      { header: { "idempotency-key": idempotencyKey }, json },
      { ...callOptions(signal, timeoutMs), extraMs: waitMs ?? 0, isRepeatable: true },
    );
  }

  /** Starts up to 100 runs; each is accepted or refused by itself, in the order given. */
  async startMany(orders: readonly BatchOrder[], options: CallOptions = {}): Promise<BatchResult[]> {
    const json = { runs: orders.map((order) => ({ idempotency_key: newIdempotencyKey(), ...order })) };
    const repeatable = { ...options, isRepeatable: true };
    return (await this.#transport.call("$post", "/api/v1/runs/batch", { json }, repeatable)).items;
  }

  /** A page of runs, newest first. `labels` filters by each of them. */
  list(
    { labels = {}, ...query }: RunFilters & PageOptions & { labels?: Record<string, string> } = {},
    options: CallOptions = {},
  ): Promise<RunPage> {
    const byLabel = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value]));
    return this.#transport.call("$get", "/api/v1/runs", { query: { ...query, ...byLabel } }, options);
  }

  /** Every run that the filters let through, newest first, however many pages that takes. */
  all(filters: RunFilters & { labels?: Record<string, string> } = {}): AsyncGenerator<RunItem, void, undefined> {
    return itemsOf((cursor) => this.list({ ...filters, limit: 200, ...(cursor === undefined ? {} : { cursor }) }));
  }

  get(id: string, options: CallOptions = {}): Promise<Run> {
    return this.#transport.call("$get", "/api/v1/runs/:id", { param: { id } }, options);
  }

  /** The run with its definition and every node's latest execution. */
  details(id: string, options: CallOptions = {}): Promise<RunDetails> {
    return this.#transport.call("$get", "/api/v1/runs/:id/details", { param: { id } }, options);
  }

  /** A page of the run's log; `stream` follows it. */
  events(id: string, query: { after?: number; limit?: number } = {}, options: CallOptions = {}): Promise<EventPage> {
    return this.#transport.call("$get", "/api/v1/runs/:id/events", { param: { id }, query }, options);
  }

  /** What each unfinished node waits for. */
  explain(id: string, options: CallOptions = {}): Promise<Explanation> {
    return this.#transport.call("$get", "/api/v1/runs/:id/explain", { param: { id } }, options);
  }

  /** A page of the run's log records: in words, and without any value that was handed over. */
  logs(id: string, query: LogQuery = {}, options: CallOptions = {}): Promise<LogPage> {
    return this.#transport.call("$get", "/api/v1/runs/:id/logs", { param: { id }, query }, options);
  }

  /** The run as a trace, in OTLP/JSON: as it stands now, or as it ended. */
  trace(id: string, options: CallOptions = {}): Promise<Trace> {
    return this.#transport.call("$get", "/api/v1/runs/:id/trace", { param: { id } }, options);
  }

  /** The run's events from a position on, each once and in order, until nothing can follow. */
  stream(id: string, options: FollowOptions = {}): AsyncGenerator<RunEvent, void, undefined> {
    return follow(this.#transport, id, options);
  }

  /** The run once it has ended, whichever way. */
  async wait(id: string, { onEvent, giveUpAfterMs, ...options }: WaitOptions = {}): Promise<Run> {
    const late = giveUpAfterMs === undefined ? undefined : AbortSignal.timeout(Math.max(0, giveUpAfterMs));
    const signals = [options.signal, late].filter((signal) => signal !== undefined);
    const following = signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) };
    try {
      for await (const event of this.stream(id, following)) onEvent?.(event);
    } catch (error) {
      if (late?.aborted && options.signal?.aborted !== true && isWeirError(error, "aborted")) {
        throw new WeirError("timeout", `the run ${id} has not ended after ${giveUpAfterMs} ms; it goes on`);
      }
      throw error;
    }
    return this.get(id, options);
  }

  /** No node starts after this has answered. A run that has ended is `conflict`. */
  cancel(id: string, reason?: string, options: CallOptions = {}): Promise<AcceptedRun> {
    const json = reason === undefined ? undefined : { reason };
    return this.#transport.call("$post", "/api/v1/runs/:id/cancel", { param: { id }, json }, options);
  }

  /** Nothing new starts until `resume`; what executes ends. */
  pause(id: string, reason?: string, options: CallOptions = {}): Promise<AcceptedRun> {
    const json = reason === undefined ? undefined : { reason };
    return this.#transport.call("$post", "/api/v1/runs/:id/pause", { param: { id }, json }, options);
  }

  resume(id: string, options: CallOptions = {}): Promise<AcceptedRun> {
    return this.#transport.call("$post", "/api/v1/runs/:id/resume", { param: { id }, json: undefined }, options);
  }

  /** Tells the run of an event; kept for a node that waits for it later. */
  signal(id: string, event: string, payload: unknown = null, options: CallOptions = {}): Promise<AcceptedRun> {
    const param = { id, event };
    return this.#transport.call("$post", "/api/v1/runs/:id/signals/:event", { param, json: payload }, options);
  }

  /** Runs it again as a new run, from the start or from a node. */
  replay(id: string, order: ReplayOrder = {}, options: CallOptions = {}): Promise<ReplayedRun> {
    return this.#transport.call("$post", "/api/v1/runs/:id/replay", { param: { id }, json: order }, options);
  }

  /** Executes one node of a failed run again, within the run, and goes on from there. */
  replayNode(id: string, node: string, order: NodeReplayOrder = {}, options: CallOptions = {}): Promise<AcceptedRun> {
    const input = { param: { id, node }, json: order };
    return this.#transport.call("$post", "/api/v1/runs/:id/nodes/:node/replay", input, options);
  }
}

function callOptions(signal: AbortSignal | undefined, timeoutMs: number | undefined): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
