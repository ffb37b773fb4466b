/** What the analytics object can be asked, and what it answers. Additive only, as with coordinator shards. */
import type { SqlProblem } from "#telemetry/analytics/backend.ts";
import type { PointSlice } from "#telemetry/point-text.ts";

export type QueryReply = { ok: true; text: string } | { ok: false; problem: SqlProblem };

export interface AnalyticsStats {
  points: number;
  bytes: number;
  oldest: string | null;
}

export interface AnalyticsRpc {
  /** Takes points that it has not taken yet, in order of their numbers; answers how many those were. */
  write(source: string, slice: PointSlice): Promise<number>;
  /** Runs a query of the dialect. `tenant`: whose points alone it sees; null: all. */
  query(tenant: string | null, sql: string): Promise<QueryReply>;
  stats(): Promise<AnalyticsStats>;
}
