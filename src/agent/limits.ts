/** Bounds of agents. Each has a test at its edge. */

/** Tokens that one answer may have, reasoning included; what a call reserves of a budget follows from it. */
export const OUTPUT_TOKENS_MAX = 16_384;

/** Tool calls of one turn that are carried out; the model is told of the others. */
export const CALLS_PER_TURN_MAX = 16;

/** Tool calls that run side by side where all of a turn only read. */
export const CALLS_IN_PARALLEL_MAX = 4;

/** Times that the model may ask for the very same call; the second time on it is given the first answer. */
export const SAME_CALL_MAX = 3;

/** Tool calls that the node's output lists. */
export const LISTED_CALLS_MAX = 200;

/** Characters of a tool's result that the model is given back. */
export const TOOL_RESULT_UNITS_MAX = 32_000;

/** Characters of each part of the context (inputs, input, workflow) that the model is shown. */
export const CONTEXT_PART_UNITS_MAX = 60_000;

/** Characters of the whole conversation; beyond it no further call is made. */
export const CONVERSATION_UNITS_MAX = 1_000_000;

/** Characters of a tool's error that go to the model and into the output. */
export const TOOL_ERROR_UNITS_MAX = 2_000;

/** Bytes of one answer of a provider, as they travel. */
export const ANSWER_BYTES_MAX = 4 * 1_048_576;

/** Problems with a structured answer that the model is told. */
export const ANSWER_PROBLEMS_MAX = 20;

/** Characters of a kept conversation, so that it fits a row; a longer one begins anew. */
export const KEPT_CONVERSATION_UNITS_MAX = 1_500_000;

/** Characters of all patches that one attempt asks for, together. */
export const PATCH_UNITS_MAX = 1_000_000;

/** How long an OpenAPI document is remembered by an isolate, and characters of all that are. */
export const DOCUMENT_MEMORY_MS = 300_000;
export const DOCUMENTS_UNITS_MAX = 16_000_000;

/** Runs that one attempt of an agent has others do. */
export const DELEGATIONS_MAX = 20;
