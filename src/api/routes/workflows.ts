/** Workflows by tag: validate, save, list, read, delete. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { tagSchema } from "#workflow/definition.ts";
import { DESCRIPTION_LENGTH_MAX } from "#workflow/limits.ts";
import { optimise } from "#workflow/optimise/optimise.ts";
import { summarise, TIERS } from "#workflow/summary.ts";
import { pageAfter, pageBy } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { acceptDocument, checkDocument } from "../workflow-document.ts";
import {
  ANY_TEXT,
  checkIfMatch,
  definitionDocument,
  etagOf,
  findTag,
  problem,
  suggestion,
  tagParams,
  workflowItem,
  workflowItemOf,
} from "../workflow-schemas.ts";

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
        critical_path: z.array(z.string()).openapi({
          description: "the chain that decides how long a run takes, by what kinds of nodes usually take",
        }),
      })
      .nullable(),
    suggestions: z
      .array(suggestion)
      .openapi({ description: "what could be done better; empty while there are errors" }),
  })
  .openapi("Validation");

const saved = z
  .object({ tag: z.string(), artifact_id: z.string(), version: z.int(), warnings: z.array(problem) })
  .openapi("SavedWorkflow");

const whole = workflowItem.extend({ patch_depth: z.int(), workflow: definitionDocument }).openapi("Workflow");

const postBody = z
  .strictObject({
    tag: tagSchema,
    workflow: definitionDocument,
    description: z.string().max(DESCRIPTION_LENGTH_MAX).optional(),
    replace: z.boolean().optional(),
  })
  .openapi("PostWorkflow");

const ifMatch = z.object({ "if-match": z.string().optional() });

const validate = protectedRoute("read", {
  method: "post",
  path: `${BASE_PATH}/workflows/validate`,
  tags: ["workflows"],
  summary:
    "Every problem of a definition at once, what it amounts to, and what could be done better; nothing is stored",
  request: { body: json(z.unknown().openapi({ description: "a workflow definition" }), "the definition itself") },
  responses: { 200: json(validation, "the verdict, also of an invalid definition") },
});

const post = protectedRoute(
  "write",
  {
    method: "post",
    path: `${BASE_PATH}/workflows`,
    tags: ["workflows"],
    summary: "Store a definition under a new tag, or with `replace` and `If-Match` as a new version of one",
    request: { headers: ifMatch, body: { ...json(postBody, "tag and definition"), required: true } },
    responses: { 201: json(saved, "stored") },
  },
  ["conflict", "precondition_failed"],
);

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows`,
  tags: ["workflows"],
  summary: "Workflows by tag",
  request: { query: z.strictObject(pageQuery) },
  responses: {
    200: json(z.object({ items: z.array(workflowItem), next_cursor: z.string().nullable() }), "a page of them"),
  },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}`,
  tags: ["workflows"],
  summary: "One workflow with its definition; the ETag serves `If-Match`",
  request: { params: tagParams },
  responses: { 200: json(whole, "the workflow") },
});

const remove = protectedRoute(
  "write",
  {
    method: "delete",
    path: `${BASE_PATH}/workflows/{tag}`,
    tags: ["workflows"],
    summary: "Delete a tag with its history; its artifacts and runs stay",
    request: { params: tagParams, headers: ifMatch },
    responses: { 204: { description: "deleted" } },
  },
  ["precondition_failed"],
);

export const workflowRoutes = new OpenAPIHono<AppEnv>()
  .openapi(validate, async (context) => {
    const { urlPolicy } = context.get("services");
    const checked = checkDocument(await context.req.json<unknown>().catch(() => null), urlPolicy);
    const { definition, errors, warnings } = checked;
    const valid = errors.length === 0;
    const summary = definition === null ? null : summarise(definition);
    const found = definition === null || !valid ? { warnings: [], suggestions: [] } : optimise(definition);
    const body = { valid, errors, warnings: [...warnings, ...found.warnings], summary, suggestions: found.suggestions };
    return context.json(body, 200);
  })
  .openapi(post, async (context) => {
    const { workflows, urlPolicy } = context.get("services");
    const { tenant } = context.get("principal");
    const { tag, description = null, replace = false, workflow } = context.req.valid("json");
    const { definition, warnings } = acceptDocument(workflow, "/workflow", urlPolicy);
    const isConditional = context.req.header("If-Match") !== undefined;
    const nowMs = Date.now();
    const current = replace || isConditional ? await workflows.tag(tenant, tag) : null;
    checkIfMatch(context, current);
    if (current !== null && (!replace || !isConditional)) {
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
    const after = pageAfter(cursor, ANY_TEXT);
    const records = await workflows.list(context.get("principal").tenant, after, limit + 1);
    const { page, nextCursor } = pageBy(records, limit, ({ tag }) => tag);
    return context.json({ items: page.map(workflowItemOf), next_cursor: nextCursor }, 200);
  })
  .openapi(get, async (context) => {
    const { workflows } = context.get("services");
    const record = await findTag(context, context.req.valid("param").tag);
    const definition = await workflows.artifact(context.get("principal").tenant, record.artifactId);
    if (definition === null) throw new Error(`the artifact of the tag ${record.tag} is there`);
    const body = { ...workflowItemOf(record), patch_depth: 0, workflow: definition as unknown };
    return context.json(body, 200, { ETag: etagOf(record) ?? "" });
  })
  .openapi(remove, async (context) => {
    const record = await findTag(context, context.req.valid("param").tag);
    checkIfMatch(context, record);
    await context.get("services").workflows.deleteTag(context.get("principal").tenant, record);
    return context.body(null, 204);
  });
