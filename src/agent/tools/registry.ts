/** The five tools, and how a model is told of them: always the same bytes, so that providers can cache what they begin with. */
import type { JsonObject } from "#kernel/json.ts";
import { TOOL_NAMES, type Tool, type ToolName } from "../tool.ts";
import { delegateToAgent } from "./delegate-to-agent.ts";
import { executePipeline } from "./execute-pipeline.ts";
import { openapiAction } from "./openapi-action.ts";
import { patchWorkflow } from "./patch-workflow.ts";
import { searchTools } from "./search-tools.ts";

/** As the chat completions API takes it. */
export interface ToolSchema {
  type: "function";
  function: { name: ToolName; description: string; parameters: JsonObject };
}

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  execute_pipeline: executePipeline,
  patch_workflow: patchWorkflow,
  search_tools: searchTools,
  openapi_action: openapiAction,
  delegate_to_agent: delegateToAgent,
};

/** The tools of these names, or all of them, in their fixed order whatever order and however often they are named. */
export function toolSchemas(names: readonly ToolName[] = TOOL_NAMES): ToolSchema[] {
  return TOOL_NAMES.filter((name) => names.includes(name)).map((name) => {
    const { description, parameters } = TOOLS[name];
    return { type: "function", function: { name, description, parameters } };
  });
}
