/** The five tools, by name. */
import type { Tool, ToolName } from "../tool.ts";
import { delegateToAgent } from "./delegate-to-agent.ts";
import { executePipeline } from "./execute-pipeline.ts";
import { openapiAction } from "./openapi-action.ts";
import { patchWorkflow } from "./patch-workflow.ts";
import { searchTools } from "./search-tools.ts";

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  execute_pipeline: executePipeline,
  patch_workflow: patchWorkflow,
  search_tools: searchTools,
  openapi_action: openapiAction,
  delegate_to_agent: delegateToAgent,
};
