/** Changes of stored workflows that agents proposed: to look at, and to decide on. An approved one is a new version. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { PROPOSAL_STATUSES } from "#store/agent-tables.ts";
import { changedWorkflow, PROPOSAL_ID, type WorkflowProposal } from "#store/workflow-proposals.ts";
import type { TagRecord } from "#store/workflows.ts";
import { commentsOf, decisionBody } from "../approval-schemas.ts";
import { pageAfter, pageOf } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv, Services } from "../services.ts";
import { findTag, tagParams } from "../workflow-schemas.ts";

const time = z.string().openapi({ format: "date-time" });

const proposal = z
  .object({
    proposal_id: z.string(),
    tag: z.string(),
    artifact_id: z.string().openapi({ description: "what it would change; it is applied to nothing else" }),
    status: z.enum(PROPOSAL_STATUSES),
    description: z.string().nullable(),
    operations: z.array(z.any()).openapi({ description: "JSON Patch (RFC 6902)" }),
    summary: z.array(z.string()).openapi({ description: "one sentence a change" }),
    run_id: z.string(),
    node_id: z.string().openapi({ description: "the agent that proposes it" }),
    created_at: time,
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
    comments: z.string().nullable(),
    version: z.int().nullable().openapi({ description: "the version that it became" }),
  })
  .openapi("WorkflowProposal");

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}/proposals`,
  tags: ["workflows"],
  summary: "Changes of a workflow that agents proposed",
  request: {
    params: tagParams,
    query: z.strictObject({ ...pageQuery, status: z.enum(PROPOSAL_STATUSES).optional() }),
  },
  responses: {
    200: json(z.object({ items: z.array(proposal), next_cursor: z.string().nullable() }), "a page of them"),
  },
});

const decide = protectedRoute(
  "approve",
  {
    method: "post",
    path: `${BASE_PATH}/workflows/{tag}/proposals/{id}/decide`,
    tags: ["workflows"],
    summary: "Approve or reject a proposed change, once; an approved one is the workflow's next version",
    request: {
      params: tagParams.extend({ id: z.string() }),
      body: { ...json(decisionBody, "the decision"), required: true },
    },
    responses: { 200: json(proposal, "the proposal as it is now") },
  },
  ["conflict"],
);

export const workflowProposalRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    const { tag } = await findTag(context, context.req.valid("param").tag);
    const { limit, cursor, status = null } = context.req.valid("query");
    const { tenant } = context.get("principal");
    const after = pageAfter(cursor, PROPOSAL_ID);
    const found = await context.get("services").proposals.list(tenant, tag, status, after, limit + 1);
    const { page, nextCursor } = pageOf(found, limit);
    return context.json({ items: page.map(viewOf), next_cursor: nextCursor }, 200);
  })
  .openapi(decide, async (context) => {
    const { tag, id } = context.req.valid("param");
    const record = await findTag(context, tag);
    const body = context.req.valid("json");
    const { tenant, keyId: by } = context.get("principal");
    const services = context.get("services");
    const { proposals } = services;
    const found = PROPOSAL_ID.test(id) ? await proposals.find(tenant, tag, id) : null;
    if (found === null) throw new ApiError("not_found", `"${tag}" has no proposal "${id.slice(0, 100)}"`);
    if (found.status !== "pending") throw decidedAlready(found);
    const { decision } = body;
    const version = decision === "approve" ? await apply(services, record, found) : null;
    const decided = await proposals.decide(found, { decision, by, comments: commentsOf(body), version }, Date.now());
    if (decided === null) throw decidedAlready((await proposals.find(tenant, tag, id)) ?? found);
    return context.json(viewOf(decided), 200);
  });

/** Gives the tag its next version, and says which; one that was given before a decision could be kept is that one. */
async function apply({ workflows }: Services, record: TagRecord, proposal: WorkflowProposal): Promise<number> {
  const { tenant, artifactId } = proposal;
  const found = await workflows.find(tenant, artifactId);
  const changed = found === null ? null : changedWorkflow(found.definition, JSON.parse(proposal.operations) as Json[]);
  // The rules of definitions may have become stricter since.
  if (changed?.ok !== true) throw new ApiError("conflict", "the change cannot be applied any more: reject it");
  const nowMs = Date.now();
  const next = await workflows.addArtifact(tenant, changed.value.definition, nowMs);
  if (record.artifactId === next) return record.version;
  if (record.artifactId !== artifactId) {
    const message = `"${record.tag}" has changed since: the proposal is for ${artifactId}`;
    throw new ApiError("conflict", message);
  }
  return (await workflows.replaceTag(tenant, record, next, record.description, nowMs)).version;
}

function decidedAlready(proposal: WorkflowProposal): ApiError {
  return new ApiError("conflict", `the proposal is ${proposal.status} already`, { details: viewOf(proposal) });
}

function viewOf(found: WorkflowProposal): z.infer<typeof proposal> {
  return {
    proposal_id: found.id,
    tag: found.tag,
    artifact_id: found.artifactId,
    status: found.status,
    description: found.description,
    operations: JSON.parse(found.operations),
    summary: JSON.parse(found.summary),
    run_id: found.runId,
    node_id: found.node,
    created_at: rfc3339(found.createdAt),
    decided_at: found.decidedAt === null ? null : rfc3339(found.decidedAt),
    decided_by: found.decidedBy,
    comments: found.comments,
    version: found.version,
  };
}
