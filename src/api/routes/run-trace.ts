/** A run's trace, made from its log when it is asked for: also of a run that still goes on, and of an archived one. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { RunArchive } from "#store/archive.ts";
import { describeNode } from "#telemetry/run-points.ts";
import { type TelemetryOrigin, traceDocument } from "#telemetry/traces/otlp.ts";
import { spansOf } from "#telemetry/traces/run-spans.ts";
import type { WorkflowDefinition } from "#workflow/definition.ts";
import { compileGraph } from "#workflow/graph.ts";
import { askOrArchive } from "../ask-run.ts";
import { BASE_PATH, json, protectedRoute } from "../route.ts";
import type { AppEnv } from "../services.ts";

const attribute = z.object({ key: z.string(), value: z.looseObject({}) });

const span = z
  .looseObject({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().optional(),
    name: z.string(),
    kind: z.int(),
    startTimeUnixNano: z.string(),
    endTimeUnixNano: z.string(),
    attributes: z.array(attribute),
    status: z.object({ code: z.int(), message: z.string().optional() }),
  })
  .openapi("Span", { description: "a span as OTLP/JSON has it" });

const traceSchema = z
  .object({
    resourceSpans: z.array(
      z.looseObject({ resource: z.looseObject({}), scopeSpans: z.array(z.looseObject({ spans: z.array(span) })) }),
    ),
  })
  .openapi("Trace");

const trace = protectedRoute("read", {
  method: "get",
  path: `${BASE_PATH}/runs/{id}/trace`,
  tags: ["runs"],
  summary: "The run as a trace in OTLP/JSON, made from its log: the same log gives the same bytes",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json(traceSchema, "spans of the run, its nodes' attempts, and what these did outside") },
});

export const runTraceRoutes = new OpenAPIHono<AppEnv>().openapi(trace, async (context) => {
  const { id } = context.req.valid("param");
  const { tenant } = context.get("principal");
  const services = context.get("services");
  const text = await askOrArchive(
    services,
    tenant,
    id,
    (shard) => shard.traceDocument(tenant, id),
    (archive) => archivedTrace(archive, services.telemetryOrigin),
  );
  // It is JSON already, and may be large.
  return context.body(text, 200, { "Content-Type": "application/json" }) as never;
});

function archivedTrace({ events, details }: RunArchive, origin: TelemetryOrigin): string {
  const { nodes } = compileGraph(details.definition as unknown as WorkflowDefinition);
  return JSON.stringify(
    traceDocument(
      spansOf(events, (path) => describeNode(nodes, path)),
      origin,
    ),
  );
}
