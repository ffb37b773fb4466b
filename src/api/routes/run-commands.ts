/** What a run can be told: pause, resume, cancel, and events that it may wait for. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { RunCommand } from "#engine/commands/command.ts";
import { ApiError } from "#kernel/errors.ts";
import type { Json } from "#kernel/json.ts";
import { EVENT_NAME_PATTERN } from "#workflow/limits.ts";
import { commandRun } from "../ask-run.ts";
import { REASON_LENGTH_MAX } from "../limits.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import { acceptedOf, acceptedRun } from "../run-schemas.ts";
import type { AppEnv } from "../services.ts";

const params = z.object({ id: z.string() });

const because = z
  .strictObject({ reason: z.string().max(REASON_LENGTH_MAX).optional() })
  .optional()
  .openapi("Because");
const nothing = z.strictObject({}).optional();

/** A command that is a verb of its own, with a body that may be left out. */
function command<const Verb extends string, Body extends z.ZodType>(verb: Verb, summary: string, body: Body) {
  return protectedRoute(
    "run",
    {
      method: "post",
      path: `${BASE_PATH}/runs/{id}/${verb}`,
      tags: ["runs"],
      summary,
      request: { params, body: json(body, "may be left out") },
      responses: { 202: json(acceptedRun, "done: the run as it is now") },
    },
    ["conflict"],
  );
}

const pause = command(
  "pause",
  "Pause a run: nothing new starts; what executes ends, timers and votes are kept",
  because,
);
const resume = command("resume", "Resume a paused run: what was held starts", nothing);
const cancel = command("cancel", "Cancel a run: no node starts after the answer", because);

const signal = protectedRoute(
  "run",
  {
    method: "post",
    path: `${BASE_PATH}/runs/{id}/signals/{event}`,
    tags: ["runs"],
    summary: "Tell a run of an event; kept for a `wait_for_event` node that comes later",
    request: {
      params: params.extend({ event: z.string() }),
      body: json(z.any().openapi({ description: "the payload, any JSON" }), "without a body the payload is null"),
    },
    responses: { 202: json(acceptedRun, "taken up") },
  },
  ["conflict"],
);

export const runCommandRoutes = new OpenAPIHono<AppEnv>()
  .openapi(pause, async (context) => {
    const reason = context.req.valid("json")?.reason;
    const told: RunCommand = { type: "pause", ...(reason === undefined ? {} : { reason }) };
    const { tenant } = context.get("principal");
    const { run } = await commandRun(context.get("services"), tenant, context.req.valid("param").id, told);
    return context.json(acceptedOf(run), 202);
  })
  .openapi(resume, async (context) => {
    const { tenant } = context.get("principal");
    const { id } = context.req.valid("param");
    const { run } = await commandRun(context.get("services"), tenant, id, { type: "resume" });
    return context.json(acceptedOf(run), 202);
  })
  .openapi(cancel, async (context) => {
    const reason = context.req.valid("json")?.reason;
    const told: RunCommand = { type: "cancel", ...(reason === undefined ? {} : { reason }) };
    const { tenant } = context.get("principal");
    const { run } = await commandRun(context.get("services"), tenant, context.req.valid("param").id, told);
    return context.json(acceptedOf(run), 202);
  })
  .openapi(signal, async (context) => {
    const { id, event } = context.req.valid("param");
    if (!EVENT_NAME_PATTERN.test(event)) {
      const rule = "1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit";
      throw new ApiError("not_found", `no run can be told of "${event.slice(0, 100)}": an event is named by ${rule}`);
    }
    const payload = (context.req.valid("json") ?? null) as Json;
    const { tenant } = context.get("principal");
    const { run } = await commandRun(context.get("services"), tenant, id, { type: "signal", name: event, payload });
    return context.json(acceptedOf(run), 202);
  });
