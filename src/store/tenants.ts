/** Tenants in D1. A deleted one stays as a tombstone: its id is not given out again, and its keys are gone. */
import { and, asc, eq, gt, isNull } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { keys, tenants } from "./database-schema.ts";

export interface TenantRecord {
  id: string;
  name: string | null;
  createdAt: number;
}

export class Tenants {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** False when the id is taken, by a deleted tenant too. */
  async add(record: TenantRecord): Promise<boolean> {
    const { meta } = await this.#database.insert(tenants).values(record).onConflictDoNothing();
    return meta.changes > 0;
  }

  /** Tenants by id, those after `after`. */
  list(after: string, limit: number): Promise<TenantRecord[]> {
    return this.#database
      .select({ id: tenants.id, name: tenants.name, createdAt: tenants.createdAt })
      .from(tenants)
      .where(and(isNull(tenants.deletedAt), gt(tenants.id, after)))
      .orderBy(asc(tenants.id))
      .limit(limit);
  }

  /** Deletes the tenant and its keys in one transaction; false when there is none. */
  async remove(id: string, nowMs: number): Promise<boolean> {
    const [{ meta }] = await this.#database.batch([
      this.#database
        .update(tenants)
        .set({ deletedAt: nowMs })
        .where(and(eq(tenants.id, id), isNull(tenants.deletedAt))),
      this.#database.delete(keys).where(eq(keys.tenant, id)),
    ]);
    return meta.changes > 0;
  }
}
