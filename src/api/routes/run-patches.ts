/** Patches of a run's workflow while it runs: make or propose one, look at them, decide on a proposed one, revert the last. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { PatchView } from "#engine/patch-view.ts";
import { ApiError } from "#kernel/errors.ts";
import { askOrArchive, commandRun } from "../ask-run.ts";
import {
  ifPatchMatches,
  patchBody,
  patchDecisionBody,
  patchNumberOf,
  patchOutcome,
  patchPreview,
  runPatch,
} from "../patch-schemas.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const params = z.object({ id: z.string() });
const patchParams = params.extend({ seq: z.string() });

const post = protectedRoute(
  "write",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/patches`,
    tags: ["patches"],
    summary: "Change the workflow of a run while it runs, all or nothing; what has started is frozen",
    request: { params, headers: ifPatchMatches, body: { ...json(patchBody, "the operations"), required: true } },
    responses: {
      200: json(patchPreview, "what it would change (`dry_run`)"),
      201: json(patchOutcome, "applied"),
      202: json(patchOutcome, "proposed: patches of this workflow are decided on first"),
    },
  },
  ["conflict", "precondition_failed"],
);

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/patches`,
  tags: ["patches"],
  summary: "Every patch of a run, also proposed, rejected and reverted ones, in order",
  request: { params },
  responses: { 200: json(z.object({ items: z.array(runPatch) }).openapi("RunPatches"), "the patches") },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/patches/{seq}`,
  tags: ["patches"],
  summary: "One patch with its operations",
  request: { params: patchParams },
  responses: { 200: json(runPatch, "the patch") },
});

const revert = protectedRoute(
  "write",
  {
    method: "delete",
    path: `${BASE_PATH}/runs/{id}/patches/{seq}`,
    tags: ["patches"],
    summary: "Revert the last applied patch, if nothing that it added has started",
    request: { params: patchParams, headers: ifPatchMatches },
    responses: {
      200: json(
        z.object({ seq: z.int(), status: z.literal("reverted"), patch_seq: z.int() }).openapi("RevertedPatch"),
        "reverted; `patch_seq` is the run's again",
      ),
    },
  },
  ["conflict", "precondition_failed", "invalid"],
);

const decide = protectedRoute(
  "approve",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/patches/{seq}/decide`,
    tags: ["patches"],
    summary: "Approve or reject a proposed patch; an approved one is applied at once",
    request: { params: patchParams, body: { ...json(patchDecisionBody, "the decision"), required: true } },
    responses: { 200: json(runPatch, "the patch as it is now") },
  },
  ["conflict"],
);

export const runPatchRoutes = new OpenAPIHono<AppEnv>()
  .openapi(post, async (context) => {
    const { id } = context.req.valid("param");
    const { operations, description = null, dry_run = false } = context.req.valid("json");
    const { tenant, keyId: by } = context.get("principal");
    const if_match = patchNumberOf(context.req.header("If-Match"));
    const command = { type: "patch" as const, operations, description, by, dry_run, if_match };
    const { run, value } = await commandRun(context.get("services"), tenant, id, command);
    if (dry_run) return context.json(value as unknown as z.infer<typeof patchPreview>, 200, etag(run));
    const outcome = value as unknown as z.infer<typeof patchOutcome>;
    const headers = { ...etag(run), Location: `${BASE_PATH}/runs/${id}/patches/${outcome.seq}` };
    return outcome.status === "proposed" ? context.json(outcome, 202, headers) : context.json(outcome, 201, headers);
  })
  .openapi(list, async (context) => {
    const items = await readPatches(context, context.req.valid("param").id);
    return context.json({ items }, 200);
  })
  .openapi(get, async (context) => {
    const { id, seq } = context.req.valid("param");
    const found = (await readPatches(context, id)).find((patch) => String(patch.seq) === seq);
    if (found === undefined) throw noPatch(seq);
    return context.json(found, 200);
  })
  .openapi(revert, async (context) => {
    const { id, seq } = context.req.valid("param");
    const { tenant, keyId: by } = context.get("principal");
    const if_match = patchNumberOf(context.req.header("If-Match"));
    const command = { type: "revert_patch" as const, seq: numberOf(seq), by, if_match };
    const { run } = await commandRun(context.get("services"), tenant, id, command);
    const body = { seq: command.seq, status: "reverted" as const, patch_seq: run.patch_seq };
    return context.json(body, 200, etag(run));
  })
  .openapi(decide, async (context) => {
    const { id, seq } = context.req.valid("param");
    const { decision, comments = null } = context.req.valid("json");
    const { tenant, keyId: by } = context.get("principal");
    const command = { type: "decide_patch" as const, seq: numberOf(seq), decision, comments, by };
    const { run, value } = await commandRun(context.get("services"), tenant, id, command);
    return context.json(value as unknown as PatchView, 200, etag(run));
  });

/** What `If-Match` of the next patch names. */
function etag(run: { patch_seq: number }): { ETag: string } {
  return { ETag: `"${run.patch_seq}"` };
}

function readPatches(context: Context<AppEnv>, id: string): Promise<PatchView[]> {
  const { tenant } = context.get("principal");
  return askOrArchive(
    context.get("services"),
    tenant,
    id,
    (shard) => shard.patches(tenant, id),
    (archive) => archive.details.patches,
  );
}

/** A malformed number is that of no patch, whichever run it is. */
function numberOf(seq: string): number {
  if (/^[1-9]\d{0,8}$/.test(seq)) return Number(seq);
  throw noPatch(seq);
}

function noPatch(seq: string): ApiError {
  return new ApiError("not_found", `the run has no patch ${seq.slice(0, 50)}`);
}
