/** API keys in D1. A key is its digest here; what it may do and until when stands beside it. */
import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { KnownKey } from "#access/known-keys.ts";
import { SCOPES, type Scope } from "#access/scopes.ts";
import { keys, tenants } from "./database-schema.ts";

/** Keys that a tenant may have, expired ones included. */
export const KEYS_PER_TENANT_MAX = 1_000;

export interface KeyRecord {
  id: string;
  tenant: string;
  prefix: string;
  name: string;
  scopes: Scope[];
  createdBy: string;
  createdAt: number;
  expiresAt: number | null;
}

export class Keys {
  readonly #database: DrizzleD1Database;

  constructor(database: DrizzleD1Database) {
    this.#database = database;
  }

  /** Keeps a key of a tenant that exists and has room. One statement, so that no other can come between. */
  async add(record: KeyRecord, digest: string): Promise<"added" | "no_tenant" | "full"> {
    const { id, tenant, prefix, name, createdBy, createdAt, expiresAt } = record;
    const scopes = JSON.stringify(record.scopes);
    const isThere = sql`EXISTS (SELECT 1 FROM ${tenants} WHERE id = ${tenant} AND deleted_at IS NULL)`;
    const { meta } = await this.#database.run(
      sql`INSERT INTO ${keys} (id, tenant, digest, prefix, name, scopes, created_by, created_at, expires_at)
        SELECT ${id}, ${tenant}, ${digest}, ${prefix}, ${name}, ${scopes}, ${createdBy}, ${createdAt}, ${expiresAt}
        WHERE ${isThere} AND (SELECT count(*) FROM ${keys} WHERE tenant = ${tenant}) < ${KEYS_PER_TENANT_MAX}`,
    );
    if (meta.changes > 0) return "added";
    const owner = await this.#database.get<{ there: number }>(sql`SELECT ${isThere} AS there`);
    return owner?.there === 1 ? "full" : "no_tenant";
  }

  /** The key with this digest, whichever tenant has it: this is what says which tenant is asking. */
  async find(digest: string): Promise<KnownKey | null> {
    const row = await this.#database.select().from(keys).where(eq(keys.digest, digest)).get();
    return row === undefined ? null : knownKeyOf(row);
  }

  /** A key of the tenant by its id; null once it is revoked. */
  async findById(tenant: string, id: string): Promise<KnownKey | null> {
    const isIt = and(eq(keys.tenant, tenant), eq(keys.id, id));
    const row = await this.#database.select().from(keys).where(isIt).get();
    return row === undefined ? null : knownKeyOf(row);
  }

  /** Keys of a tenant in the order they were made, those after `after`. */
  async list(tenant: string, after: string, limit: number): Promise<KeyRecord[]> {
    const rows = await this.#database
      .select()
      .from(keys)
      .where(and(eq(keys.tenant, tenant), gt(keys.id, after)))
      .orderBy(asc(keys.id))
      .limit(limit);
    return rows.map(({ digest: _, scopes, ...rest }) => ({ ...rest, scopes: parseScopes(scopes) }));
  }

  /** Takes the key away for good; false when the tenant has no such key. `tenant` null: whichever has it. */
  async remove(tenant: string | null, id: string): Promise<boolean> {
    const { meta } = await this.#database
      .delete(keys)
      .where(and(eq(keys.id, id), tenant === null ? undefined : eq(keys.tenant, tenant)));
    return meta.changes > 0;
  }
}

function knownKeyOf({ id, tenant, scopes, expiresAt }: typeof keys.$inferSelect): KnownKey {
  return { principal: { keyId: id, tenant, scopes: new Set(parseScopes(scopes)) }, expiresAt };
}

/** A scope that this version does not know gives nothing. */
function parseScopes(text: string): Scope[] {
  const stored: unknown = JSON.parse(text);
  return Array.isArray(stored) ? SCOPES.filter((scope) => stored.includes(scope)) : [];
}
