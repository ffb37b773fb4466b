/** Which steps there are. A step's arguments and what it does stand in its own file. */
import { z } from "zod";
import type { Json } from "#kernel/json.ts";
import { groupby } from "./groupby.ts";
import { httpRequest } from "./http-request.ts";
import { join } from "./join.ts";
import { jqTransform } from "./jq-transform.ts";
import { parseDate } from "./parse-date.ts";
import { regexExtract } from "./regex-extract.ts";
import type { StepContext } from "./step.ts";
import { tableFilter, tableSelect, tableSort, topK } from "./table-steps.ts";

export const STEP_TYPES = {
  http_request: httpRequest,
  table_sort: tableSort,
  table_filter: tableFilter,
  table_select: tableSelect,
  top_k: topK,
  groupby,
  join,
  jq_transform: jqTransform,
  regex_extract: regexExtract,
  parse_date: parseDate,
} as const;

export type StepName = keyof typeof STEP_TYPES;
export const STEP_NAMES = Object.keys(STEP_TYPES) as StepName[];

export const stepSchema = z.discriminatedUnion("step", [
  httpRequest.schema,
  tableSort.schema,
  tableFilter.schema,
  tableSelect.schema,
  topK.schema,
  groupby.schema,
  join.schema,
  jqTransform.schema,
  regexExtract.schema,
  parseDate.schema,
]);

export type Step = z.output<typeof stepSchema>;

/** Throws `StepRefused` and `WorkExceeded`. */
export async function runStep(step: Step, input: Json, context: StepContext): Promise<Json> {
  const type = STEP_TYPES[step.step] as { run(step: Step, input: Json, context: StepContext): Json | Promise<Json> };
  return await type.run(step, input, context);
}
