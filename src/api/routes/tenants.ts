/** Tenants, for the operator: create, list, delete. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { isBuiltIn, TENANT_PATTERN } from "#access/tenants.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import type { TenantRecord } from "#store/tenants.ts";
import { pageAfter, pageOf } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

export const TENANT_NAME_LENGTH_MAX = 100;

const tenant = z.object({ id: z.string(), name: z.string().nullable(), created_at: z.string() }).openapi("Tenant");

const postBody = z
  .strictObject({
    id: z.string().regex(TENANT_PATTERN, "must be 1 to 32 lower-case letters, digits or '-', beginning with a letter"),
    name: z.string().min(1).max(TENANT_NAME_LENGTH_MAX).optional(),
  })
  .openapi("PostTenant");

const post = protectedRoute(
  "operator",
  {
    method: "post",
    path: `${BASE_PATH}/tenants`,
    tags: ["access"],
    summary: "Create a tenant; its first key is made by the operator with `tenant` in POST /keys",
    request: { body: { ...json(postBody, "its id and a name to show"), required: true } },
    responses: { 201: json(tenant, "created") },
  },
  ["conflict"],
);

const list = protectedRoute("operator", {
  method: "get",
  path: `${BASE_PATH}/tenants`,
  tags: ["access"],
  summary: "Tenants by id",
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: json(z.object({ items: z.array(tenant), next_cursor: z.string().nullable() }), "a page of them") },
});

const remove = protectedRoute(
  "operator",
  {
    method: "delete",
    path: `${BASE_PATH}/tenants/{id}`,
    tags: ["access"],
    summary: "Delete a tenant: its keys stop working; what it stored stays, and its id is not given out again",
    request: { params: z.object({ id: z.string() }) },
    responses: { 204: { description: "deleted" } },
  },
  ["conflict"],
);

export const tenantRoutes = new OpenAPIHono<AppEnv>()
  .openapi(post, async (context) => {
    const { id, name = null } = context.req.valid("json");
    const record = { id, name, createdAt: Date.now() };
    if (!(await context.get("services").tenants.add(record))) {
      throw new ApiError(
        "conflict",
        `the tenant "${id}" exists, or did: the id of a deleted one is not given out again`,
      );
    }
    return context.json(itemOf(record), 201);
  })
  .openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const records = await context.get("services").tenants.list(pageAfter(cursor, TENANT_PATTERN), limit + 1);
    const { page, nextCursor } = pageOf(records, limit);
    return context.json({ items: page.map(itemOf), next_cursor: nextCursor }, 200);
  })
  .openapi(remove, async (context) => {
    const { tenants, keyring } = context.get("services");
    const { id } = context.req.valid("param");
    if (isBuiltIn(id)) throw new ApiError("conflict", `the tenant "${id}" is part of Weir and cannot be deleted`);
    const isDeleted = TENANT_PATTERN.test(id) && (await tenants.remove(id, Date.now()));
    if (!isDeleted) throw new ApiError("not_found", `there is no tenant "${id.slice(0, 100)}"`);
    keyring.forgetTenant(id);
    return context.body(null, 204);
  });

function itemOf(record: TenantRecord): z.infer<typeof tenant> {
  return { id: record.id, name: record.name, created_at: rfc3339(record.createdAt) };
}
