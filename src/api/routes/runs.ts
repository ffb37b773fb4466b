/** Runs in number: start one or many, list them. What can be asked of one is `run.ts`'s. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { API_ERRORS, ApiError } from "#kernel/errors.ts";
import { problemsOf } from "#workflow/problems.ts";
import { BATCH_RUNS_MAX } from "../limits.ts";
import { BASE_PATH, errorSchema, json, protectedRoute } from "../route.ts";
import { batchItem, idempotencyHeaders, idempotencyKeyOf, orderOf, startBody } from "../run-orders.ts";
import { readRunPage, runPage, runsQuery } from "../run-query.ts";
import { acceptedOf, acceptedRun, wholeRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";
import { answerStart } from "../start-answer.ts";
import { type BatchOrder, type BatchOutcome, startBatch } from "../start-batch.ts";
import { type Caller, callerOf } from "../trace-context.ts";

const start = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs`,
    tags: ["runs"],
    summary: "Start a run; with `wait_ms` the answer waits for its end",
    request: { headers: idempotencyHeaders, body: { ...json(startBody, "what to run"), required: true } },
    responses: {
      200: json(z.union([wholeRun, acceptedRun]), "ended within `wait_ms`, or the run that the key started before"),
      202: json(acceptedRun, "accepted: it will not be lost"),
    },
  },
  ["not_found", "conflict"],
);

/** As documentation only: each item is judged by itself, so that a bad one stops no other. */
const batchList = z
  .array(z.unknown().openapi({ description: "like the body of POST /runs without wait_ms, with idempotency_key" }))
  .min(1)
  .max(BATCH_RUNS_MAX);

const batchBody = z.union([z.strictObject({ runs: batchList }), batchList]).openapi("StartRuns");

const batchResult = z
  .union([
    z.object({ status: z.int(), replayed: z.boolean(), run: acceptedRun }),
    z.object({ status: z.int(), error: errorSchema.shape.error.omit({ request_id: true }) }),
  ])
  .openapi("BatchResult");

const batch = protectedRoute("run", {
  method: "post",
  path: `${BASE_PATH}/runs/batch`,
  tags: ["runs"],
  summary: `Start up to ${BATCH_RUNS_MAX} runs; each is accepted or refused by itself`,
  request: { body: { ...json(batchBody, "the runs, in a list or under `runs`"), required: true } },
  responses: {
    200: json(
      z.object({ items: z.array(batchResult) }).openapi("BatchResults"),
      "in the order of the request: the status and the answer that each would have had alone",
    ),
  },
});

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs`,
  tags: ["runs"],
  summary: "Runs, newest first, at most 2 s old; filter labels by `label.<key>=<value>`",
  request: { query: runsQuery },
  responses: { 200: json(runPage, "a page of them") },
});

export const runRoutes = new OpenAPIHono<AppEnv>()
  .openapi(start, async (context) => {
    const key = idempotencyKeyOf(context.req.header("Idempotency-Key"));
    const { body, status } = await answerStart(context, orderOf(context.req.valid("json")), key);
    return status === 200 ? context.json(body, 200) : context.json(body, 202);
  })
  .openapi(batch, async (context) => {
    const body = context.req.valid("json");
    const items = Array.isArray(body) ? body : body.runs;
    const outcomes = await startBatch(
      context.get("services"),
      context.get("principal").tenant,
      items.map((item) => readItem(item, callerOf(context))),
    );
    return context.json({ items: outcomes.map(resultOf) }, 200);
  })
  .openapi(list, async (context) => context.json(await readRunPage(context, context.req.valid("query")), 200));

function readItem(item: unknown, caller: Caller): BatchOrder | ApiError {
  const parsed = batchItem.safeParse(item);
  if (!parsed.success) {
    return new ApiError("invalid", "the order has a problem", { details: problemsOf(parsed.error) });
  }
  return { order: { ...orderOf(parsed.data), ...caller }, idempotencyKey: parsed.data.idempotency_key };
}

function resultOf(outcome: BatchOutcome): z.infer<typeof batchResult> {
  if ("run" in outcome) {
    const { run, replayed } = outcome;
    return { status: replayed ? 200 : 202, replayed, run: acceptedOf(run) };
  }
  const { code, message, details } = outcome.error;
  return { status: API_ERRORS[code], error: { code, message, ...(details === undefined ? {} : { details }) } };
}
