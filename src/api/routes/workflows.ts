/** Workflows by tag: validate, create, list, read. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import type { TagRecord } from "#store/workflows.ts";
import { tagSchema } from "#workflow/definition.ts";
import { DESCRIPTION_LENGTH_MAX } from "#workflow/limits.ts";
import { summarise, TIERS } from "#workflow/summary.ts";
import { BASE_PATH, decodeCursor, encodeCursor, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { acceptDocument, checkDocument } from "../workflow-document.ts";

const problem = z.object({ pointer: z.string(), message: z.string() }).openapi("Problem");

const validation = z
  .object({
    valid: z.boolean(),
    errors: z.array(problem),
    warnings: z.array(problem),
    summary: z
      .object({
        nodes: z.int(),
        edges: z.int(),
        agents: z.int(),
        tier: z.enum(TIERS),
        entry: z.array(z.string()),
        terminal: z.array(z.string()),
        critical_path: z.array(z.string()),
      })
      .nullable(),
    suggestions: z.array(z.unknown()),
  })
  .openapi("Validation");

const saved = z
  .object({ tag: z.string(), artifact_id: z.string(), version: z.int(), warnings: z.array(problem) })
  .openapi("SavedWorkflow");

const listed = z
  .object({
    tag: z.string(),
    artifact_id: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi("WorkflowSummary");

/** As documentation only: definitions are judged by the save-time checks, which report everything at once. */
const document = z.unknown().openapi({ description: "a workflow definition", type: "object" });

const whole = listed.extend({ patch_depth: z.int(), workflow: document }).openapi("Workflow");

const postBody = z
  .strictObject({
    tag: tagSchema,
    workflow: document,
    description: z.string().max(DESCRIPTION_LENGTH_MAX).optional(),
    replace: z.boolean().optional(),
  })
  .openapi("PostWorkflow");

const validate = protectedRoute("read", {
  method: "post",
  path: `${BASE_PATH}/workflows/validate`,
  tags: ["workflows"],
  summary: "Every problem of a definition at once, and what it amounts to; nothing is stored",
  request: { body: json(z.unknown().openapi({ description: "a workflow definition" }), "the definition itself") },
  responses: { 200: json(validation, "the verdict, also of an invalid definition") },
});

const post = protectedRoute("write", {
  method: "post",
  path: `${BASE_PATH}/workflows`,
  tags: ["workflows"],
  summary: "Store a definition under a new tag, or with `replace` and `If-Match` as a new version of one",
  request: { body: { ...json(postBody, "tag and definition"), required: true } },
  responses: { 201: json(saved, "stored") },
});

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows`,
  tags: ["workflows"],
  summary: "Workflows by tag",
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: json(z.object({ items: z.array(listed), next_cursor: z.string().nullable() }), "a page of them") },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}`,
  tags: ["workflows"],
  summary: "One workflow with its definition; the ETag serves `If-Match`",
  request: { params: z.object({ tag: z.string() }) },
  responses: { 200: json(whole, "the workflow") },
});

export const workflowRoutes = new OpenAPIHono<AppEnv>()
  .openapi(validate, async (context) => {
    const { urlPolicy } = context.get("services");
    const checked = checkDocument(await context.req.json<unknown>().catch(() => null), urlPolicy);
    const { definition, errors, warnings } = checked;
    const summary = definition === null ? null : summarise(definition);
    return context.json({ valid: errors.length === 0, errors, warnings, summary, suggestions: [] }, 200);
  })
  .openapi(post, async (context) => {
    const { workflows, urlPolicy } = context.get("services");
    const { tenant } = context.get("principal");
    const { tag, description = null, replace = false, workflow } = context.req.valid("json");
    const { definition, warnings } = acceptDocument(workflow, "/workflow", urlPolicy);
    const expected = context.req.header("If-Match");
    const nowMs = Date.now();
    const current = replace || expected !== undefined ? await workflows.tag(tenant, tag) : null;
    if (expected !== undefined && expected !== etagOf(current)) {
      throw new ApiError(
        "precondition_failed",
        `If-Match is ${expected}, the workflow is at ${etagOf(current) ?? "nothing"}`,
      );
    }
    if (current !== null && (!replace || expected === undefined)) {
      const message = `the tag "${tag}" exists; to replace it send "replace": true and its ETag as If-Match`;
      throw new ApiError("conflict", message);
    }
    const artifactId = await workflows.addArtifact(tenant, definition, nowMs);
    const record =
      current === null
        ? await workflows.createTag(tenant, tag, artifactId, description, nowMs)
        : await workflows.replaceTag(tenant, current, artifactId, description, nowMs);
    return context.json({ tag, artifact_id: artifactId, version: record.version, warnings }, 201, {
      ETag: etagOf(record) ?? "",
      Location: `${BASE_PATH}/workflows/${tag}`,
    });
  })
  .openapi(list, async (context) => {
    const { workflows } = context.get("services");
    const { limit, cursor } = context.req.valid("query");
    const after = cursor === undefined ? "" : decodeCursor(cursor);
    if (after === null) {
      throw new ApiError("invalid", "the cursor is not one of ours", {
        details: [{ pointer: "/cursor", message: "send next_cursor of the page before, unchanged" }],
      });
    }
    const records = await workflows.list(context.get("principal").tenant, after, limit + 1);
    const page = records.slice(0, limit);
    const nextCursor = records.length > limit ? encodeCursor(page.at(-1)?.tag ?? "") : null;
    return context.json({ items: page.map(listedOf), next_cursor: nextCursor }, 200);
  })
  .openapi(get, async (context) => {
    const { workflows } = context.get("services");
    const { tenant } = context.get("principal");
    const { tag } = context.req.valid("param");
    const record = tagSchema.safeParse(tag).success ? await workflows.tag(tenant, tag) : null;
    const definition = record === null ? null : await workflows.artifact(tenant, record.artifactId);
    if (record === null || definition === null) throw new ApiError("not_found", `there is no workflow "${tag}"`);
    const body = { ...listedOf(record), patch_depth: 0, workflow: definition as unknown };
    return context.json(body, 200, { ETag: etagOf(record) ?? "" });
  });

function etagOf(record: TagRecord | null): string | undefined {
  return record === null ? undefined : `"${record.revision}"`;
}

function listedOf(record: TagRecord): z.infer<typeof listed> {
  return {
    tag: record.tag,
    artifact_id: record.artifactId,
    version: record.version,
    description: record.description,
    created_at: rfc3339(record.createdAt),
    updated_at: rfc3339(record.updatedAt),
  };
}
