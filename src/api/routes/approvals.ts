/** Approvals: the inbox, one of them, the decision of a key, and signed links for people without one. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { newNonce } from "#access/signed-text.ts";
import { APPROVAL_STATUSES, type ApprovalView } from "#engine/approval-view.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import { listApprovals } from "#store/approvals.ts";
import { approval, commentsOf, decisionBody } from "../approval-schemas.ts";
import { APPROVE_PATH } from "../approve-path.ts";
import { decideApproval, readApproval } from "../decide-approval.ts";
import { LINK_LIFETIME_MS_DEFAULT, LINK_LIFETIME_MS_MAX, LINK_LIFETIME_MS_MIN, VOTER_LENGTH_MAX } from "../limits.ts";
import { pageBy, readCursor } from "../list-page.ts";
import { BASE_PATH, json, pageQuery, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const params = z.object({ id: z.string() });

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/approvals`,
  tags: ["approvals"],
  summary: "The inbox: approvals, newest first, at most 2 s old; long messages are cut",
  request: { query: z.strictObject({ ...pageQuery, status: z.enum(APPROVAL_STATUSES).optional() }) },
  responses: {
    200: json(
      z
        .object({ items: z.array(approval), next_cursor: z.string().nullable(), as_of: z.string() })
        .openapi("ApprovalPage"),
      "a page of them",
    ),
  },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/approvals/{id}`,
  tags: ["approvals"],
  summary: "An approval as it stands now, with its votes",
  request: { params },
  responses: { 200: json(approval, "the approval") },
});

const decide = protectedRoute(
  "approve",
  {
    method: "post",
    path: `${BASE_PATH}/approvals/{id}/decide`,
    tags: ["approvals"],
    summary: "Vote on an approval, each key once; below its quorum it stays pending, a rejection decides",
    request: { params, body: { ...json(decisionBody, "the decision"), required: true } },
    responses: { 200: json(approval, "the approval with the vote") },
  },
  ["conflict"],
);

const linkBody = z
  .strictObject({
    expires_in_ms: z.int().min(LINK_LIFETIME_MS_MIN).max(LINK_LIFETIME_MS_MAX).optional(),
    voter: z
      .string()
      .regex(
        /^[^\p{C}\s](?:[^\p{C}]*[^\p{C}\s])?$/u,
        "must be text without control characters, and not blank at an end",
      )
      .max(VOTER_LENGTH_MAX)
      .optional()
      .openapi({
        description:
          "whose vote the link casts, for instance a mail address: needs the scope `admin`; by default the key's own",
      }),
  })
  .prefault({})
  .openapi("PostLink");

const signedLink = z
  .object({ url: z.string(), token: z.string(), voter: z.string(), expires_at: z.string() })
  .openapi("SignedLink");

const postLink = protectedRoute(
  "approve",
  {
    method: "post",
    path: `${BASE_PATH}/approvals/{id}/links`,
    tags: ["approvals"],
    summary: "Make a signed link that casts one vote without a key: opening it shows, its form decides",
    request: { params, body: json(linkBody, "may be left out") },
    responses: { 201: json(signedLink, "the link; nothing of it is stored") },
  },
  ["conflict"],
);

export const approvalRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (context) => {
    const { limit, cursor, status } = context.req.valid("query");
    const asOf = rfc3339(Date.now());
    const { database } = context.get("services");
    const { tenant } = context.get("principal");
    const found = await listApprovals(database, tenant, status, cursorOf(cursor), limit + 1);
    const placeOf = (last: (typeof found)[number]) => `${Date.parse(last.created_at)}/${last.approval_id}`;
    const { page, nextCursor } = pageBy(found, limit, placeOf);
    return context.json({ items: page, next_cursor: nextCursor, as_of: asOf }, 200);
  })
  .openapi(get, async (context) => {
    const { tenant } = context.get("principal");
    return context.json(await readApproval(context.get("services"), tenant, context.req.valid("param").id), 200);
  })
  .openapi(decide, async (context) => {
    const { tenant, keyId: voter } = context.get("principal");
    const body = context.req.valid("json");
    const vote = { voter, decision: body.decision, comments: commentsOf(body) };
    const decided = await decideApproval(context.get("services"), tenant, context.req.valid("param").id, vote);
    return context.json(decided, 200);
  })
  .openapi(postLink, async (context) => {
    const services = context.get("services");
    const { tenant, keyId } = context.get("principal");
    const { expires_in_ms: lifetimeMs = LINK_LIFETIME_MS_DEFAULT, voter: named } = context.req.valid("json");
    const found = await readApproval(services, tenant, context.req.valid("param").id);
    const voter = voterOf(context, found, named);
    if (found.status !== "pending") {
      throw new ApiError("conflict", `the approval is ${found.status} already`, { details: found });
    }
    const until = Date.now() + lifetimeMs;
    // A link to something that has expired would only disappoint.
    const expiresAt = found.expires_at === null ? until : Math.min(until, Date.parse(found.expires_at));
    const token = await services.links.sign({
      tenant,
      approvalId: found.approval_id,
      keyId,
      voter,
      nonce: newNonce(),
      expiresAt,
    });
    const url = `${new URL(context.req.url).origin}${APPROVE_PATH}${token}`;
    return context.json({ url, token, voter, expires_at: rfc3339(expiresAt) }, 201, { "Cache-Control": "no-store" });
  });

/**
 * A link casts the vote of the key that made it, so that nobody gains votes by making links. An admin may name somebody
 * else: who may make keys has as many votes as they like anyway.
 */
function voterOf(context: Context<AppEnv>, { approvers }: ApprovalView, named: string | undefined): string {
  const { keyId, scopes } = context.get("principal");
  const voter = named ?? keyId;
  if (voter !== keyId && !scopes.has("admin")) {
    throw new ApiError("forbidden", 'a link for another voter needs the scope "admin"; without `voter` it is for you');
  }
  if (approvers.length > 0 && !approvers.includes(voter)) {
    throw new ApiError("forbidden", `"${voter}" is not among the approvers that are asked`);
  }
  return voter;
}

function cursorOf(cursor: string | undefined) {
  const place = readCursor(cursor, /^(\d{1,16})\/(apr_[A-Za-z0-9_-]{1,120})$/);
  return place === null ? null : { createdAt: Number(place[1]), approvalId: place[2] ?? "" };
}
