/** Bulk jobs: something that is done to every run that fulfils a filter, in the background; how far they are. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { REPLAY_MODES } from "#engine/events.ts";
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import { ApiError } from "#kernel/errors.ts";
import { nextUlid } from "#kernel/ids.ts";
import {
  JOB_ACTIONS,
  JOB_ERRORS_MAX,
  JOB_RUNS_MAX,
  JOB_STATUSES,
  JOBS_UNFINISHED_MAX,
  type JobRecord,
  REPLAY_STARTS,
} from "#store/job.ts";
import { pageAfter, pageOf } from "../list-page.ts";
import { BASE_PATH, invalid, json, pageQuery, protectedRoute } from "../route.ts";
import { filtersOf, runFilters } from "../run-query.ts";
import type { AppEnv } from "../services.ts";

const JOB_ID = /^job_[0-9A-HJKMNP-TV-Z]{26}$/;

const jobError = z.object({ run_id: z.string(), code: z.string(), message: z.string() });

const job = z
  .object({
    job_id: z.string(),
    action: z.enum(JOB_ACTIONS),
    filter: z.record(z.string(), z.union([z.string(), z.number()])),
    mode: z.enum(REPLAY_MODES).optional(),
    from: z.enum(REPLAY_STARTS).optional(),
    status: z.enum(JOB_STATUSES).openapi({ description: "`completed` once every run was tried" }),
    matched: z.int().openapi({ description: "runs that the job is for, fixed when it was made" }),
    done: z.int(),
    failed: z.int(),
    errors: z.array(jobError).openapi({ description: `the first ${JOB_ERRORS_MAX}` }),
    created_at: z.string(),
    started_at: z.string().nullable(),
    ended_at: z.string().nullable(),
  })
  .openapi("Job");

const cancelJob = z.strictObject({ action: z.literal("cancel"), filter: runFilters });

const replayJob = z.strictObject({
  action: z.literal("replay"),
  filter: runFilters,
  mode: z.enum(REPLAY_MODES).default("live"),
  from: z
    .enum(REPLAY_STARTS)
    .default("start")
    .openapi({ description: "`failed_node`: each from the node that failed it" }),
});

const bulkBody = z.discriminatedUnion("action", [cancelJob, replayJob]).openapi("PostJob");

const post = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs/bulk`,
    tags: ["jobs"],
    summary: `Cancel runs that have not ended, or replay ones that have, up to ${JOB_RUNS_MAX}, by the filters of GET /runs`,
    request: { body: { ...json(bulkBody, "what to do to which runs"), required: true } },
    responses: { 202: json(job, "the job; it goes on by itself") },
  },
  ["conflict"],
);

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/jobs`,
  tags: ["jobs"],
  summary: "Jobs, newest first; those that ended a month ago are gone",
  request: { query: z.strictObject({ ...pageQuery, status: z.enum(JOB_STATUSES).optional() }) },
  responses: {
    200: json(
      z.object({ items: z.array(job), next_cursor: z.string().nullable() }).openapi("JobPage"),
      "a page of them",
    ),
  },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/jobs/{id}`,
  tags: ["jobs"],
  summary: "How far a job is",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json(job, "the job") },
});

export const jobRoutes = new OpenAPIHono<AppEnv>()
  .openapi(post, async (context) => {
    const { jobs, bulk, goOn } = context.get("services");
    const { tenant, keyId: createdBy } = context.get("principal");
    const { action, filter, ...options } = context.req.valid("json");
    const filters = filtersOf(filter, undefined, "/filter");
    if (Object.keys(filter).length === 0) {
      throw invalid("/filter", 'name at least one filter; every run up to now is { "submitted_before": "<now>" }');
    }
    const createdAt = Date.now();
    const made = await jobs.add(
      {
        id: `job_${nextUlid(createdAt)}`,
        tenant,
        action,
        filter: filter as JobRecord["filter"],
        options,
        createdBy,
        createdAt,
      },
      filters,
    );
    if (made === "too_many") {
      throw invalid(
        "/filter",
        `it matches more than ${JOB_RUNS_MAX} runs: narrow it, for instance by submitted_before`,
      );
    }
    if (made === "full") {
      throw new ApiError("conflict", `${JOBS_UNFINISHED_MAX} jobs have not ended yet: wait for one of them`);
    }
    goOn(bulk.work(made.id));
    return context.json(itemOf(made), 202, { Location: `${BASE_PATH}/jobs/${made.id}` });
  })
  .openapi(list, async (context) => {
    const { limit, cursor, status } = context.req.valid("query");
    const { tenant } = context.get("principal");
    const records = await context.get("services").jobs.list(tenant, status, pageAfter(cursor, JOB_ID), limit + 1);
    const { page, nextCursor } = pageOf(records, limit);
    return context.json({ items: page.map(itemOf), next_cursor: nextCursor }, 200);
  })
  .openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const record = JOB_ID.test(id) ? await context.get("services").jobs.find(tenant, id) : null;
    if (record === null) throw new ApiError("not_found", `there is no job "${id.slice(0, 100)}"`);
    return context.json(itemOf(record), 200);
  });

function itemOf(record: JobRecord): z.infer<typeof job> {
  const { id, action, filter, options, status, matched, done, failed, errors } = record;
  return {
    job_id: id,
    action,
    filter,
    ...options,
    status,
    matched,
    done,
    failed,
    errors,
    created_at: rfc3339(record.createdAt),
    started_at: rfc3339OrNull(record.startedAt),
    ended_at: rfc3339OrNull(record.endedAt),
  };
}
