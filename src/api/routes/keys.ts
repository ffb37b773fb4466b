/** API keys: make one (its text is shown this once), list, revoke. An admin's are those of the own tenant. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { digestOf, hexOf, newKeyText, visiblePrefix } from "#access/key-text.ts";
import { isOperator, type Principal, SCOPES, ungrantable } from "#access/scopes.ts";
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import { nextUlid } from "#kernel/ids.ts";
import { KEYS_PER_TENANT_MAX, type KeyRecord } from "#store/keys.ts";
import { pageAfter, pageOf } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

export const KEY_NAME_LENGTH_MAX = 100;

const KEY_ID = /^key_[0-9A-HJKMNP-TV-Z]{26}$/;

const item = z
  .object({
    id: z.string(),
    prefix: z.string().openapi({ description: "how the key begins, to tell it from others" }),
    tenant: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: z.string(),
    expires_at: z.string().nullable(),
  })
  .openapi("Key");

const made = item.extend({ key: z.string().openapi({ description: "shown once, kept nowhere" }) }).openapi("NewKey");

const postBody = z
  .strictObject({
    name: z.string().min(1).max(KEY_NAME_LENGTH_MAX),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
    expires_at: z.iso.datetime({ offset: true }).optional(),
    tenant: z.string().optional().openapi({ description: "for the operator; otherwise the tenant of the asking key" }),
  })
  .openapi("PostKey");

const post = protectedRoute(
  "admin",
  {
    method: "post",
    path: `${BASE_PATH}/keys`,
    tags: ["access"],
    summary: "Make a key with scopes that the asking key has too; the answer is the only place where its text appears",
    request: { body: { ...json(postBody, "what the key is for and may do"), required: true } },
    responses: { 201: json(made, "made") },
  },
  ["not_found", "conflict"],
);

const list = protectedRoute("admin", {
  method: "get",
  path: `${BASE_PATH}/keys`,
  tags: ["access"],
  summary: "Keys of the tenant in the order they were made, expired ones too",
  request: { query: z.strictObject({ ...pageQuery, tenant: z.string().optional() }) },
  responses: { 200: json(z.object({ items: z.array(item), next_cursor: z.string().nullable() }), "a page of them") },
});

const remove = protectedRoute("admin", {
  method: "delete",
  path: `${BASE_PATH}/keys/{id}`,
  tags: ["access"],
  summary: "Revoke a key, within 60 s everywhere; the operator may revoke any tenant's",
  request: {
    params: z.object({ id: z.string() }),
    query: z.strictObject({ tenant: z.string().optional() }),
  },
  responses: { 204: { description: "revoked" } },
});

export const keyRoutes = new OpenAPIHono<AppEnv>()
  .openapi(post, async (context) => {
    const maker = context.get("principal");
    const { name, scopes: wanted, expires_at: expiry, tenant: named } = context.req.valid("json");
    const tenant = tenantOf(maker, named);
    const refused = ungrantable(maker, wanted);
    if (refused.length > 0) {
      const which = refused.map((scope) => `"${scope}"`).join(", ");
      throw new ApiError("forbidden", `this key cannot grant ${which}: nobody grants more than they may do`);
    }
    const nowMs = Date.now();
    const expiresAt = expiry === undefined ? null : Date.parse(expiry);
    if (expiresAt !== null && !(expiresAt > nowMs)) {
      const details = [{ pointer: "/expires_at", message: "must lie in the future" }];
      throw new ApiError("invalid", "the key would have expired already", { details });
    }
    const text = newKeyText();
    const record: KeyRecord = {
      id: `key_${nextUlid(nowMs)}`,
      tenant,
      prefix: visiblePrefix(text),
      name,
      scopes: SCOPES.filter((scope) => wanted.includes(scope)),
      createdBy: maker.keyId,
      createdAt: nowMs,
      expiresAt,
    };
    const outcome = await context.get("services").keys.add(record, hexOf(await digestOf(text)));
    if (outcome === "no_tenant") throw new ApiError("not_found", `there is no tenant "${tenant.slice(0, 100)}"`);
    if (outcome === "full") {
      throw new ApiError("conflict", `the tenant has ${KEYS_PER_TENANT_MAX} keys; delete some, expired ones count too`);
    }
    return context.json({ ...itemOf(record), key: text }, 201, { "Cache-Control": "no-store" });
  })
  .openapi(list, async (context) => {
    const { limit, cursor, tenant: named } = context.req.valid("query");
    const tenant = tenantOf(context.get("principal"), named);
    const records = await context.get("services").keys.list(tenant, pageAfter(cursor, KEY_ID), limit + 1);
    const { page, nextCursor } = pageOf(records, limit);
    return context.json({ items: page.map(itemOf), next_cursor: nextCursor }, 200);
  })
  .openapi(remove, async (context) => {
    const { keys, keyring } = context.get("services");
    const principal = context.get("principal");
    const { id } = context.req.valid("param");
    const { tenant: named } = context.req.valid("query");
    // An id is enough for the operator: a leaked key must be gone before anybody knows whose it was.
    const tenant = named === undefined && isOperator(principal) ? null : tenantOf(principal, named);
    const isRevoked = KEY_ID.test(id) && (await keys.remove(tenant, id));
    if (!isRevoked) throw new ApiError("not_found", `there is no key "${id.slice(0, 100)}"`);
    keyring.forgetKey(id);
    return context.body(null, 204);
  });

/** The tenant that a request is about. Another one than its own is refused alike whether it exists or not. */
function tenantOf(principal: Principal, named: string | undefined): string {
  if (named === undefined || named === principal.tenant) return principal.tenant;
  if (isOperator(principal)) return named;
  throw new ApiError("forbidden", "only the operator names another tenant");
}

function itemOf(record: KeyRecord): z.infer<typeof item> {
  return {
    id: record.id,
    prefix: record.prefix,
    tenant: record.tenant,
    name: record.name,
    scopes: record.scopes,
    created_at: rfc3339(record.createdAt),
    expires_at: rfc3339OrNull(record.expiresAt),
  };
}
