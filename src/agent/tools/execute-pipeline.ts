/** The tool `execute_pipeline`: data through up to fifty steps, without a model in between. */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { PIPELINE_STEPS_MAX, PREVIEW_ROWS, RESULT_BYTES_MAX } from "../pipeline/limits.ts";
import { REFERENCE_FORMS, REFERENCE_LENGTH_MAX, readReference } from "../pipeline/references.ts";
import { type PipelineResult, runPipeline } from "../pipeline/run-pipeline.ts";
import { stepSchema } from "../pipeline/steps.ts";
import type { ToolAnswer, ToolContext } from "../tool.ts";
import { defineTool, refused } from "./define-tool.ts";

const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

export const executePipeline = defineTool({
  name: "execute_pipeline",
  arguments: z.strictObject({
    session_id: z.string().regex(SESSION_ID, "must be 1 to 64 letters, digits, _ or -").optional(),
    pipeline: z.array(stepSchema).min(1).max(PIPELINE_STEPS_MAX),
    input_ref: z.string().min(1).max(REFERENCE_LENGTH_MAX).describe(REFERENCE_FORMS).optional(),
  }),
  example: {
    pipeline: [
      { step: "http_request", url: "https://api.example.com/orders", params: { year: 2026 } },
      { step: "jq_transform", query: ".orders" },
      { step: "groupby", by: ["country"], agg: "sum", field: "amount" },
      { step: "top_k", k: 3, field: "sum_amount" },
    ],
  },
  // Sessions are shared by calls, and a POST may change something outside.
  readsOnly: ({ session_id, pipeline }) =>
    session_id === undefined && pipeline.every((step) => step.step !== "http_request" || step.method === "GET"),
  async run({ session_id, pipeline, input_ref }, context) {
    let input: Json = (session_id === undefined ? undefined : context.sessions.get(session_id)) ?? null;
    if (input_ref !== undefined) {
      const referred = await readReference(input_ref, context);
      if (!referred.ok) return refused(`"input_ref": ${referred.error}`);
      input = referred.value;
    }
    const result = await runPipeline(pipeline, input, context);
    return result.ok ? answered(result.value, session_id, context) : refused(result.error);
  },
});

/** What goes back to the model: the value, or of one too large what it is and how to get at it. */
function answered({ value, bytes }: PipelineResult, session: string | undefined, context: ToolContext): ToolAnswer {
  if (session !== undefined) {
    const kept = context.sessions.keep(session, value, bytes);
    if (!kept.ok) return refused(`the pipeline ran, but its result was not kept: ${kept.error}`);
  }
  if (bytes <= RESULT_BYTES_MAX) return { ok: true, result: value };
  const size = `the result has ${bytes} bytes; at most ${RESULT_BYTES_MAX} come back`;
  if (session === undefined) {
    return refused(
      `${size}: take less of it (table_filter, table_select, top_k, groupby), or name a session_id that keeps it for the next call`,
    );
  }
  return { ok: true, result: previewOf(value, `$session.${session}`, size) };
}

function previewOf(value: Json, kept: string, note: string): Json {
  const whole = { kept_as: kept, note };
  if (!Array.isArray(value)) return whole;
  const first = value.slice(0, PREVIEW_ROWS);
  const fits = JSON.stringify(first).length <= RESULT_BYTES_MAX / 8;
  return { ...whole, rows: value.length, ...(fits ? { first } : {}) };
}
