/** Runs of one workflow: start one, list them. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "#kernel/errors.ts";
import { tagSchema } from "#workflow/definition.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import { executeBody, idempotencyHeaders, idempotencyKeyOf, orderOf } from "../run-orders.ts";
import { readRunPage, runPage, workflowRunsQuery } from "../run-query.ts";
import { acceptedRun, wholeRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";
import { answerStart } from "../start-answer.ts";
import { findTag, tagParams } from "../workflow-schemas.ts";

const execute = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/workflows/{tag}/execute`,
    tags: ["workflows", "runs"],
    summary: "Start a run of this workflow: like POST /runs, with the same idempotency keys",
    request: { params: tagParams, headers: idempotencyHeaders, body: json(executeBody.optional(), "what to give it") },
    responses: {
      200: json(z.union([wholeRun, acceptedRun]), "ended within `wait_ms`, or the run that the key started before"),
      202: json(acceptedRun, "accepted: it will not be lost"),
    },
  },
  ["conflict"],
);

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/workflows/{tag}/runs`,
  tags: ["workflows", "runs"],
  summary: "Runs that were started by this tag, with the filters of GET /runs; also those of a deleted one",
  request: { params: tagParams, query: workflowRunsQuery },
  responses: { 200: json(runPage, "a page of them") },
});

export const workflowRunRoutes = new OpenAPIHono<AppEnv>()
  .openapi(execute, async (context) => {
    const { tag } = context.req.valid("param");
    // An artifact id is a workflow to POST /runs, but it is no tag.
    if (!tagSchema.safeParse(tag).success)
      throw new ApiError("not_found", `there is no workflow "${tag.slice(0, 100)}"`);
    const key = idempotencyKeyOf(context.req.header("Idempotency-Key"));
    const order = orderOf({ ...context.req.valid("json"), workflow: tag });
    const { body, status } = await answerStart(context, order, key);
    return status === 200 ? context.json(body, 200) : context.json(body, 202);
  })
  .openapi(list, async (context) => {
    const { tag } = context.req.valid("param");
    const query = context.req.valid("query");
    const page = await readRunPage(context, query, tag);
    if (page.items.length === 0) await findTag(context, tag);
    return context.json(page, 200);
  });
