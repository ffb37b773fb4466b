/**
 * Durable Object: keeps series. Takes figures of sources, exactly once where they come from a log, and tells all that it
 * holds. What a series is, and how many there may be, is decided in `#telemetry/metrics`.
 */
import { DurableObject } from "cloudflare:workers";
import { MeterStore } from "#store/meter/meter-store.ts";
import type { MeterRpc, MeterStats } from "#store/meter/protocol.ts";
import { migrateMeter } from "#store/meter/schema.ts";
import type { Env } from "./env.ts";

export class Meter extends DurableObject<Env> implements MeterRpc {
  #store: MeterStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateMeter(ctx.storage);
    this.#store = new MeterStore(ctx.storage.sql);
  }

  async take(source: string, after: number, through: number, batch: string): Promise<number> {
    return this.#write(() => this.#store.take(source, after, through, batch, Date.now()));
  }

  async add(source: string, batch: string): Promise<void> {
    this.#write(() => this.#store.add(source, batch, Date.now()));
  }

  async view(): Promise<string> {
    return JSON.stringify(this.#store.view(Date.now()));
  }

  async stats(): Promise<MeterStats> {
    return this.#store.stats();
  }

  #write<Value>(work: () => Value): Value {
    try {
      return this.ctx.storage.transactionSync(work);
    } catch (error) {
      // What was taken back on disk must not stay in memory.
      this.#store = new MeterStore(this.ctx.storage.sql);
      throw error;
    }
  }
}
