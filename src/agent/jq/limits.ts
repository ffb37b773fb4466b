/** Bounds of a jq program and of its evaluation, besides the work that its caller grants. Each has a test at its edge. */

/** Longest program, in UTF-16 units. */
export const JQ_SOURCE_LENGTH_MAX = 4_096;
/** Brackets, bodies of `def`, `as` and `if` inside one another. */
export const JQ_NESTING_MAX = 64;
/** Evaluations inside one another, calls of recursive functions included. */
export const JQ_EVALUATION_DEPTH_MAX = 700;
/** Longest text that a program may make, in UTF-16 units. */
export const JQ_TEXT_LENGTH_MAX = 1_048_576;
/** Longest list that a program may make, and the most values that it may give. */
export const JQ_LIST_LENGTH_MAX = 100_000;
/** Longest message of an error: messages quote values. */
export const JQ_MESSAGE_LENGTH_MAX = 300;
/** Largest text that `fromjson` reads, in UTF-16 units. */
export const JQ_JSON_TEXT_LENGTH_MAX = 262_144;
