/** One run: look at it as a whole, in full, event by event or by what it waits for, and cancel it. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { explainEnd } from "#engine/explain.ts";
import { eventView } from "#engine/view.ts";
import { ApiError } from "#kernel/errors.ts";
import { type RunArchive, readArchive } from "#store/archive.ts";
import type { CommandReply, CoordinatorRpc } from "#store/shard/protocol.ts";
import { EVENTS_LIMIT_DEFAULT, EVENTS_LIMIT_MAX, REASON_LENGTH_MAX } from "../limits.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import { acceptedOf, acceptedRun, eventPage, explanation, runDetails, wholeRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";

const cancelBody = z.strictObject({ reason: z.string().max(REASON_LENGTH_MAX).optional() }).optional();

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

const cancel = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/cancel`,
    tags: ["runs"],
    summary: "Cancel a run: no node starts after the answer",
    request: { params, body: json(cancelBody, "why, if it matters") },
    responses: { 202: json(acceptedRun, "cancelled") },
  },
  ["conflict"],
);

export const singleRunRoutes = new OpenAPIHono<AppEnv>()
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
  .openapi(explain, async (context) => {
    const { id } = context.req.valid("param");
    const explained = await askOrArchive(
      context,
      id,
      (shard, tenant) => shard.explain(tenant, id),
      ({ details: { status, error, duration_ms: durationMs } }) =>
        explainEnd({ status, error: error ?? null, durationMs }),
    );
    return context.json(explained, 200);
  })
  .openapi(cancel, async (context) => {
    const { id } = context.req.valid("param");
    const reason = context.req.valid("json")?.reason ?? null;
    const reply = await askOrArchive(
      context,
      id,
      async (shard, tenant) => {
        return shard.command(tenant, id, { type: "cancel", ...(reason === null ? {} : { reason }) });
      },
      (archive) => hasEnded(archive),
    );
    if (reply.outcome === "refused") throw refusedAs(reply);
    return context.json(acceptedOf(reply.run), 202);
  });

/** What a command to a run is answered that its shard has let go. */
function hasEnded({ details: { status } }: RunArchive) {
  return { outcome: "refused" as const, code: "conflict" as const, message: `the run has ${status} already` };
}

function refusedAs({ code, message, details }: Extract<CommandReply, { outcome: "refused" }>): ApiError {
  return new ApiError(code, message, details === undefined ? {} : { details });
}

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
