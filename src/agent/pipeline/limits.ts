/** Bounds of one pipeline call. Each has a test at its edge. */

import { TOOL_RESULT_UNITS_MAX } from "../limits.ts";

export const PIPELINE_STEPS_MAX = 50;
/** Rows of a table, and cells of it: rows times the columns they have. */
export const TABLE_ROWS_MAX = 50_000;
export const TABLE_CELLS_MAX = 1_000_000;
/** Work of all steps together; a unit is about a tenth of a microsecond. */
export const PIPELINE_WORK_MAX = 5_000_000;
/** Bytes of JSON that one step may hand to the next. */
export const STEP_OUTPUT_BYTES_MAX = 8 * 1_048_576;
/** Bytes of JSON that go back to the model; the loop cuts at as many characters, in the middle of things. */
export const RESULT_BYTES_MAX = TOOL_RESULT_UNITS_MAX;
/** Names of columns in one step, and characters of each. */
export const FIELDS_MAX = 64;
export const FIELD_LENGTH_MAX = 256;
/** Sessions that one attempt of an agent node keeps, and bytes of them together. */
export const SESSIONS_MAX = 16;
export const SESSIONS_BYTES_MAX = 16 * 1_048_576;
/** Rows of a kept result that are shown when it is too large to show whole. */
export const PREVIEW_ROWS = 5;
