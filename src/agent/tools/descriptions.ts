/** What a model is told of each tool. The arguments' schemas, with descriptions of their own, stand with the tools. */
import type { ToolName } from "../tool.ts";

export const TOOL_DESCRIPTIONS: Readonly<Record<ToolName, string>> = {
  execute_pipeline: [
    "Fetch and transform data in one call: the result of each step is the input of the next, and the last result comes back.",
    "A table is a list of objects. Steps: http_request, table_sort, table_filter, table_select, top_k, groupby, join, jq_transform, regex_extract, parse_date.",
    "With session_id the result is kept: a later call with that session_id begins with it, and $session.<id> refers to it. input_ref gives the first step its input.",
    "jq_transform gives a list when the query can give several values (.[] and the like), else the value itself.",
  ].join(" "),
  patch_workflow: [
    "Change the workflow of this run while it runs, with a JSON Patch (RFC 6902) of the workflow document you were shown.",
    "You may add nodes at /nodes/- and edges at /edges/-, downstream of yourself, and remove an edge that leaves you when the same patch leads to its end again through a new node. Nothing else is accepted: the answer says why, and shows a patch that would be.",
    "With workflow_tag the patch is kept as a proposal to change that stored workflow, for a human to decide; the run does not change.",
  ].join(" "),
  search_tools:
    "Find stored workflows (to delegate to), node types (to add with patch_workflow), functions and tools by words. The best matches come first.",
  openapi_action: [
    "Call an operation of a web service that has an OpenAPI 3 document. Parameters are checked against the document before anything is sent.",
    'params holds path, query and header parameters by name ("query.id" where a name stands in two places) and the request body as "body". auth_profile names a stored secret; it goes where the document says, and only to the hosts it is bound to.',
  ].join(" "),
  delegate_to_agent:
    "Run another workflow with these inputs, wait for it to end and get its outputs. Use search_tools to find workflows and their tags.",
};
