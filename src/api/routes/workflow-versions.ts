/** The history of a workflow: its versions, one of them, and what changed between two. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError } from "#kernel/errors.ts";
import type { VersionRecord } from "#store/workflows.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { diffWorkflows } from "#workflow/diff.ts";
import { pageBy, readCursor } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";
import { definitionDocument, findTag, tagParams, versionOf, workflowVersion } from "../workflow-schemas.ts";

const wholeVersion = workflowVersion
  .extend({ tag: z.string(), workflow: definitionDocument })
  .openapi("WholeWorkflowVersion");

const end = z.object({ version: z.int(), artifact_id: z.string() });

const operation = z.object({
  op: z.enum(["add", "remove", "replace", "move"]),
  path: z.string(),
  from: z.string().optional(),
  value: z.unknown().optional(),
});

const diff = z
  .object({
    from: end,
    to: end,
    operations: z.array(operation).openapi({ description: "JSON Patch (RFC 6902) that makes `to` of `from`" }),
    summary: z.array(z.string()).openapi({ description: "one sentence a change" }),
  })
  .openapi("WorkflowDiff");

const versionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}/versions`,
  tags: ["workflows"],
  summary: "What a tag has pointed to, newest first",
  request: { params: tagParams, query: z.strictObject(pageQuery) },
  responses: {
    200: json(z.object({ items: z.array(workflowVersion), next_cursor: z.string().nullable() }), "a page of them"),
  },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}/versions/{version}`,
  tags: ["workflows"],
  summary: "One version with its definition",
  request: { params: tagParams.extend({ version: z.string() }) },
  responses: { 200: json(wholeVersion, "the version") },
});

const getDiff = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}/diff`,
  tags: ["workflows"],
  summary: "What changed between two versions; without `to` up to the current one, without `from` since the one before",
  request: {
    params: tagParams,
    query: z.strictObject({ from: versionNumber.optional(), to: versionNumber.optional() }),
  },
  responses: { 200: json(diff, "as JSON Patch and in words") },
});

export const workflowVersionRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const { tag } = await findTag(context, context.req.valid("param").tag);
    const { workflows } = context.get("services");
    const records = await workflows.versions(context.get("principal").tenant, tag, before(cursor), limit + 1);
    const { page, nextCursor } = pageBy(records, limit, (last) => String(last.version));
    return context.json({ items: page.map(versionOf), next_cursor: nextCursor }, 200);
  })
  .openapi(get, async (context) => {
    const params = context.req.valid("param");
    const { tag } = await findTag(context, params.tag);
    const record = await findVersion(context, tag, params.version);
    const workflow = (await definitionOf(context, record)) as unknown;
    return context.json({ ...versionOf(record), tag, workflow }, 200);
  })
  .openapi(getDiff, async (context) => {
    const current = await findTag(context, context.req.valid("param").tag);
    const { to: toVersion = current.version, from: fromVersion = Math.max(1, toVersion - 1) } =
      context.req.valid("query");
    const from = await findVersion(context, current.tag, String(fromVersion));
    const to = await findVersion(context, current.tag, String(toVersion));
    const { operations, summary } = diffWorkflows(await definitionOf(context, from), await definitionOf(context, to));
    const body = { from: endOf(from), to: endOf(to), operations: operations as z.infer<typeof operation>[], summary };
    return context.json(body, 200);
  });

/** The number that a page's versions lie below; null for the first page. */
function before(cursor: string | undefined): number | null {
  const version = readCursor(cursor, /^\d{1,15}$/);
  return version === null ? null : Number(version[0]);
}

async function findVersion(context: Context<AppEnv>, tag: string, number: string): Promise<VersionRecord> {
  const { workflows } = context.get("services");
  const record = /^[1-9]\d{0,14}$/.test(number)
    ? await workflows.version(context.get("principal").tenant, tag, Number(number))
    : null;
  if (record === null) throw new ApiError("not_found", `"${tag}" has no version ${number.slice(0, 50)}`);
  return record;
}

async function definitionOf(context: Context<AppEnv>, { artifactId }: VersionRecord): Promise<WorkflowDefinition> {
  const definition = await context.get("services").workflows.artifact(context.get("principal").tenant, artifactId);
  if (definition === null) throw new Error(`the artifact ${artifactId} of a version is there`);
  return definition as unknown as WorkflowDefinition;
}

function endOf(record: VersionRecord): z.infer<typeof end> {
  return { version: record.version, artifact_id: record.artifactId };
}
