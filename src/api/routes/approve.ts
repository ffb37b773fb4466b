/**
 * Signed links, for people without a key: a page for browsers, JSON for others. Opening one shows what is asked and
 * changes nothing, since mail scanners and previews open links too; its form decides, once.
 */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { ApprovalLink } from "#access/approval-links.ts";
import { OPERATOR } from "#access/scopes.ts";
import type { ApprovalView } from "#engine/approval-view.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { ApiError, type ApiErrorCode } from "#kernel/errors.ts";
import {
  commentsOf,
  decisionBody,
  type SharedApproval,
  sharedApproval,
  sharedApprovalOf,
} from "../approval-schemas.ts";
import { APPROVE_STYLE, type Problem, problemPage, requestPage, votedPage } from "../approve-page.ts";
import { APPROVE_PATH } from "../approve-path.ts";
import { decideApproval, readApproval } from "../decide-approval.ts";
import { pageHeaders, wantsPage } from "../html-page.ts";
import { errorResponses } from "../route.ts";
import type { AppEnv } from "../services.ts";

const pageContent = { "text/html": { schema: z.string().openapi({ description: "by `Accept: text/html`" }) } };

function answer<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema }, ...pageContent } };
}

/** The documented errors, which browsers are shown as pages. */
function problems(codes: readonly ApiErrorCode[]) {
  const documented = errorResponses([
    ...codes,
    "not_found",
    "gone",
    "conflict",
    "internal",
    "unavailable",
    "overloaded",
  ]);
  return Object.fromEntries(
    Object.entries(documented).map(([status, response]) => [
      status,
      { ...response, content: { ...response.content, ...pageContent } },
    ]),
  );
}

const params = z.object({ token: z.string() });

/** Errors of these routes as pages, for those who are shown pages; and nothing of it is kept on the way. */
const asPage: MiddlewareHandler<AppEnv> = async (context, next) => {
  context.header("Cache-Control", "no-store");
  context.header("Vary", "Accept");
  context.header("X-Robots-Tag", "noindex");
  await next();
  if (context.error === undefined || !wantsPage(context.req.header("Accept"))) return;
  const { status } = context.res;
  const headers = new Headers(context.res.headers);
  for (const [name, value] of Object.entries(await headersOfPage())) headers.set(name, value);
  const text = await problemPage(problemOf(context.error));
  context.res = undefined;
  context.res = new Response(text, { status, headers });
};

function problemOf(error: Error): Problem {
  if (!(error instanceof ApiError))
    return { message: "something went wrong on our side", approval: null, isMended: true };
  const { code, message, details } = error;
  const shared = sharedApproval.safeParse(details);
  // Of what was sent the first problem is said: the form has two fields.
  const [first] = Array.isArray(details) ? (details as { message: string }[]) : [];
  return {
    message: first?.message ?? message,
    approval: shared.success ? shared.data : null,
    isMended: code === "invalid" || code === "overloaded",
  };
}

const get = createRoute({
  method: "get",
  path: `${APPROVE_PATH}{token}`,
  tags: ["approvals"],
  summary: "What a signed link asks, as a page with a form; opening it changes nothing",
  middleware: [asPage] as const,
  request: { params },
  responses: {
    200: answer(sharedApproval, "what is asked"),
    ...problems([]),
  },
});

const post = createRoute({
  method: "post",
  path: `${APPROVE_PATH}{token}`,
  tags: ["approvals"],
  summary: "Cast the vote of a signed link; once",
  middleware: [asPage] as const,
  request: {
    params,
    body: {
      description: "the decision",
      content: {
        "application/json": { schema: decisionBody },
        "application/x-www-form-urlencoded": { schema: decisionBody },
      },
    },
  },
  responses: {
    200: answer(sharedApproval, "the approval with the vote"),
    ...problems(["bad_request", "payload_too_large", "unsupported_media_type", "invalid", "forbidden"]),
  },
});

export const approveRoutes = new OpenAPIHono<AppEnv>()
  .openapi(get, async (context) => {
    const { approval } = await openLink(context, context.req.valid("param").token);
    if (!wantsPage(context.req.header("Accept"))) return context.json(approval, 200);
    return context.body(await requestPage(approval), 200, await headersOfPage());
  })
  .openapi(post, async (context) => {
    const { token } = context.req.valid("param");
    const body = context.req.valid("json");
    const { link } = await openLink(context, token);
    const { tenant, approvalId, voter, nonce } = link;
    const vote = { voter, decision: body.decision, comments: commentsOf(body), link: nonce };
    const decided = await decideApproval(context.get("services"), tenant, approvalId, vote).catch(async (error) => {
      // Somebody was faster. What the shard tells of it is for keys; the link is told what it may show.
      if (error instanceof ApiError && error.code === "conflict") await openLink(context, token);
      throw error instanceof ApiError ? new ApiError(error.code, error.message) : error;
    });
    const shared = sharedOf(decided, link);
    if (!wantsPage(context.req.header("Accept"))) return context.json(shared, 200);
    return context.body(await votedPage(shared, body.decision), 200, await headersOfPage());
  });

/** What the token allows and what it is about; throws what is to be answered when it does not serve. */
async function openLink(
  context: Context<AppEnv>,
  token: string,
): Promise<{ link: ApprovalLink; approval: SharedApproval }> {
  const services = context.get("services");
  if (!services.keyring.isReady) throw new ApiError("unavailable", "no operator key is set up");
  const link = await services.links.open(token);
  if (link === null) throw new ApiError("not_found", "this is not a link of ours: perhaps a part of it was cut off");
  const nowMs = Date.now();
  if (link.expiresAt <= nowMs) throw new ApiError("gone", `the link expired at ${rfc3339(link.expiresAt)}`);
  if (!(await isMakerThere(context, link, nowMs))) {
    throw new ApiError("gone", "the key that made the link has been revoked or has expired");
  }
  const whole = await readApproval(services, link.tenant, link.approvalId);
  const approval = sharedOf(whole, link);
  const own = whole.decisions.find(({ key, link: nonce }) => key === link.voter || nonce === link.nonce);
  if (own !== undefined) {
    const said = own.decision === "approve" ? "approved" : "rejected";
    throw new ApiError("conflict", `the link has been used: "${link.voter}" ${said} at ${own.at}`, {
      details: approval,
    });
  }
  if (whole.status !== "pending") {
    throw new ApiError("conflict", `the approval is ${whole.status} already`, { details: approval });
  }
  return { link, approval };
}

async function isMakerThere(
  context: Context<AppEnv>,
  { tenant, keyId }: ApprovalLink,
  nowMs: number,
): Promise<boolean> {
  if (keyId === OPERATOR.keyId) return true;
  const maker = await context.get("services").keys.findById(tenant, keyId);
  return maker !== null && (maker.expiresAt === null || nowMs < maker.expiresAt);
}

function sharedOf(approval: ApprovalView, link: ApprovalLink): SharedApproval {
  return sharedApprovalOf(approval, { voter: link.voter, link_expires_at: rfc3339(link.expiresAt) });
}

let pageHeadersOnce: Promise<Record<string, string>> | undefined;

function headersOfPage(): Promise<Record<string, string>> {
  pageHeadersOnce ??= pageHeaders(APPROVE_STYLE, "'self'");
  return pageHeadersOnce;
}
