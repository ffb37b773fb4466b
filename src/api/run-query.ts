/** Lists of runs: the filters that a query may name, where a page begins, and how a run looks in it. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { RUN_STATUSES } from "#engine/state.ts";
import { rfc3339 } from "#kernel/clock.ts";
import { NODE_ERROR_CODES } from "#kernel/errors.ts";
import { jsonPointer } from "#kernel/json.ts";
import { listRuns, type RunCursor, type RunFilters } from "#store/run-list.ts";
import { summaryOfRecord } from "#store/run-summary.ts";
import { LABEL_KEY, LABELS_MAX, SEARCH_LENGTH_MAX, WORKFLOW_NAME_LENGTH_MAX } from "./limits.ts";
import { pageBy, readCursor } from "./list-page.ts";
import { invalid, pageQuery } from "./route.ts";
import { runItem } from "./run-schemas.ts";
import type { AppEnv } from "./services.ts";

const filters = {
  status: z.enum(RUN_STATUSES).optional(),
  error_code: z.enum(NODE_ERROR_CODES).optional(),
  submitted_after: z.iso.datetime({ offset: true }).optional().openapi({ description: "this moment included" }),
  submitted_before: z.iso.datetime({ offset: true }).optional().openapi({ description: "this moment excluded" }),
  min_duration_ms: z.coerce.number().int().min(0).optional().openapi({ description: "of runs that have ended" }),
  q: z
    .string()
    .min(1)
    .max(SEARCH_LENGTH_MAX)
    .optional()
    .openapi({ description: "part of the run id or of the workflow's tag" }),
};

/** Loose for `label.<key>=<value>` alone: anything else that is not named here is refused by `filtersOf`. */
export const workflowRunsQuery = z.looseObject({ ...pageQuery, ...filters });
export const runsQuery = workflowRunsQuery.extend({ workflow: z.string().max(WORKFLOW_NAME_LENGTH_MAX).optional() });

export const runPage = z
  .object({ items: z.array(runItem), next_cursor: z.string().nullable(), as_of: z.string() })
  .openapi("RunPage");

/** The filters alone, for those who mean all runs that fulfil them. */
export const runFilters = z
  .looseObject({ ...filters, workflow: z.string().max(WORKFLOW_NAME_LENGTH_MAX).optional() })
  .openapi("RunFilters", { description: "also `label.<key>`: its value" });

type Query = z.infer<typeof runFilters>;
type PageQuery = z.infer<typeof runsQuery>;

/** A page of the tenant's runs; of one workflow when `workflow` is given. */
export async function readRunPage(
  context: Context<AppEnv>,
  query: PageQuery,
  workflow?: string,
): Promise<z.infer<typeof runPage>> {
  const { database } = context.get("services");
  const asOf = rfc3339(Date.now());
  const known = workflow === undefined ? RUNS_QUERY : WORKFLOW_RUNS_QUERY;
  const found = { ...filtersOf(query, known), ...(workflow === undefined ? {} : { workflow }) };
  const records = await listRuns(
    database,
    context.get("principal").tenant,
    found,
    cursorOf(query.cursor),
    query.limit + 1,
  );
  const { page, nextCursor } = pageBy(records, query.limit, (last) => `${last.submittedAt}/${last.runId}`);
  return { items: page.map(summaryOfRecord), next_cursor: nextCursor, as_of: asOf };
}

const RUNS_QUERY: ReadonlySet<string> = new Set(Object.keys(runsQuery.shape));
const WORKFLOW_RUNS_QUERY: ReadonlySet<string> = new Set(Object.keys(workflowRunsQuery.shape));
const RUN_FILTERS: ReadonlySet<string> = new Set(Object.keys(runFilters.shape));

/** What the filters mean; problems stand at pointers below `base`. */
export function filtersOf(query: Query, known: ReadonlySet<string> = RUN_FILTERS, base = ""): RunFilters {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (known.has(name)) continue;
    const key = name.startsWith("label.") ? name.slice("label.".length) : null;
    if (key === null || !LABEL_KEY.test(key))
      throw invalid(base + jsonPointer([name]), `unknown filter "${name.slice(0, 100)}"`);
    if (typeof value !== "string") throw invalid(base + jsonPointer([name]), "must be one text");
    labels[key] = value;
  }
  if (Object.keys(labels).length > LABELS_MAX) throw invalid(base, `at most ${LABELS_MAX} labels`);
  return {
    labels,
    ...(query.status === undefined ? {} : { status: query.status }),
    ...(query.workflow === undefined ? {} : { workflow: query.workflow }),
    ...(query.error_code === undefined ? {} : { errorCode: query.error_code }),
    ...(query.min_duration_ms === undefined ? {} : { minDurationMs: query.min_duration_ms }),
    ...(query.submitted_after === undefined ? {} : { submittedAfter: Date.parse(query.submitted_after) }),
    ...(query.submitted_before === undefined ? {} : { submittedBefore: Date.parse(query.submitted_before) }),
    ...(query.q === undefined ? {} : { search: query.q }),
  };
}

function cursorOf(cursor: string | undefined): RunCursor | null {
  const place = readCursor(cursor, /^(\d{1,16})\/(run_[A-Za-z0-9]{1,60})$/);
  return place === null ? null : { submittedAt: Number(place[1]), runId: place[2] ?? "" };
}
