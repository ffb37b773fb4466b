/** Bounds of tool calls. Each has a test at its edge; those of pipelines stand in `../pipeline/limits.ts`. */

import { TOOL_ERROR_UNITS_MAX, TOOL_RESULT_UNITS_MAX } from "../limits.ts";

/** Characters of a call's arguments as the model writes them. */
export const ARGUMENTS_LENGTH_MAX = 262_144;
/** Characters of an error that goes back to the model. */
export const TOOL_ERROR_LENGTH_MAX = TOOL_ERROR_UNITS_MAX - 1;
/** Bytes of JSON that a tool gives back to the model; the loop cuts at as many characters, in the middle of things. */
export const TOOL_RESULT_BYTES_MAX = TOOL_RESULT_UNITS_MAX;
/** What an agent may search for, and how much it is shown. */
export const SEARCH_QUERY_LENGTH_MAX = 500;
export const SEARCH_LIMIT_MAX = 50;
export const SEARCH_LIMIT_DEFAULT = 10;
/** Workflows of a tenant that one search looks through. */
export const SEARCHED_WORKFLOWS_MAX = 1_000;
/** Bytes of the inputs that an agent hands to another. */
export const DELEGATED_INPUTS_BYTES_MAX = 262_144;
export const OPERATION_ID_LENGTH_MAX = 256;
