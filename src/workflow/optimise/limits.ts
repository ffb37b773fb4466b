/** Bounds of the analysis at validation. Each has a test at its edge. */

/** Suggestions of one kind in one answer: no kind hides another. */
export const SUGGESTIONS_PER_KIND_MAX = 20;

/** Work of all constant conditions of one definition together; what is left then counts as not constant. */
export const CONSTANT_WORK_MAX = 1_000_000;

/** Node ids that one sentence names; the others are counted. */
export const NAMED_IDS_MAX = 5;
