/** A run's log records: who did what when, in words, to be read by people and searched by machines. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { EVENT_LEVELS } from "#engine/event-words.ts";
import { parseDuration } from "#kernel/duration.ts";
import { RUN_LOG_RECORDS_MAX, type RunLogQuery, runLogPage } from "#telemetry/run-logs.ts";
import { askOrArchive } from "../ask-run.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const record = z
  .object({
    seq: z.int(),
    ts: z.string().openapi({ format: "date-time" }),
    level: z.enum(EVENT_LEVELS),
    msg: z.string(),
    service: z.string(),
    event: z.string().openapi({ description: "an event's type, `call` or `marker`" }),
    run_id: z.string(),
    trace_id: z.string(),
    span_id: z.string(),
    tenant: z.string(),
    node_id: z.string().optional(),
    path: z.string().optional(),
    visit: z.int().optional(),
    attempt: z.int().optional(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
  })
  .openapi("LogRecord");

const isMoment = (text: string) =>
  parseDuration(text) !== null || z.iso.datetime({ offset: true }).safeParse(text).success;

const query = z.strictObject({
  level: z.enum(EVENT_LEVELS).default("info").openapi({ description: "this level and above" }),
  node: z.string().max(200).optional().openapi({ description: "a node's id, or the path of one of its parts" }),
  tail: z.coerce.number().int().min(0).max(RUN_LOG_RECORDS_MAX).optional().openapi({ description: "the last so many" }),
  since: z.string().refine(isMoment, 'must be a time such as 2026-01-31T12:00:00Z, or a span such as "5m"').optional(),
  after: z.coerce.number().int().min(0).default(0).openapi({ description: "records of later events alone" }),
});

const logs = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/logs`,
  tags: ["runs"],
  summary: `The run's log records, at most ${RUN_LOG_RECORDS_MAX} and a marker; \`next_after\` goes on from there`,
  request: { params: z.object({ id: z.string() }), query },
  responses: {
    200: json(
      z.object({ items: z.array(record), next_after: z.int(), terminal: z.boolean() }).openapi("LogPage"),
      "records in the order of the events that they were made from",
    ),
  },
});

export const runLogRoutes = new OpenAPIHono<AppEnv>().openapi(logs, async (context) => {
  const { id } = context.req.valid("param");
  const { tenant } = context.get("principal");
  const asked = queryOf(context.req.valid("query"), Date.now());
  const page = await askOrArchive(
    context.get("services"),
    tenant,
    id,
    (shard) => shard.logs(tenant, id, asked),
    (archive) => runLogPage(archive.events, { run_id: id, tenant, hasEnded: true }, asked),
  );
  return context.json(page, 200);
});

function queryOf({ level, node, tail, since, after }: z.infer<typeof query>, nowMs: number): RunLogQuery {
  const span = since === undefined ? null : parseDuration(since);
  return {
    level,
    after,
    ...(node === undefined ? {} : { node }),
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { sinceMs: span === null ? Date.parse(since) : nowMs - span }),
  };
}
