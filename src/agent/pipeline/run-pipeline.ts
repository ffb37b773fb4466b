/** Runs the steps of a pipeline one after the other, each on the result of the one before, within common bounds. */
import { fail, ok, type Result } from "#kernel/errors.ts";
import { isDeeperThan, JSON_DEPTH_MAX, type Json, utf8Length } from "#kernel/json.ts";
import type { ToolContext } from "../tool.ts";
import { Work, WorkExceeded } from "../work.ts";
import { PIPELINE_WORK_MAX, STEP_OUTPUT_BYTES_MAX } from "./limits.ts";
import { StepRefused } from "./step.ts";
import { runStep, type Step } from "./steps.ts";

export interface PipelineResult {
  value: Json;
  /** Of the value as JSON, in UTF-8. */
  bytes: number;
}

/** The result of the last step; the error names the step that failed and says why. */
export async function runPipeline(
  steps: readonly Step[],
  input: Json,
  context: ToolContext,
): Promise<Result<PipelineResult, string>> {
  const work = new Work(PIPELINE_WORK_MAX);
  let result: PipelineResult = { value: input, bytes: 0 };
  for (const [index, step] of steps.entries()) {
    const stop = (reason: string) => fail(`step ${index} (${step.step}): ${reason}`);
    if (context.signal.aborted) return stop("the call was cancelled");
    try {
      const value = await runStep(step, result.value, { tool: context, work });
      if (isDeeperThan(value)) return stop(`the result nests deeper than ${JSON_DEPTH_MAX} levels`);
      const bytes = utf8Length(JSON.stringify(value));
      work.charge(bytes >> 5);
      if (bytes > STEP_OUTPUT_BYTES_MAX) {
        return stop(`the result has ${bytes} bytes; at most ${STEP_OUTPUT_BYTES_MAX} are handed on`);
      }
      result = { value, bytes };
    } catch (error) {
      if (error instanceof StepRefused) return stop(error.message);
      if (error instanceof WorkExceeded) {
        return stop(`the pipeline ${error.message}: work on fewer rows, or in several calls with session_id`);
      }
      throw error;
    }
  }
  return ok(result);
}
