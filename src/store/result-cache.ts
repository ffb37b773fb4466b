/**
 * Outputs of nodes that asked to be remembered (`cache: { ttl_ms }`): found again by a digest of all that they follow
 * from. Each tenant has its own.
 */
import { and, asc, eq, gt, lte, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { WorkerName } from "#engine/metrics.ts";
import { canonicalJson, type Json, utf8Length } from "#kernel/json.ts";
import { cachedResults } from "./agent-tables.ts";

/** Larger outputs are made anew each time. */
export const CACHED_OUTPUT_BYTES_MAX = 262_144;

export const CACHE_KEY = /^[0-9a-f]{64}$/;

/** What an output follows from. */
export interface CacheSubject {
  tenant: string;
  worker: WorkerName;
  /** The node's config as rendered, and whatever else it works on. */
  config: Json;
  input: Json;
}

export interface CachedResult {
  key: string;
  worker: string;
  runId: string;
  node: string;
  bytes: number;
  hits: number;
  createdAt: number;
  expiresAt: number;
}

export async function cacheKey({ tenant, worker, config, input }: CacheSubject): Promise<string> {
  const text = canonicalJson([1, tenant, worker, config, input]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ResultCache {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** The output, if there is one that has not expired; counts the hit. Undefined: there is none. */
  async find(tenant: string, key: string, nowMs: number): Promise<Json | undefined> {
    const row = await this.#database.get<{ output: string }>(
      sql`UPDATE ${cachedResults} SET hits = hits + 1
        WHERE tenant = ${tenant} AND key = ${key} AND expires_at > ${nowMs} RETURNING output`,
    );
    return row === undefined ? undefined : (JSON.parse(row.output) as Json);
  }

  async keep(
    tenant: string,
    key: string,
    made: { worker: WorkerName; runId: string; node: string; output: Json; ttlMs: number },
    nowMs: number,
  ): Promise<void> {
    const output = JSON.stringify(made.output);
    const bytes = utf8Length(output);
    if (bytes > CACHED_OUTPUT_BYTES_MAX) return;
    const { worker, runId, node, ttlMs } = made;
    const row = { worker, runId, node, output, bytes, hits: 0, createdAt: nowMs, expiresAt: nowMs + ttlMs };
    await this.#database
      .insert(cachedResults)
      .values({ tenant, key, ...row })
      .onConflictDoUpdate({ target: [cachedResults.tenant, cachedResults.key], set: row });
  }

  /** Those that have not expired, by key. */
  async list(tenant: string, after: string, limit: number, nowMs: number): Promise<CachedResult[]> {
    const { key, worker, runId, node, bytes, hits, createdAt, expiresAt } = cachedResults;
    return this.#database
      .select({ key, worker, runId, node, bytes, hits, createdAt, expiresAt })
      .from(cachedResults)
      .where(and(eq(cachedResults.tenant, tenant), gt(key, after), gt(expiresAt, nowMs)))
      .orderBy(asc(key))
      .limit(limit);
  }

  /** False when the tenant has none under this key. */
  async remove(tenant: string, key: string): Promise<boolean> {
    const { meta } = await this.#database
      .delete(cachedResults)
      .where(and(eq(cachedResults.tenant, tenant), eq(cachedResults.key, key)));
    return meta.changes > 0;
  }

  async forgetExpired(nowMs: number): Promise<void> {
    await this.#database.delete(cachedResults).where(lte(cachedResults.expiresAt, nowMs));
  }
}
