/** Tags: names that point to artifacts, and can be moved to any of them, and back and forth along what they pointed to. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError } from "#kernel/errors.ts";
import type { TagRecord, VersionRecord } from "#store/workflows.ts";
import { WORKFLOW_NAME_LENGTH_MAX } from "../limits.ts";
import { pageAfter, pageBy, readCursor } from "../list-page.ts";
import { BASE_PATH, invalid, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import {
  ANY_TEXT,
  checkIfMatch,
  etagOf,
  findTag,
  versionOf,
  workflowItemOf,
  workflowVersion,
} from "../workflow-schemas.ts";

const tagItem = z
  .object({
    name: z.string(),
    artifact_id: z.string(),
    version: z.int().openapi({ description: "of its history, where it points" }),
    description: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi("Tag");

const target = z.union([z.int().min(1), z.string().max(WORKFLOW_NAME_LENGTH_MAX)]).openapi({
  description: "an artifact id, or the number of a version of its history",
});

const params = z.object({ name: z.string() });
const headers = z.object({ "if-match": z.string().optional() });
const history = workflowVersion.extend({ current: z.boolean() }).openapi("TagVersion");

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/tags`,
  tags: ["tags"],
  summary: "Tags by name, and where each points",
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: json(z.object({ items: z.array(tagItem), next_cursor: z.string().nullable() }), "a page of them") },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/tags/{name}`,
  tags: ["tags"],
  summary: "Where a tag points; the ETag serves `If-Match`",
  request: { params },
  responses: { 200: json(tagItem, "the tag") },
});

const getHistory = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/tags/{name}/history`,
  tags: ["tags"],
  summary: "What a tag has pointed to, newest first, and where it points now",
  request: { params, query: z.strictObject(pageQuery) },
  responses: { 200: json(z.object({ items: z.array(history), next_cursor: z.string().nullable() }), "a page of it") },
});

const move = protectedRoute(
  "write",
  {
    method: "post",
    path: `${BASE_PATH}/tags/{name}/move`,
    tags: ["tags"],
    summary: "Point a tag to an artifact or to a version of its history; with `expected` only if it points there now",
    description: "An artifact that is not in its history becomes the newest version of it.",
    request: {
      params,
      headers,
      body: {
        ...json(z.strictObject({ to: target, expected: target.optional() }).openapi("MoveTag"), "where to"),
        required: true,
      },
    },
    responses: { 200: json(tagItem, "the tag as it points now") },
  },
  ["conflict", "precondition_failed"],
);

const step = (name: "undo" | "redo", summary: string) =>
  protectedRoute(
    "write",
    {
      method: "post",
      path: `${BASE_PATH}/tags/{name}/${name}`,
      tags: ["tags"],
      summary,
      request: { params, headers },
      responses: { 200: json(tagItem, "the tag as it points now") },
    },
    ["conflict", "precondition_failed"],
  );

const undo = step("undo", "Point a tag to the version before; a conflict at the beginning of its history");
const redo = step("redo", "Point a tag to the version after; a conflict at the end of its history");

export const tagRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const after = pageAfter(cursor, ANY_TEXT);
    const records = await context.get("services").workflows.list(tenantOf(context), after, limit + 1);
    const { page, nextCursor } = pageBy(records, limit, ({ tag }) => tag);
    return context.json({ items: page.map(tagOf), next_cursor: nextCursor }, 200);
  })
  .openapi(get, async (context) => {
    const record = await findTag(context, context.req.valid("param").name);
    return context.json(tagOf(record), 200, { ETag: etagOf(record) ?? "" });
  })
  .openapi(getHistory, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const { tag, version: current } = await findTag(context, context.req.valid("param").name);
    const before = readCursor(cursor, /^\d{1,15}$/);
    const { workflows } = context.get("services");
    const below = before === null ? null : Number(before[0]);
    const records = await workflows.versions(tenantOf(context), tag, below, limit + 1);
    const { page, nextCursor } = pageBy(records, limit, ({ version }) => String(version));
    const items = page.map((record) => ({ ...versionOf(record), current: record.version === current }));
    return context.json({ items, next_cursor: nextCursor }, 200);
  })
  .openapi(move, async (context) => {
    const { to, expected } = context.req.valid("json");
    const current = await findTag(context, context.req.valid("param").name);
    checkIfMatch(context, current);
    if (expected !== undefined && expected !== current.version && expected !== current.artifactId) {
      const { version, artifactId } = current;
      throw new ApiError("conflict", `"${current.tag}" points to version ${version}, not to ${String(expected)}`, {
        details: { version, artifact_id: artifactId },
      });
    }
    const record = await moveTo(context, current, to);
    return context.json(tagOf(record), 200, { ETag: etagOf(record) ?? "" });
  })
  .openapi(undo, async (context) => {
    const record = await stepBy(context, context.req.valid("param").name, -1);
    return context.json(tagOf(record), 200, { ETag: etagOf(record) ?? "" });
  })
  .openapi(redo, async (context) => {
    const record = await stepBy(context, context.req.valid("param").name, 1);
    return context.json(tagOf(record), 200, { ETag: etagOf(record) ?? "" });
  });

async function moveTo(context: Context<AppEnv>, current: TagRecord, to: string | number): Promise<TagRecord> {
  const { workflows } = context.get("services");
  const tenant = tenantOf(context);
  const { tag } = current;
  const known =
    typeof to === "number" ? await workflows.version(tenant, tag, to) : await workflows.versionWith(tenant, tag, to);
  if (known !== null) return point(context, current, known);
  if (typeof to === "number") throw invalid("/to", `"${tag}" has no version ${to}`);
  if ((await workflows.artifact(tenant, to)) === null) throw invalid("/to", `there is no artifact "${to}"`);
  return workflows.replaceTag(tenant, current, to, null, Date.now());
}

async function stepBy(context: Context<AppEnv>, name: string, by: 1 | -1): Promise<TagRecord> {
  const current = await findTag(context, name);
  checkIfMatch(context, current);
  const to = await context.get("services").workflows.version(tenantOf(context), current.tag, current.version + by);
  if (to !== null) return point(context, current, to);
  const end = by === 1 ? "end" : "beginning";
  throw new ApiError("conflict", `"${current.tag}" points to version ${current.version}, the ${end} of its history`);
}

/** Where it points already, nothing changes. */
async function point(context: Context<AppEnv>, current: TagRecord, to: VersionRecord): Promise<TagRecord> {
  if (to.version === current.version) return current;
  return context.get("services").workflows.pointTag(tenantOf(context), current, to, Date.now());
}

function tenantOf(context: Context<AppEnv>): string {
  return context.get("principal").tenant;
}

function tagOf(record: TagRecord): z.infer<typeof tagItem> {
  const { tag: name, ...rest } = workflowItemOf(record);
  return { name, ...rest };
}
