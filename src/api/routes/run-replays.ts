/** Doing again: one node of a run within the run, or the run as a new one. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { REPLAY_MODES } from "#engine/events.ts";
import { ApiError } from "#kernel/errors.ts";
import { isJsonObject, type JsonObject } from "#kernel/json.ts";
import type { RunArchive } from "#store/archive.ts";
import { NODE_ID_PATTERN } from "#workflow/limits.ts";
import { commandRun } from "../ask-run.ts";
import { REASON_LENGTH_MAX, WORKFLOW_NAME_LENGTH_MAX } from "../limits.ts";
import { replayRun } from "../replay-run.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import { acceptedOf, acceptedRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";

const params = z.object({ id: z.string() });

const object = z
  .custom<JsonObject>(isJsonObject, "must be an object")
  .openapi({ type: "object", additionalProperties: true });

const nodeBody = z
  .strictObject({
    config: object.optional().openapi({ description: "replaces the node's config for this execution" }),
    reason: z.string().max(REASON_LENGTH_MAX).optional(),
    force_replay: z.boolean().optional().openapi({ description: "also of a run that has not failed" }),
  })
  .optional()
  .openapi("ReplayNode");

const replayNode = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/nodes/{node}/replay`,
    tags: ["replays"],
    summary: "Execute one node of a failed run again, with the same input, and go on from there",
    request: {
      params: params.extend({ node: z.string() }),
      body: json(nodeBody, "what is different this time; may be left out"),
    },
    responses: { 202: json(acceptedRun, "the run is under way again") },
  },
  ["conflict", "gone"],
);

const runBody = z
  .strictObject({
    mode: z.enum(REPLAY_MODES).default("live").openapi({
      description:
        "`freeze`: results of nodes before `from` are reused byte for byte; `shadow`: nothing is sent that could change anything; `live`: as a run of its own",
    }),
    from: z.string().regex(NODE_ID_PATTERN, "must be the id of a node").optional(),
    workflow: z
      .string()
      .min(1)
      .max(WORKFLOW_NAME_LENGTH_MAX)
      .optional()
      .openapi({ description: "another version: a tag or an artifact id" }),
    inputs: object.optional().openapi({ description: "instead of those of the run" }),
  })
  .prefault({})
  .openapi("ReplayRun");

const replayedRun = acceptedRun.extend({ replay_of: z.string() }).openapi("ReplayedRun");

const replay = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/replay`,
    tags: ["replays"],
    summary: "Run it again as a new run, from the start or from a node",
    request: { params, body: json(runBody, "how; may be left out") },
    responses: { 202: json(replayedRun, "the new run") },
  },
  ["conflict", "gone"],
);

export const runReplayRoutes = new OpenAPIHono<AppEnv>()
  .openapi(replayNode, async (context) => {
    const { id, node } = context.req.valid("param");
    const { config, reason = null, force_replay: force = false } = context.req.valid("json") ?? {};
    const { tenant, keyId: by } = context.get("principal");
    const command = { type: "replay_node" as const, node, ...(config === undefined ? {} : { config }) };
    const { run } = await commandRun(
      context.get("services"),
      tenant,
      id,
      { ...command, reason, force, by },
      (archive) => nodeIsGone(archive, node),
    );
    return context.json(acceptedOf(run), 202);
  })
  .openapi(replay, async (context) => {
    const { id } = context.req.valid("param");
    const run = await replayRun(context.get("services"), context.get("principal"), id, context.req.valid("json"));
    return context.json({ ...acceptedOf(run), replay_of: id }, 202, {
      Location: `${BASE_PATH}/runs/${run.run_id}`,
    });
  });

/** The archive tells what was; the values that the node would work with went with the shard's rows. */
function nodeIsGone({ details }: RunArchive, node: string): ApiError {
  return Object.hasOwn(details.node_executions, node)
    ? new ApiError("gone", "what the node would work with is gone: the run was archived long after its end")
    : new ApiError("not_found", `the run has no node "${node.slice(0, 100)}"`);
}
