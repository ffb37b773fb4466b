/** Runs: start, list, look at, cancel. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { RUN_STATUSES } from "#engine/state.ts";
import { eventView, type RunView } from "#engine/view.ts";
import { rfc3339, rfc3339OrNull } from "#kernel/clock.ts";
import { ApiError, NODE_ERROR_CODES, type Problem } from "#kernel/errors.ts";
import { isJsonObject, type JsonObject } from "#kernel/json.ts";
import { type RunArchive, readArchive } from "#store/archive.ts";
import { listRuns, type RunCursor, type RunFilters, type RunRecord } from "#store/run-list.ts";
import type { CoordinatorRpc } from "#store/shard/protocol.ts";
import { BASE_PATH, decodeCursor, encodeCursor, json, pageQuery, protectedRoute } from "../route.ts";
import {
  acceptedRun,
  eventPage,
  LABEL_KEY,
  LABEL_VALUE_LENGTH_MAX,
  LABELS_MAX,
  PRIORITY_DEFAULT,
  PRIORITY_MAX,
  runDetails,
  runItem,
  wholeRun,
} from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";
import { startRun } from "../start-run.ts";

export const WAIT_MS_MAX = 30_000;
export const EVENTS_LIMIT_DEFAULT = 200;
export const EVENTS_LIMIT_MAX = 1_000;
export const REASON_LENGTH_MAX = 500;

const labels = z
  .record(
    z.string().regex(LABEL_KEY, "must be 1 to 64 letters, digits, '.', '_' or '-'"),
    z.string().max(LABEL_VALUE_LENGTH_MAX),
  )
  .refine((record) => Object.keys(record).length <= LABELS_MAX, `at most ${LABELS_MAX} labels`);

const inputs = z
  .custom<JsonObject>(isJsonObject, "must be an object")
  .openapi({ type: "object", additionalProperties: true });

const startBody = z
  .strictObject({
    workflow: z.string().min(1).max(200).optional().openapi({ description: "a tag or an artifact id" }),
    definition: z.unknown().optional().openapi({ description: "a workflow definition, instead of `workflow`" }),
    inputs: inputs.optional(),
    labels: labels.optional(),
    priority: z.int().min(1).max(PRIORITY_MAX).optional().openapi({ description: "1 is the most urgent" }),
    wait_ms: z.int().min(0).max(WAIT_MS_MAX).optional(),
  })
  .refine((body) => (body.workflow === undefined) !== (body.definition === undefined), {
    message: 'give either "workflow" (a tag or an artifact id) or "definition"',
  })
  .openapi("StartRun");

const cancelBody = z.strictObject({ reason: z.string().max(REASON_LENGTH_MAX).optional() }).optional();

const runParams = z.object({ id: z.string() });

const start = protectedRoute("run", {
  method: "post",
  path: `${BASE_PATH}/runs`,
  tags: ["runs"],
  summary: "Start a run; with `wait_ms` the answer waits for its end",
  request: {
    headers: z.object({ "idempotency-key": z.string().optional() }),
    body: { ...json(startBody, "what to run"), required: true },
  },
  responses: {
    200: json(z.union([wholeRun, acceptedRun]), "ended within `wait_ms`, or the run that the key started before"),
    202: json(acceptedRun, "accepted: it will not be lost"),
  },
});

const list = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs`,
  tags: ["runs"],
  summary: "Runs, newest first, at most 2 s old; filter labels by `label.<key>=<value>`",
  request: {
    query: z.looseObject({
      ...pageQuery,
      status: z.enum(RUN_STATUSES).optional(),
      workflow: z.string().max(200).optional(),
      error_code: z.enum(NODE_ERROR_CODES).optional(),
      submitted_after: z.iso.datetime({ offset: true }).optional(),
      submitted_before: z.iso.datetime({ offset: true }).optional(),
      min_duration_ms: z.coerce.number().int().min(0).optional(),
      q: z.string().min(1).max(100).optional(),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(runItem), next_cursor: z.string().nullable(), as_of: z.string() }),
      "a page of them",
    ),
  },
});

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}`,
  tags: ["runs"],
  summary: "A run as it stands now",
  request: { params: runParams },
  responses: { 200: json(wholeRun, "the run") },
});

const details = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/details`,
  tags: ["runs"],
  summary: "A run with its definition and every node's latest execution",
  request: { params: runParams },
  responses: { 200: json(runDetails, "the run in full") },
});

const events = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/events`,
  tags: ["runs"],
  summary: "The run's log from a position on; `terminal` once nothing can follow",
  request: {
    params: runParams,
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(EVENTS_LIMIT_MAX).default(EVENTS_LIMIT_DEFAULT),
    }),
  },
  responses: { 200: json(eventPage, "a page of events") },
});

const cancel = protectedRoute("run", {
  method: "post",
  path: `${BASE_PATH}/runs/{id}/cancel`,
  tags: ["runs"],
  summary: "Cancel a run: no node starts after the answer",
  request: {
    params: runParams,
    body: json(cancelBody, "why, if it matters"),
  },
  responses: { 202: json(acceptedRun, "cancelled") },
});

export const runRoutes = new OpenAPIHono<AppEnv>()
  .openapi(start, async (context) => {
    const body = context.req.valid("json");
    const key = idempotencyKeyOf(context.req.header("Idempotency-Key"));
    const order = {
      ...(body.workflow === undefined ? { definition: body.definition } : { workflow: body.workflow }),
      inputs: body.inputs ?? {},
      labels: body.labels ?? {},
      priority: body.priority ?? PRIORITY_DEFAULT,
      trigger: "api",
      ...(body.wait_ms === undefined ? {} : { wait_ms: body.wait_ms }),
    };
    const { run, replayed } = await startRun(context.get("services"), context.get("principal").tenant, order, key);
    if (replayed) context.header("Idempotent-Replay", "true");
    if (body.wait_ms !== undefined && run.ended_at !== null) return context.json(run, 200);
    return replayed ? context.json(acceptedOf(run), 200) : context.json(acceptedOf(run), 202);
  })
  .openapi(list, async (context) => {
    const query = context.req.valid("query");
    const filters = filtersOf(query);
    const cursor = cursorOf(query.cursor);
    const asOf = rfc3339(Date.now());
    const { database } = context.get("services");
    const records = await listRuns(database, context.get("principal").tenant, filters, cursor, query.limit + 1);
    const page = records.slice(0, query.limit);
    const last = page.at(-1);
    const more = records.length > query.limit && last !== undefined;
    const nextCursor = more ? encodeCursor(`${last.submittedAt}/${last.runId}`) : null;
    return context.json({ items: page.map(itemOf), next_cursor: nextCursor, as_of: asOf }, 200);
  })
  .openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const run = await askOrArchive(
      context,
      id,
      (shard, tenant) => shard.run(tenant, id),
      ({ details: whole }) => {
        const { definition: _, node_executions: __, patches: ___, approvals: ____, ...run } = whole;
        return run;
      },
    );
    return context.json(run, 200);
  })
  .openapi(details, async (context) => {
    const { id } = context.req.valid("param");
    const run = await askOrArchive(
      context,
      id,
      (shard, tenant) => shard.details(tenant, id),
      (archive) => archive.details,
    );
    return context.json(run, 200);
  })
  .openapi(events, async (context) => {
    const { id } = context.req.valid("param");
    const { after, limit } = context.req.valid("query");
    const page = await askOrArchive(
      context,
      id,
      (shard, tenant) => shard.events(tenant, id, after, limit),
      (archive) => {
        const items = archive.events.filter((event) => event.seq > after).slice(0, limit);
        const nextAfter = items.at(-1)?.seq ?? after;
        const terminal = nextAfter >= (archive.events.at(-1)?.seq ?? 0);
        return { items: items.map(eventView), next_after: nextAfter, terminal };
      },
    );
    return context.json(page, 200);
  })
  .openapi(cancel, async (context) => {
    const { id } = context.req.valid("param");
    const reason = context.req.valid("json")?.reason ?? null;
    const reply = await askOrArchive(
      context,
      id,
      async (shard, tenant) => {
        const answer = await shard.cancel(tenant, id, reason);
        return answer.outcome === "not_found" ? null : answer;
      },
      (archive) => ({ outcome: "terminal" as const, run: archive.details }),
    );
    if (reply.outcome === "terminal") throw new ApiError("conflict", `the run has ${reply.run.status} already`);
    return context.json(acceptedOf(reply.run), 202);
  });

/** Asks the shard that the id names; a run that its shard has let go is read from its archive. */
async function askOrArchive<Value>(
  context: Context<AppEnv>,
  id: string,
  ask: (shard: CoordinatorRpc, tenant: string) => Promise<Value | null>,
  fromArchive: (archive: RunArchive) => Value,
): Promise<Value> {
  const { shards, d1 } = context.get("services");
  const { tenant } = context.get("principal");
  const address = shards.addressOf(id);
  if (address !== null) {
    const value = await shards.call(address, (shard) => ask(shard, tenant));
    if (value !== null) return value;
    const archive = await readArchive(d1, tenant, id);
    if (archive !== null) return fromArchive(archive);
  }
  throw new ApiError("not_found", `there is no run "${id.slice(0, 100)}"`);
}

