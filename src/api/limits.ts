/** Bounds of requests. Each has a test at its edge. */

export const BODY_BYTES_MAX = 1_048_576;

export const LIST_LIMIT_MAX = 200;
export const LIST_LIMIT_DEFAULT = 50;
export const EVENTS_LIMIT_MAX = 1_000;
export const EVENTS_LIMIT_DEFAULT = 200;
export const SEARCH_LENGTH_MAX = 100;
export const CURSOR_LENGTH_MAX = 500;

export const WAIT_MS_MAX = 30_000;
export const BATCH_RUNS_MAX = 100;
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
export const LABELS_MAX = 32;
export const LABEL_KEY = /^[A-Za-z0-9._-]{1,64}$/;
export const LABEL_VALUE_LENGTH_MAX = 256;
/** 1 is the most urgent. */
export const PRIORITY_MAX = 5;
export const PRIORITY_DEFAULT = 3;
/** Of a tag or an artifact id; longer names are those of nothing. */
export const WORKFLOW_NAME_LENGTH_MAX = 200;
export const REASON_LENGTH_MAX = 500;

export const BUDGET_USD_MAX = 1_000_000;
/** USD a million tokens. */
export const PRICE_USD_MAX = 100_000;
export const MODEL_NAME_LENGTH_MAX = 200;

/** Variables that one evaluation of the playground may have. */
export const VARIABLES_MAX = 64;

/** Of a decision's comments. */
export const COMMENTS_LENGTH_MAX = 2_000;
/** Of a voter whom a signed link names. */
export const VOTER_LENGTH_MAX = 100;
export const LINK_LIFETIME_MS_MIN = 1_000;
export const LINK_LIFETIME_MS_MAX = 30 * 24 * 3_600_000;
export const LINK_LIFETIME_MS_DEFAULT = 7 * 24 * 3_600_000;

/** A stream of server-sent events is closed after this at the latest; the client goes on where it was. */
export const STREAM_MS_MAX = 14 * 60_000;
export const STREAM_HEARTBEAT_MS = 15_000;
