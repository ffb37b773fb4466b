/** One run: look at it as a whole, in full, event by event or by what it waits for. What changes it is others'. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { eventView } from "#engine/event-view.ts";
import { explainEnd } from "#engine/explain.ts";
import { askOrArchive } from "../ask-run.ts";
import { EVENTS_LIMIT_DEFAULT, EVENTS_LIMIT_MAX } from "../limits.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import { eventPage, explanation, runDetails, wholeRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";

const params = z.object({ id: z.string() });

const get = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}`,
  tags: ["runs"],
  summary: "A run as it stands now",
  request: { params },
  responses: { 200: json(wholeRun, "the run") },
});

const details = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/details`,
  tags: ["runs"],
  summary: "A run with its definition and every node's latest execution",
  request: { params },
  responses: { 200: json(runDetails, "the run in full") },
});

const events = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/events`,
  tags: ["runs"],
  summary: "The run's log from a position on; `terminal` once nothing can follow",
  request: {
    params,
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(EVENTS_LIMIT_MAX).default(EVENTS_LIMIT_DEFAULT),
    }),
  },
  responses: { 200: json(eventPage, "a page of events") },
});

const explain = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/explain`,
  tags: ["runs"],
  summary: "What each unfinished node waits for, and one sentence for the run",
  request: { params },
  responses: { 200: json(explanation, "the explanation; of an ended run how it ended") },
});

export const singleRunRoutes = new OpenAPIHono<AppEnv>()
  .openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const run = await askOrArchive(
      context.get("services"),
      tenant,
      id,
      (shard) => shard.run(tenant, id),
      ({ details: whole }) => {
        const { definition: _, node_executions: __, patches: ___, approvals: ____, ...run } = whole;
        return run;
      },
    );
    return context.json(run, 200);
  })
  .openapi(details, async (context) => {
    const { id } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const run = await askOrArchive(
      context.get("services"),
      tenant,
      id,
      (shard) => shard.details(tenant, id),
      (archive) => archive.details,
    );
    return context.json(run, 200);
  })
  .openapi(events, async (context) => {
    const { id } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const { after, limit } = context.req.valid("query");
    const page = await askOrArchive(
      context.get("services"),
      tenant,
      id,
      (shard) => shard.events(tenant, id, after, limit),
      (archive) => {
        const items = archive.events.filter((event) => event.seq > after).slice(0, limit);
        const nextAfter = items.at(-1)?.seq ?? after;
        const terminal = nextAfter >= (archive.events.at(-1)?.seq ?? 0);
        return { items: items.map(eventView), next_after: nextAfter, terminal };
      },
    );
    return context.json(page, 200);
  })
  .openapi(explain, async (context) => {
    const { id } = context.req.valid("param");
    const { tenant } = context.get("principal");
    const explained = await askOrArchive(
      context.get("services"),
      tenant,
      id,
      (shard) => shard.explain(tenant, id),
      ({ details: { status, error, duration_ms: durationMs } }) =>
        explainEnd({ status, error: error ?? null, durationMs }),
    );
    return context.json(explained, 200);
  });