function acceptedOf(run: RunView): z.infer<typeof acceptedRun> {
  const self = `${BASE_PATH}/runs/${run.run_id}`;
  return {
    run_id: run.run_id,
    status: run.status,
    links: { self, details: `${self}/details`, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}

function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (/^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw invalid("/headers/Idempotency-Key", "must be 1 to 255 printable ASCII characters without spaces");
}

function filtersOf(query: Record<string, unknown> & z.infer<typeof list.request.query>): RunFilters {
  const found: Record<string, string> = {};
  const known = new Set(Object.keys(list.request.query.shape));
  for (const [name, value] of Object.entries(query)) {
    if (known.has(name)) continue;
    const key = name.startsWith("label.") ? name.slice("label.".length) : null;
    if (key === null || !LABEL_KEY.test(key)) throw invalid(`/${name}`, `unknown filter "${name}"`);
    found[key] = String(value);
  }
  return {
    labels: found,
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
  if (cursor === undefined) return null;
  const match = /^(\d{1,16})\/(run_[A-Za-z0-9]{1,60})$/.exec(decodeCursor(cursor) ?? "");
  const [, submittedAt, runId] = match ?? [];
  if (submittedAt === undefined || runId === undefined) {
    throw invalid("/cursor", "send next_cursor of the page before, unchanged");
  }
  return { submittedAt: Number(submittedAt), runId };
}

function invalid(pointer: string, message: string): ApiError {
  const details: Problem[] = [{ pointer, message }];
  return new ApiError("invalid", "the request has a problem", { details });
}

function itemOf(record: RunRecord): z.infer<typeof runItem> {
  return {
    run_id: record.runId,
    status: record.status,
    generation: record.generation,
    workflow: record.workflow,
    artifact_id: record.artifactId,
    trigger: record.trigger,
    labels: JSON.parse(record.labels) as Record<string, string>,
    priority: record.priority,
    error:
      record.errorCode === null ? null : { code: record.errorCode, message: record.errorMessage ?? record.errorCode },
    submitted_at: rfc3339(record.submittedAt),
    started_at: rfc3339OrNull(record.startedAt),
    ended_at: rfc3339OrNull(record.endedAt),
    duration_ms: record.durationMs,
  };
}
