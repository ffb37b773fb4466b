/**
 * Durable Object: the fanout of one tenant. Shards tell it of runs that change while somebody listens; it keeps what it
 * was told as the tenant's feed and passes it on. `FeedLog` keeps, `Listeners` tells, `CallRound` asks the shards.
 */
import { DurableObject } from "cloudflare:workers";
import { invariant } from "#kernel/errors.ts";
import { feedOrderOf } from "#store/fanout/feed.ts";
import { FeedLog, IDLE_MS_MAX } from "#store/fanout/feed-log.ts";
import type { FanoutRpc, FanoutStats, FeedPage, FeedReply } from "#store/fanout/protocol.ts";
import { migrateFanout } from "#store/fanout/schema.ts";
import { Tickets } from "#store/fanout/tickets.ts";
import { Shards } from "#store/shards.ts";
import { type Env, loggerOf, shardSettingsOf } from "./env.ts";
import { CallRound, LEASE_MS } from "./fanout/call-round.ts";
import { type Listener, Listeners } from "./fanout/listeners.ts";

/** Shards go on telling for so long after the last listener has left: most come back. */
export const LINGER_MS = 60_000;

export class Fanout extends DurableObject<Env> implements FanoutRpc {
  readonly #logger = loggerOf(this.env, "fanout");
  readonly #log: FeedLog;
  readonly #tickets: Tickets;
  readonly #listeners: Listeners;
  readonly #round: CallRound;
  /** When somebody listened last; at the beginning of a life it may just have been cut. */
  #listenedAt = Date.now();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateFanout(ctx.storage);
    this.#log = new FeedLog(ctx.storage);
    this.#tickets = new Tickets(ctx.storage.sql);
    this.#listeners = new Listeners({ ctx, log: this.#log, logger: this.#logger });
    const shards = new Shards(env.COORDINATOR, shardSettingsOf(env));
    this.#round = new CallRound({
      shards: shards.all(),
      call: (address, ask) => shards.call(address, ask),
      throughOf: (shard) => this.#log.through(shard),
      take: (page) => this.#take(page),
      logger: this.#logger,
    });
  }

  async push(tenant: string, page: FeedPage): Promise<FeedReply> {
    this.#mustBe(tenant);
    const isListening = this.#isListening;
    // What nobody hears is not kept: whoever resumes has it read from the shard's log.
    if (isListening) this.#take(page);
    else this.#round.forget();
    return { is_listening: isListening, through: this.#log.through(page.shard) };
  }

  async redeem(tenant: string, nonce: string, expiresAt: number): Promise<boolean> {
    this.#mustBe(tenant);
    return this.#tickets.take(nonce, expiresAt, Date.now());
  }

  async stats(): Promise<FanoutStats> {
    return {
      tenant: this.ctx.id.name ?? "",
      sockets: this.#listeners.size,
      frames: this.#log.frames,
      database_bytes: this.#log.databaseBytes,
    };
  }

  /** Upgrades alone come this way; everything else is a call. */
  override async fetch(request: Request): Promise<Response> {
    const order = feedOrderOf(request);
    this.#mustBe(order.tenant);
    const isFresh = this.#round.isFresh(Date.now());
    if (!isFresh && this.#log.listenedUntil + IDLE_MS_MAX < Date.now()) this.#log.restart();
    const opened = this.#listeners.open(order);
    if (opened === null) return new Response(null, { status: 503 });
    this.ctx.waitUntil(this.#getReady(order.tenant, opened.listener));
    return new Response(null, { status: 101, webSocket: opened.client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#listeners.heard(socket, message);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#left(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#left(socket);
  }

  /** While somebody listens, shards are asked again before they would fall silent. */
  override async alarm(): Promise<void> {
    if (this.#listeners.size === 0) return;
    const { name: tenant } = this.ctx.id;
    invariant(tenant !== undefined, "a fanout is addressed by its tenant");
    await this.#ask(tenant);
  }

  async #getReady(tenant: string, listener: Listener): Promise<void> {
    // Also while the first round is under way: `ask` joins it.
    if (!this.#round.isFresh(Date.now()) || this.#round.unanswered.length > 0) await this.#ask(tenant);
    this.#listeners.ready(listener);
  }

  async #ask(tenant: string): Promise<void> {
    const nowMs = Date.now();
    this.#log.listenedUntil = nowMs + LEASE_MS;
    await this.ctx.storage.setAlarm(nowMs + LEASE_MS / 2);
    await this.#round.ask(tenant);
  }

  #take(page: FeedPage): void {
    if (this.#log.take(page, Date.now())) this.#listeners.changed();
  }

  #left(socket: WebSocket): void {
    this.#listeners.left(socket);
    this.#listenedAt = Date.now();
  }

  get #isListening(): boolean {
    return this.#listeners.size > 0 || Date.now() - this.#listenedAt < LINGER_MS;
  }

  /** An object holds one tenant's feed; a call about another's is a bug. */
  #mustBe(tenant: string): void {
    invariant(this.ctx.id.name === tenant, "a fanout is told and asked about its own tenant");
  }
}
