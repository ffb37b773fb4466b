/**
 * Durable Object: takes points. The local twin of Analytics Engine keeps them in its SQLite and answers queries; in
 * production it is a place with an invocation of its own for each slice, from which they go to Analytics Engine.
 */
import { DurableObject } from "cloudflare:workers";
import { PointStore } from "#store/analytics/point-store.ts";
import type { AnalyticsRpc, AnalyticsStats, QueryReply } from "#store/analytics/protocol.ts";
import { migrateAnalytics } from "#store/analytics/schema.ts";
import { problemOf } from "#telemetry/analytics/backend.ts";
import { prepareQuery, runQuery } from "#telemetry/analytics/query.ts";
import { SqlError } from "#telemetry/analytics/sql-error.ts";
import { WorkBudget } from "#telemetry/analytics/work-budget.ts";
import { type PointSlice, pointsIn } from "#telemetry/point-text.ts";
import { type Env, settingsOf } from "./env.ts";
import { sendPoints } from "./points.ts";

export class AnalyticsStore extends DurableObject<Env> implements AnalyticsRpc {
  #points: PointStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateAnalytics(ctx.storage);
    this.#points = new PointStore(ctx.storage.sql);
  }

  async write(source: string, slice: PointSlice): Promise<number> {
    const isLocal = settingsOf(this.env).WEIR_ANALYTICS === "local";
    try {
      return this.ctx.storage.transactionSync(() => {
        const fresh = this.#points.take(source, slice, Date.now());
        if (fresh === null) return 0;
        if (isLocal) this.#points.insert(fresh, Date.now());
        else sendPoints(this.env, pointsIn(fresh.text));
        return fresh.count;
      });
    } catch (error) {
      // What was taken back on disk must not stay in memory.
      this.#points = new PointStore(this.ctx.storage.sql);
      throw error;
    }
  }

  async query(tenant: string | null, sql: string): Promise<QueryReply> {
    const nowMs = Date.now();
    try {
      const prepared = prepareQuery(sql, tenant, Math.floor(nowMs / 1_000));
      return { ok: true, text: runQuery(prepared, this.#points.source(tenant, nowMs), new WorkBudget(Date.now)) };
    } catch (error) {
      if (error instanceof SqlError) return { ok: false, problem: problemOf(error) };
      throw error;
    }
  }

  async stats(): Promise<AnalyticsStats> {
    return this.#points.stats();
  }
}
