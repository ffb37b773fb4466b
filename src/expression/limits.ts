/** Every bound on expressions and templates: what one may cost, so that none can hang a shard or exhaust its memory. */
export { JSON_DEPTH_MAX } from "#kernel/json.ts";

/** Longest expression (CEL or JMESPath), in bytes of UTF-8. */
export const EXPRESSION_SOURCE_BYTES_MAX = 2_048;
/** Most nodes of an expression's syntax tree, macros expanded. */
export const EXPRESSION_NODES_MAX = 500;
/** Deepest syntax tree, and deepest nesting of brackets before it is parsed. */
export const EXPRESSION_DEPTH_MAX = 32;
/** Comprehensions (`map`, `filter`, `all`, `exists`, …) inside one another. */
export const COMPREHENSION_NESTING_MAX = 2;
/** Longest list or map that a comprehension may go through. */
export const COMPREHENSION_ELEMENTS_MAX = 1_000;
/**
 * Work of one evaluation. A unit is one syntax node evaluated inside a loop, one value compared, or 64 characters of
 * text looked at: about a tenth of a microsecond.
 */
export const EVALUATION_WORK_MAX = 1_000_000;
/** Longest string that an expression may build, and longest subject of `matches`, in UTF-16 units. */
export const EXPRESSION_STRING_MAX = 65_536;
/** Longest regular expression, in UTF-16 units. */
export const PATTERN_LENGTH_MAX = 1_024;
/** Longest list that an expression may build by concatenation. */
export const EXPRESSION_LIST_MAX = 10_000;
/** Largest result of an expression, in characters of its JSON text; what a node may output. */
export const EXPRESSION_RESULT_MAX = 8 * 1_048_576;
/** Longest text that is read as a number, a timestamp or a boolean. */
export const CONVERSION_TEXT_MAX = 128;
/** Longest message of a failed evaluation: library messages quote values. */
export const EXPRESSION_MESSAGE_MAX = 300;
/** Compiled expressions kept for reuse, all together, by an estimate of what each takes in memory (measured in V8). */
export const EXPRESSION_CACHE_BYTES_MAX = 16 * 1_048_576;
export const PROGRAM_BYTES = 300;
export const PROGRAM_BYTES_PER_UNIT = 130;
/** Total of the strings that interpolation makes in one rendering, in bytes of UTF-8. */
export const TEMPLATE_INTERPOLATED_BYTES_MAX = 1_048_576;
