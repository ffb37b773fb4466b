/** How a start is answered: the whole run when it has ended in time, else where to look for it. */
import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { acceptedOf, type acceptedRun, type wholeRun } from "./run-schemas.ts";
import type { AppEnv } from "./services.ts";
import { type RunOrder, startRun } from "./start-run.ts";
import { callerOf } from "./trace-context.ts";

type Accepted = z.infer<typeof acceptedRun>;

export type StartAnswer = { status: 200; body: z.infer<typeof wholeRun> | Accepted } | { status: 202; body: Accepted };

export async function answerStart(
  context: Context<AppEnv>,
  order: RunOrder,
  idempotencyKey: string | undefined,
): Promise<StartAnswer> {
  const { tenant } = context.get("principal");
  const { run, replayed } = await startRun(
    context.get("services"),
    tenant,
    { ...order, ...callerOf(context) },
    idempotencyKey,
  );
  if (replayed) context.header("Idempotent-Replay", "true");
  if (order.wait_ms !== undefined && run.ended_at !== null) return { status: 200, body: run };
  return { status: replayed ? 200 : 202, body: acceptedOf(run) };
}
